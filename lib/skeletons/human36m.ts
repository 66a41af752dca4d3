import type { Skeleton } from './skeleton.js';

/** Human3.6M's 17 joints: what the network predicts. */
export const human36m17: Skeleton = {
  name: 'h36m-17',
  joints: [
    'hip',
    'right hip',
    'right knee',
    'right ankle',
    'left hip',
    'left knee',
    'left ankle',
    'spine',
    'thorax',
    'neck',
    'head',
    'left shoulder',
    'left elbow',
    'left wrist',
    'right shoulder',
    'right elbow',
    'right wrist',
  ],
  parents: [-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15],
  left: [4, 5, 6, 11, 12, 13],
  right: [1, 2, 3, 14, 15, 16],
  root: 0,
};

/** The 32 joints of Human3.6M's motion capture; several coincide (the second joint of a place has a suffix). */
export const human36m32: Skeleton = {
  name: 'h36m-32',
  joints: [
    'hip',
    'right hip',
    'right knee',
    'right ankle',
    'right toe base',
    'right toe end',
    'left hip',
    'left knee',
    'left ankle',
    'left toe base',
    'left toe end',
    'hip (spine base)',
    'spine',
    'thorax',
    'neck',
    'head',
    'left shoulder base',
    'left shoulder',
    'left elbow',
    'left wrist',
    'left wrist (hand)',
    'left thumb',
    'left hand end',
    'left hand tip',
    'right shoulder base',
    'right shoulder',
    'right elbow',
    'right wrist',
    'right wrist (hand)',
    'right thumb',
    'right hand end',
    'right hand tip',
  ],
  parents: [
    -1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14, 12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27, 28, 27, 30,
  ],
  left: [6, 7, 8, 9, 10, 16, 17, 18, 19, 20, 21, 22, 23],
  right: [1, 2, 3, 4, 5, 24, 25, 26, 27, 28, 29, 30, 31],
  root: 0,
};

/** For each of the 17 joints, its index among the 32. */
export const human36m17Of32: readonly number[] = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27];
