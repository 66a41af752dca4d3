import { LIFTED_POSES } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { tensor } from '../base/tensor.js';
import { type BoneSpread, boneLengthSpread, rigidBones } from '../motion/bone-lengths.js';
import type { Intrinsics } from '../motion/camera.js';
import { detectFootContacts, type FootSkate, footSkate } from '../motion/foot-contact.js';
import { lockFeet } from '../motion/foot-lock.js';
import type { Motion } from '../motion/motion.js';
import { type StanceAxes, stanceAxes } from '../motion/stance.js';
import { estimateTrajectory, type Trajectory } from '../motion/trajectory.js';
import { toWorld, type WorldOptions } from '../motion/world.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { mapToHuman36m } from '../skeletons/to-human36m.js';
import type { LiftedPoses } from './poses/lifted-poses.js';

/** Lifted poses as a motion: what they were worked into, or else as the network gives them, camera axes and the root at zero. */
export function motionOf(given: LiftedPoses): Motion {
  checkArguments('motionOf', { given }, LIFTED_POSES);
  const { poses, layout, track, motion } = given;
  const { start } = track;
  if (motion) return start === undefined ? motion : { ...motion, start };
  return {
    ...(start !== undefined && { start }),
    ...{ positions: poses, frames: track.frames, layout, axes: 'camera', root: 'relative', notes: [] },
    ...(track.fps !== undefined && { fps: track.fps }),
  };
}

export interface MotionSteps {
  /** Bones of constant length. */
  rigid?: boolean;
  /** The root's path, by least squares on reprojection: through a camera in pixels, a focal length in pixels, or an assumed one. */
  trajectory?: { camera?: Intrinsics; focal?: number };
  world?: WorldOptions;
  /** Standing feet stay where they are. Needs a trajectory and a world. */
  lockFeet?: boolean;
}

/** What the steps did. */
export interface MotionReport {
  bonesBefore: BoneSpread;
  bonesAfter: BoneSpread;
  trajectory?: Omit<Trajectory, 'motion'>;
  skateBefore?: FootSkate;
  skateAfter?: FootSkate;
  /** Of a world from the stance: its axes, which others before the same camera share (`found`). */
  stance?: StanceAxes;
}

/**
 * Works lifted poses into a motion, in this order: constant bones, the root's path, world axes, feet held. The result has
 * `motion`; `poses` stay what the network gave. Throws `ERR_ARGUMENT` for steps that lack what they need.
 */
export function workMotion(result: LiftedPoses, steps: MotionSteps): { result: LiftedPoses; report: MotionReport } {
  checkArguments('workMotion', { result, steps }, LIFTED_POSES, 'object');
  if (steps.lockFeet && !(steps.trajectory && steps.world)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      'Foot locking: expected a trajectory and a world too, got a path that is unknown.',
    );
  }
  let motion = motionOf(result);
  const report: MotionReport = { bonesBefore: boneLengthSpread(motion), bonesAfter: boneLengthSpread(motion) };
  if (steps.rigid) motion = rigidBones(motion);
  if (steps.trajectory) {
    const { motion: moved, ...found } = estimateTrajectory(motion, {
      ...keypointsOf(result, motion),
      ...steps.trajectory,
    });
    motion = moved;
    report.trajectory = found;
  }
  if (steps.world?.from === 'stance') {
    const { found } = steps.world;
    report.stance = found ?? stanceAxes(motion);
  }
  if (steps.world) motion = toWorld(motion, steps.world);
  if (steps.lockFeet) {
    const contacts = detectFootContacts(motion);
    report.skateBefore = footSkate(motion, contacts);
    motion = lockFeet(motion, contacts);
    report.skateAfter = footSkate(motion, contacts);
  }
  report.bonesAfter = boneLengthSpread(motion);
  return { result: { ...result, motion }, report };
}

/** The keypoints as the joints of the motion, with the image size and how sure they are. */
function keypointsOf({ track }: LiftedPoses, { layout }: Motion) {
  const { frames, joints, keypoints, confidence, width, height } = track;
  if (layout !== 'h36m-17' || width === undefined || height === undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Trajectory: expected poses of layout h36m-17 with the image size, got ${layout} and ${width ?? 'no'} size.`,
    );
  }
  const sure = new Float32Array(frames * joints * 3);
  for (let i = 0; i < frames * joints; i++) {
    sure.set([keypoints[2 * i], keypoints[2 * i + 1], confidence[i]], 3 * i);
  }
  const { data } = mapToHuman36m(track.layout, tensor(sure, [frames, joints, 3]));
  const points = frames * skeletonByName(layout).joints.length;
  const places = new Float32Array(points * 2);
  const weights = new Float32Array(points);
  for (let i = 0; i < points; i++) {
    places.set(data.subarray(3 * i, 3 * i + 2), 2 * i);
    // A joint that was made up still holds the frame together, where no other is sure.
    weights[i] = Math.max(0.01, data[3 * i + 2]);
  }
  return { keypoints: places, confidence: weights, width, height };
}
