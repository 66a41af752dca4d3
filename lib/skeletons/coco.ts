import type { Skeleton } from './skeleton.js';

/** COCO's 17 keypoints; nothing joins the arms and legs to the head, so that nose, shoulders and hips are roots. */
export const coco17: Skeleton = {
  name: 'coco-17',
  joints: [
    'nose',
    'left eye',
    'right eye',
    'left ear',
    'right ear',
    'left shoulder',
    'right shoulder',
    'left elbow',
    'right elbow',
    'left wrist',
    'right wrist',
    'left hip',
    'right hip',
    'left knee',
    'right knee',
    'left ankle',
    'right ankle',
  ],
  parents: [-1, 0, 0, 1, 2, -1, -1, 5, 6, 7, 8, -1, -1, 11, 12, 13, 14],
  left: [1, 3, 5, 7, 9, 11, 13, 15],
  right: [2, 4, 6, 8, 10, 12, 14, 16],
  root: -1,
};
