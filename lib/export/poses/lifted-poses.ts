import type { KeypointTrack } from '../../keypoints/keypoint-track.js';
import type { Motion } from '../../motion/motion.js';

/** What lifting made of one person's keypoints, and all that a file of it remembers. */
export interface LiftedPoses {
  /** (T, J', 3), metres, camera axes (x right, y down, z away), relative to the root joint, whose row is 0. */
  poses: Float32Array;
  /** Skeleton of the poses: `h36m-17`. */
  layout: string;
  /** Name or path of the model that made them. */
  model: string;
  /** The 2D they came from, with the size and frame rate that were used. */
  track: KeypointTrack;
  /** What the poses were worked into on request: constant bones, an estimated path, world axes, feet held. */
  motion?: Motion;
}
