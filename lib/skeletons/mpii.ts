import type { Skeleton } from './skeleton.js';

/** MPII's 16 joints: what the stacked hourglass detections of Human3.6M (`sh_*`) hold. */
export const mpii16: Skeleton = {
  name: 'mpii-16',
  joints: [
    'right ankle',
    'right knee',
    'right hip',
    'left hip',
    'left knee',
    'left ankle',
    'hip',
    'thorax',
    'upper neck',
    'head top',
    'right wrist',
    'right elbow',
    'right shoulder',
    'left shoulder',
    'left elbow',
    'left wrist',
  ],
  parents: [1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14],
  left: [3, 4, 5, 13, 14, 15],
  right: [2, 1, 0, 12, 11, 10],
  root: 6,
};
