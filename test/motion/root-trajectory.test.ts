import { expect, it } from 'vitest';
import { estimateRoot } from '../../lib/motion/root-trajectory.js';
import { walkingSequence } from '../training/tiny-dataset.js';

it('finds where the root is from poses relative to it and their projection', () => {
  const { keypoints, poses, root, intrinsics } = walkingSequence('A', 'train', 1, 20);
  const found = estimateRoot(poses!, keypoints, 17, intrinsics!);
  const worst = Math.max(...found.map((value, i) => Math.abs(value - root![i])));
  expect(worst).toBeLessThan(1e-3);
});
