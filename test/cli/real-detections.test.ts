import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { readCameras } from '../../bench/studies/pose2sim/read-cameras.mjs';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { parseTrc } from '../../lib/export/read-trc.js';
import { add, length, pointAt, subtract } from '../../lib/motion/vector.js';
import { runHere } from '../helpers/cli.js';
import { itWithData } from '../helpers/data.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { withArchive } from '../helpers/writers/archive.js';

const folder = temporaryFolder();

/** Lifts with the bundled model and no flag but the size, which these files lack. */
async function lift(input: string, size: string, out: string) {
  const { code, err } = await runHere(['lift', input, '--size', size, '--out', out]);
  expect(code, err).toBe(0);
  return err;
}

/** Poses of a person: finite, of a body's size, the hip at zero. */
function check(path: string, frames: number, layout: string) {
  const { poses, track } = readPoses(path);
  expect(track).toMatchObject({ frames, layout });
  expect(poses).toHaveLength(frames * 17 * 3);
  for (let frame = 0; frame < frames; frame++) {
    const pose = poses.subarray(frame * 51, (frame + 1) * 51);
    expect(pose.every((value) => Math.abs(value) < 1.5)).toBe(true);
    expect([...pose.subarray(0, 3)]).toEqual([0, 0, 0]);
  }
}

describe('real detections lift in one command', () => {
  itWithData('AlphaPose, Halpe-26', 'detections/motionbert-halpe26.tar.xz', (archive) =>
    withArchive(archive, ['motionbert-halpe26/alphapose-results.json'], async (unpacked) => {
      const out = join(folder, 'alphapose.npz');
      await lift(join(unpacked, 'motionbert-halpe26/alphapose-results.json'), '832x480', out);
      check(out, 301, 'halpe-26');
    }),
  );

  itWithData("OpenPose BODY_25B, four cameras' folders", 'detections/pose2sim-single.tar.xz', (archive) =>
    withArchive(archive, ['pose2sim-single/pose-2d'], async (unpacked) => {
      const out = join(folder, 'openpose');
      const err = await lift(join(unpacked, 'pose2sim-single/pose-2d'), '1087x1919', out);
      expect(err).toContain('taken as body-25b');
      for (const camera of [1, 2, 3, 4]) check(join(out, `cam${camera}_json-3d.npz`), 100, 'body-25b');
    }),
  );

  itWithData('and stand where the calibration of their cameras says', 'detections/pose2sim-single.tar.xz', (archive) =>
    withArchive(
      archive,
      ['pose2sim-single/pose-2d', 'pose2sim-single/pose-3d', 'pose2sim-single/calib-2d'],
      async (unpacked) => {
        const session = join(unpacked, 'pose2sim-single');
        const { positions, markers } = parseTrc(
          readFileSync(join(session, 'pose-3d/demo_filt_0-100.trc'), 'utf8'),
          'truth.trc',
        );
        for (const { name, folder: input, camera, extrinsics } of readCameras(session)) {
          const [world, out] = [join(folder, `${name}.json`), join(folder, `${name}.npz`)];
          writeFileSync(world, JSON.stringify({ ...extrinsics, up: 'z' }));
          const { fx, fy, cx, cy, distortion } = camera;
          const calibrated = ['--camera', [fx, fy, cx, cy, ...distortion].join(), '--trajectory', '--world', world];
          const size = ['--size', '1087x1919', '--fps', '60'];
          const { code, err } = await runHere(['lift', input, ...size, ...calibrated, '--out', out]);
          expect(code, err).toBe(0);
          const hips = ['RHip', 'LHip'].map((marker) => markers.indexOf(marker));
          const motion = readPoses(out).motion!;
          let off = 0;
          for (let frame = 0; frame < 100; frame++) {
            // The session's TRC has Y, Z, X of its world, as a world with z up becomes here.
            const [right, left] = hips.map((hip) => pointAt(positions, frame * markers.length + hip));
            const middle = add(right, subtract(left, right), 0.5);
            off += length(subtract(pointAt(motion.positions, frame * 17), middle)) / 100;
          }
          // Seen by one camera, in a room of 4 m: 0.09 to 0.16 m in bench/results/pose2sim.md.
          expect(off, name).toBeLessThan(0.2);
        }
      },
    ),
  );

  itWithData('COCO annotations', 'detections/coco-person-keypoints.json', async (file) => {
    const out = join(folder, 'coco.npz');
    const err = await lift(file, '640x480', out);
    expect(err).toContain('10 people: took person 0');
    check(out, 4, 'coco-17');
  });
});
