import type { Extrinsics, Intrinsics } from '../motion/camera.js';

export type { Extrinsics, Intrinsics };

export type Split = 'train' | 'validation' | 'test';

/** One person seen by one camera for T frames. */
export interface PoseSequence {
  /** Unique in the data set, for example `S9/Directions 1/54138969`. */
  name: string;
  subject: string;
  /** Action as the data set spells it ("Walking 1"); metrics pool by the part before the blank. */
  action: string;
  camera: string;
  split: Split;
  fps: number;
  frames: number;
  /** Image size in pixels. */
  width: number;
  height: number;
  /** (T, J, 2), normalised: x / width * 2 - 1 and y / width * 2 - height / width. */
  keypoints: Float32Array;
  /** (T, J', 3), metres, camera axes, relative to the root joint (whose row is 0). Absent for 2D-only data. */
  poses?: Float32Array;
  /** (T, 3), metres, camera axes: where the root joint is. */
  root?: Float32Array;
  /** Intrinsics in normalised image units (see `keypoints`), where known. */
  intrinsics?: Intrinsics;
  /** World to camera, where known. */
  extrinsics?: Extrinsics;
  /** (T), 1 where the frame counts in a test (3DHP's valid frames). Absent: all count. */
  valid?: Uint8Array;
  /** 3DHP's activity label of each frame (1 to 7), where the file gives it. */
  activity?: Uint8Array;
}

/** What training and evaluation work on: sequences in memory, and what they mean. */
export interface PoseDataset {
  name: string;
  /** Names of skeletons in `lib/skeletons`: of `keypoints` and of `poses`. */
  inputLayout: string;
  outputLayout: string;
  /** Index of the root joint in `outputLayout` (0 in Human3.6M, 14 in 3DHP). */
  rootJoint: number;
  sequences: PoseSequence[];
  /** Free text: where the data came from and under what licence. */
  source: string;
}
