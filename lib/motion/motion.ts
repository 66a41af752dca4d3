import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';
import { skeletonByName } from '../skeletons/skeletons.js';

/** One person's joints through time, as places: what files for other tools are made from. */
export interface Motion {
  /** (T, J, 3), metres, in `axes`. */
  positions: Float32Array;
  frames: number;
  /** Frame of the video, from 0, that is the first of these: files start there, so that people play in step. Default 0. */
  start?: number;
  /** Name of a skeleton in `lib/skeletons`. */
  layout: string;
  fps?: number;
  /** `camera`: x right, y down, z away from the camera. `world`: y up, x to the right and z toward the camera, a right-handed frame. */
  axes: 'camera' | 'world';
  /** `relative`: the root joint stays at one place. `estimated`: it moves as {@link estimateTrajectory} found. */
  root: 'relative' | 'estimated';
  /** What was assumed, estimated or changed, a sentence each. */
  notes: string[];
}

/** Joints of a motion, after a check of its shape. Throws `ERR_ARGUMENT` where positions and layout disagree. */
export function jointsOf({ positions, frames, layout }: Motion): number {
  const joints = skeletonByName(layout).joints.length;
  if (frames < 1 || positions.length !== frames * joints * 3) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Motion: expected positions of shape (${frames}, ${joints}, 3) with at least one frame, got ${positions.length} values.`,
    );
  }
  return joints;
}

/** The positions with y up: as they are in world axes; camera axes are turned half round x, so that the image's up is up. */
export function positionsYUp(motion: Motion): Float32Array {
  jointsOf(motion);
  if (motion.axes === 'world') return motion.positions;
  return motion.positions.map((value, index) => (index % 3 === 0 ? value : -value));
}

/** The frame rate, which files of motion state. Throws `ERR_ARGUMENT` where it is unknown. */
export function rateOf({ fps }: Motion, format: string): number {
  if (fps !== undefined && fps > 0) return fps;
  throw new PoseError('ERR_ARGUMENT', `${format}: expected a motion with its frame rate (fps), got ${valueText(fps)}.`);
}
