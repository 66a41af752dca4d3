import { coco17, feet } from './coco.js';
import type { Skeleton } from './skeleton.js';

/** OpenPose's BODY_25. */
export const body25: Skeleton = {
  name: 'body-25',
  joints: [
    'nose',
    'neck',
    'right shoulder',
    'right elbow',
    'right wrist',
    'left shoulder',
    'left elbow',
    'left wrist',
    'hip',
    'right hip',
    'right knee',
    'right ankle',
    'left hip',
    'left knee',
    'left ankle',
    'right eye',
    'left eye',
    'right ear',
    'left ear',
    ...feet,
  ],
  parents: [1, 8, 1, 2, 3, 1, 5, 6, -1, 8, 9, 10, 8, 12, 13, 0, 0, 15, 16, 14, 19, 14, 11, 22, 11],
  left: [5, 6, 7, 12, 13, 14, 16, 18, 19, 20, 21],
  right: [2, 3, 4, 9, 10, 11, 15, 17, 22, 23, 24],
  root: 8,
};

/** OpenPose's BODY_25B: COCO's 17, then the upper neck, the top of the head and the feet; no neck base and no mid hip. */
export const body25b: Skeleton = {
  name: 'body-25b',
  joints: [...coco17.joints, 'upper neck', 'head top', ...feet],
  parents: [-1, 0, 0, 1, 2, -1, -1, 5, 6, 7, 8, -1, -1, 11, 12, 13, 14, -1, 17, 15, 19, 15, 16, 22, 16],
  left: [...coco17.left, 19, 20, 21],
  right: [...coco17.right, 22, 23, 24],
  root: -1,
};
