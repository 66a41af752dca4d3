import { PoseError } from '../../base/pose-error.js';
import { human36m17 } from '../../skeletons/human36m.js';
import type { PoseSequence } from '../pose-dataset.js';
import { bodyReach } from './body.js';

/** A recorded motion in the world, y up: what virtual cameras are put around. */
export interface Recording {
  name: string;
  fps: number;
  frames: number;
  /** (T, 17, 3), metres. */
  points: Float32Array;
  /** Thigh, shank and trunk together, metres. */
  reach: number;
}

/** The motions behind sequences in camera axes, each once, whichever camera shows it. Throws `ERR_DATASET`. */
export function recordingsOf(sequences: readonly PoseSequence[], up: 'y' | 'z'): Recording[] {
  const first = new Map<string, PoseSequence>();
  for (const sequence of sequences) {
    const name = `${sequence.subject}/${sequence.action}`;
    if (!first.has(name)) first.set(name, sequence);
  }
  return [...first].map(([name, sequence]) => {
    const points = worldPoints(sequence, up);
    return { name, fps: sequence.fps, frames: sequence.frames, points, reach: bodyReach(points) };
  });
}

/** Camera axes back to the world: R^T (pose + root - t); a world with z up is turned so that y is. */
function worldPoints(sequence: PoseSequence, up: 'y' | 'z'): Float32Array {
  const { name, poses, root, extrinsics, frames } = sequence;
  const joints = human36m17.joints.length;
  if (!poses || !root || !extrinsics || poses.length !== frames * joints * 3) {
    throw new PoseError(
      'ERR_DATASET',
      `Sequence ${name}: augmentation needs 17 joints in 3D, the root's path and the camera's place, as \`pstmo prepare mocap\` writes them.`,
    );
  }
  const { rotation: r, translation: t } = extrinsics;
  const points = new Float32Array(poses.length);
  for (let i = 0; i < poses.length; i += 3) {
    const at = Math.floor(i / (joints * 3)) * 3;
    const x = poses[i] + root[at] - t[0];
    const y = poses[i + 1] + root[at + 1] - t[1];
    const z = poses[i + 2] + root[at + 2] - t[2];
    const world = [0, 1, 2].map((axis) => r[axis] * x + r[3 + axis] * y + r[6 + axis] * z);
    points.set(up === 'y' ? world : [world[0], world[2], -world[1]], i);
  }
  return points;
}
