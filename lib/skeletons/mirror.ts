import { SKELETON } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Skeleton } from './skeleton.js';

/** For each joint, the joint whose place it takes in the mirror: itself, or its partner on the other side. */
export function mirroredJoints(skeleton: Skeleton): number[] {
  checkArguments('mirroredJoints', { skeleton }, SKELETON);
  const partner = skeleton.joints.map((_, joint) => joint);
  skeleton.left.forEach((left, i) => {
    partner[left] = skeleton.right[i];
    partner[skeleton.right[i]] = left;
  });
  return partner;
}

/**
 * Mirrors rows of joints (..., J, C): the first channel, x, changes its sign, and left and right joints change
 * places. Holds for normalised 2D and for poses relative to the root alike. Returns new data.
 */
export function mirrorPose(skeleton: Skeleton, data: Float32Array, channels: number): Float32Array {
  checkArguments('mirrorPose', { skeleton, data, channels }, SKELETON, 'Float32Array', 'number');
  const partner = mirroredJoints(skeleton);
  const width = partner.length * channels;
  if (!(Number.isInteger(channels) && width > 0 && data.length % width === 0)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `mirrorPose: expected rows of ${partner.length} joints, got ${data.length} values and ${channels} channels.`,
    );
  }
  const out = new Float32Array(data.length);
  for (let row = 0; row < data.length; row += width) {
    for (let joint = 0; joint < partner.length; joint++) {
      const to = row + joint * channels;
      const from = row + partner[joint] * channels;
      out[to] = -data[from];
      for (let c = 1; c < channels; c++) out[to + c] = data[from + c];
    }
  }
  return out;
}
