import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { readPoses } from '../../lib/export/read-poses.js';
import { withArchive } from '../helpers/archive.js';
import { runHere } from '../helpers/cli.js';
import { itWithData } from '../helpers/data.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

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

  itWithData('COCO annotations', 'detections/coco-person-keypoints.json', async (file) => {
    const out = join(folder, 'coco.npz');
    const err = await lift(file, '640x480', out);
    expect(err).toContain('10 people: took person 0');
    check(out, 4, 'coco-17');
  });
});
