import type { Skeleton } from './skeleton.js';

/** MPI-INF-3DHP's 17 joints, in which its test program counts. */
export const mpiInf3dhp17: Skeleton = {
  name: '3dhp-17',
  joints: [
    'head top',
    'neck',
    'right shoulder',
    'right elbow',
    'right wrist',
    'left shoulder',
    'left elbow',
    'left wrist',
    'right hip',
    'right knee',
    'right ankle',
    'left hip',
    'left knee',
    'left ankle',
    'hip',
    'spine',
    'head',
  ],
  parents: [16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1],
  left: [5, 6, 7, 11, 12, 13],
  right: [2, 3, 4, 8, 9, 10],
  root: 14,
};

/** The 28 joints of the raw annotations. */
export const mpiInf3dhp28: Skeleton = {
  name: '3dhp-28',
  joints: [
    'spine 3',
    'spine 4',
    'spine 2',
    'spine',
    'hip',
    'neck',
    'head',
    'head top',
    'left clavicle',
    'left shoulder',
    'left elbow',
    'left wrist',
    'left hand',
    'right clavicle',
    'right shoulder',
    'right elbow',
    'right wrist',
    'right hand',
    'left hip',
    'left knee',
    'left ankle',
    'left foot',
    'left toe',
    'right hip',
    'right knee',
    'right ankle',
    'right foot',
    'right toe',
  ],
  parents: [2, 0, 3, 4, -1, 1, 5, 6, 5, 8, 9, 10, 11, 5, 13, 14, 15, 16, 4, 18, 19, 20, 21, 4, 23, 24, 25, 26],
  left: [8, 9, 10, 11, 12, 18, 19, 20, 21, 22],
  right: [13, 14, 15, 16, 17, 23, 24, 25, 26, 27],
  root: 4,
};

/** For each of the 17 joints, its index among the 28. */
export const mpiInf3dhp17Of28: readonly number[] = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6];
