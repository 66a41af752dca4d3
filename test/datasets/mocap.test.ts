import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type MocapOptions, prepareMocap } from '../../lib/datasets/mocap/mocap.js';
import { worldToCamera } from '../../lib/datasets/mocap/virtual-camera.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { largestDifference } from '../helpers/difference.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { amcText, asfText, bvhText } from '../helpers/writers/mocap-files.js';

const folder = temporaryFolder();
const lonely = join(temporaryFolder(), '08_01.amc');
const files: Record<string, string> = {
  'cmu/05/05.asf': asfText(),
  'cmu/05/05_01.amc': amcText(120),
  'cmu/07/07.asf': asfText(),
  'cmu/07/07_01.amc': amcText(121),
  'cmu/07/07_02.amc': amcText(180),
  'cmu/07/07_03.amc': amcText(12),
  'bvh/salsa/01.bvh': bvhText(132),
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}
const splits = { test: ['05'], validation: ['07/07_02'], drop: [] };

async function prepare(options: Partial<MocapOptions> = {}) {
  return prepareMocap({ folder, splits, seed: 3, ...options });
}

describe('prepareMocap', () => {
  it('finds every clip, splits by subject and clip, and says what it leaves out', async () => {
    const notices: string[] = [];
    const progress: string[] = [];
    const dataset = await prepare({
      cameras: 2,
      onNotice: (message) => notices.push(message),
      onProgress: (done, total, clip) => progress.push(`${done}/${total} ${clip}`),
    });
    const rows = dataset.sequences.map(({ name, subject, action, camera, split, fps, frames }) =>
      [name, subject, action, camera, split, fps, frames].join(' '),
    );
    expect(rows).toEqual([
      '05/05_01/0 05 05_01 0 test 50 50',
      '05/05_01/1 05 05_01 1 test 50 50',
      '07/07_01/0 07 07_01 0 train 50 51',
      '07/07_01/1 07 07_01 1 train 50 51',
      '07/07_02/0 07 07_02 0 validation 50 75',
      '07/07_02/1 07 07_02 1 validation 50 75',
      'salsa/01/0 salsa 01 0 train 50 50',
      'salsa/01/1 salsa 01 1 train 50 50',
    ]);
    expect(notices).toContainEqual(expect.stringMatching(/^07\/07_03 lasts 0\.10 s: left out/));
    expect(notices).toContain(
      'To train on: 07 (1 of 2 clips), salsa. To choose the epoch by: 07 (1 of 2 clips). To test on: 05.',
    );
    expect(notices).toContainEqual(expect.stringMatching(/salsa\/01\.bvh: .* taken as cm/));
    expect(progress[4]).toBe('5/5 bvh/salsa/01.bvh');
    expect(dataset).toMatchObject({ inputLayout: 'h36m-17', outputLayout: 'h36m-17', rootJoint: 0 });
  });

  it('makes 2D, 3D, root and camera agree: projecting root + pose gives the keypoints', async () => {
    const dataset = await prepare();
    expect(dataset.sequences.length).toBe(16);
    for (const { keypoints, poses, root, intrinsics, frames, width, height } of dataset.sequences) {
      if (!poses || !root || !intrinsics) throw new Error('something is missing');
      expect(keypoints.length).toBe(frames * 34);
      for (let t = 0; t < frames; t += 10) {
        expect([...poses.subarray(t * 51, t * 51 + 3)]).toEqual([0, 0, 0]);
        for (let j = 0; j < 17; j++) {
          const [x, y, z] = [0, 1, 2].map((axis) => poses[(t * 17 + j) * 3 + axis] + root[t * 3 + axis]);
          const u = (intrinsics.fx * x) / z + intrinsics.cx;
          const v = (intrinsics.fy * y) / z + intrinsics.cy;
          const seen = keypoints.subarray((t * 17 + j) * 2, (t * 17 + j) * 2 + 2);
          expect(largestDifference(seen, [u, v])).toBeLessThan(1e-5);
          expect(z > 1 && Math.abs(u) < 1 && Math.abs(v) < height / width).toBe(true);
        }
      }
    }
  });

  it('keeps people upright and their left on the left, as seen in camera axes', async () => {
    for (const { poses, extrinsics } of (await prepare()).sequences) {
      if (!poses || !extrinsics) throw new Error('something is missing');
      const joint = (name: string) => {
        const at = human36m17.joints.indexOf(name) * 3;
        return poses.subarray(at, at + 3);
      };
      expect(joint('head')[1]).toBeLessThan(-0.4);
      expect(joint('left ankle')[1]).toBeGreaterThan(0.4);
      // In the world they face +z with the left at +x: the same direction, turned by the camera.
      const across = joint('left shoulder').map((value, axis) => value - joint('right shoulder')[axis]);
      const turnOnly = { rotation: extrinsics.rotation, translation: [0, 0, 0] };
      const expected = worldToCamera(turnOnly, Float32Array.of(1, 0, 0));
      const length = Math.hypot(...across);
      expect(across[0] * expected[0] + across[1] * expected[1] + across[2] * expected[2]).toBeGreaterThan(
        0.95 * length,
      );
    }
  });

  it('draws cameras from the seed and the clip alone', async () => {
    const whole = await prepare();
    const alone = await prepare({ folder: join(folder, 'cmu') });
    const pick = (dataset: typeof whole) => dataset.sequences.find(({ name }) => name === '07/07_02/3');
    expect(pick(alone)).toEqual(pick(whole));
    expect(pick(await prepare({ seed: 4 }))?.extrinsics).not.toEqual(pick(whole)?.extrinsics);
  });

  it('refuses what it cannot use, by name', async () => {
    await expect(prepare({ folder: join(folder, 'none') })).rejects.toThrow(/none cannot be read/);
    mkdirSync(join(folder, 'cmu/empty'), { recursive: true });
    await expect(prepare({ folder: join(folder, 'cmu/empty') })).rejects.toThrow(/No \.amc and no \.bvh/);
    await expect(prepare({ cameras: 0 })).rejects.toThrow(/cameras must be from 1/);
    await expect(prepare({ fbs: 50 } as object)).rejects.toThrow(/no option fbs/);
    await expect(prepare({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await expect(prepare({ splits: { ...splits, drop: ['05', '07', 'salsa'] } })).rejects.toThrow(/dropped/);
    writeFileSync(lonely, amcText(60));
    await expect(prepare({ folder: dirname(lonely), splits: { test: [], validation: [], drop: [] } })).rejects.toThrow(
      /08_01\.amc needs its skeleton 08\.asf/,
    );
  });
});
