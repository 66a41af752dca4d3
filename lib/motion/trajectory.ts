import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { median } from '../base/statistics.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { Intrinsics } from './camera.js';
import { jointsOf, type Motion } from './motion.js';
import { estimateRootPath } from './root-trajectory.js';

export interface TrajectoryInput {
  /** (T, J, 2) pixels, the joints of the motion's own layout. */
  keypoints: Float32Array;
  /** (T, J), how much each keypoint counts. Default: all the same. */
  confidence?: Float32Array;
  /** Image size in pixels: the centre and the assumed focal length come from it where no camera is given. */
  width: number;
  height: number;
  /** The calibrated camera, in pixels. */
  camera?: Intrinsics;
  /** A focal length in pixels, the centre being the image's. */
  focal?: number;
}

export interface Trajectory {
  /** The motion with the root where it was found: camera axes, `root: 'estimated'`, and a note that says how. */
  motion: Motion;
  camera: Intrinsics;
  focalSource: 'calibrated' | 'given' | 'assumed';
  /** Median distance of the root from the camera, metres. */
  depth: number;
  /** One standard deviation of the depth in metres that a frame's fit by itself leaves, median over the frames. */
  depthDeviation: number;
  /** The share by which all depths may be off with the focal length: 0 when calibrated, 0.3 when assumed. */
  focalUncertainty: number;
  /** Root mean square distance of the projected joints from the keypoints, pixels. */
  reprojection: number;
}

/**
 * The focal length that is assumed, as a share of the image's diagonal, and by how much others differ from it: telephones and webcams
 * have about 0.6 to 0.7, Human3.6M's cameras 0.8, a normal lens 1.
 */
const assumedFocal = 0.8;
const assumedShare = 0.3;

/**
 * Finds where the root joint of a relative motion (camera axes) moved: in each frame the place from which the pose projects
 * onto the keypoints, by least squares; with a frame rate the depths of the clip are found together, since people do not tremble along
 * the line of sight. Without a camera the focal length is assumed to be 0.8 of the image's diagonal (a field of view of 64
 * degrees across it) and the note says so: depths and walking distances scale with it. Throws `ERR_ARGUMENT` for
 * shapes that disagree, a motion in world axes or one whose root was estimated before.
 */
export function estimateTrajectory(motion: Motion, input: TrajectoryInput): Trajectory {
  checkArguments('estimateTrajectory', { motion, input }, MOTION, 'object');
  const joints = jointsOf(motion);
  const { frames } = motion;
  const { keypoints, confidence, width, height } = input;
  if (motion.axes !== 'camera' || motion.root !== 'relative') {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Trajectory: expected a motion in camera axes with a relative root, got ${motion.axes} axes and an ${motion.root} root.`,
    );
  }
  if (keypoints.length !== frames * joints * 2 || (confidence && confidence.length !== frames * joints)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Trajectory: expected keypoints of shape (${frames}, ${joints}, 2) and a confidence each, got ${keypoints.length} and ` +
        `${confidence?.length ?? 'no'} values.`,
    );
  }
  const { camera, source } = cameraOf(input, width, height);
  const { root, depthDeviation } = estimateRootPath(motion.positions, keypoints, joints, camera, {
    ...(confidence && { weights: confidence }),
    ...(motion.fps !== undefined && { fps: motion.fps }),
  });
  const positions = motion.positions.slice();
  for (let i = 0; i < positions.length; i++) {
    positions[i] += root[3 * Math.floor(i / (3 * joints)) + (i % 3)];
  }
  const depth = median(Array.from({ length: frames }, (_, frame) => root[3 * frame + 2]));
  const deviation = median(Array.from(depthDeviation));
  const reprojection = reprojectionOf(positions, keypoints, camera);
  const focalUncertainty = source === 'assumed' ? assumedShare : 0;
  const { joints: names, root: rootJoint } = skeletonByName(motion.layout);
  const note =
    `The path of the ${names[rootJoint]} was estimated from the keypoints with a focal length of ${camera.fx.toFixed(0)} pixels ` +
    `(${source}${source === 'assumed' ? `: ${assumedFocal} of the image's diagonal; distances may be off by ${100 * assumedShare}% for it` : ''}): ` +
    `${depth.toFixed(2)} m away, +-${deviation.toFixed(2)} m by a frame alone${motion.fps === undefined ? '' : ', joined over time'}, reprojection ${reprojection.toFixed(1)} pixels.`;
  return {
    motion: { ...motion, positions, root: 'estimated', notes: [...motion.notes, note] },
    ...{ camera, focalSource: source, depth, depthDeviation: deviation, focalUncertainty, reprojection },
  };
}

function cameraOf(
  { camera, focal }: TrajectoryInput,
  width: number,
  height: number,
): { camera: Intrinsics; source: Trajectory['focalSource'] } {
  if (camera) return { camera, source: 'calibrated' };
  if (!(width > 0 && height > 0) || (focal !== undefined && !(focal > 0))) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Trajectory: expected a positive image size and focal length, got ${width}x${height} and ${focal ?? 'none'}.`,
    );
  }
  const f = focal ?? assumedFocal * Math.hypot(width, height);
  return {
    camera: { fx: f, fy: f, cx: width / 2, cy: height / 2 },
    source: focal === undefined ? 'assumed' : 'given',
  };
}

function reprojectionOf(positions: Float32Array, keypoints: Float32Array, { fx, fy, cx, cy }: Intrinsics): number {
  const points = keypoints.length / 2;
  let sum = 0;
  for (let i = 0; i < points; i++) {
    const [x, y, z] = positions.subarray(3 * i, 3 * i + 3);
    sum += (cx + (fx * x) / z - keypoints[2 * i]) ** 2 + (cy + (fy * y) / z - keypoints[2 * i + 1]) ** 2;
  }
  return Math.sqrt(sum / points);
}
