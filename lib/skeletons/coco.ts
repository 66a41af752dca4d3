import type { Skeleton } from './skeleton.js';
import { appendWholeBody } from './whole-body.js';

/** The points of the feet that several layouts append. */
export const feet = ['left big toe', 'left small toe', 'left heel', 'right big toe', 'right small toe', 'right heel'];

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

/** OpenPose's COCO model: COCO's points in another order and a neck, midway between the shoulders. */
export const coco18: Skeleton = {
  name: 'coco-18',
  joints: [
    'nose',
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
    'right eye',
    'left eye',
    'right ear',
    'left ear',
  ],
  parents: [1, -1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15],
  left: [5, 6, 7, 11, 12, 13, 15, 17],
  right: [2, 3, 4, 8, 9, 10, 14, 16],
  root: -1,
};

/** COCO-WholeBody's 133 points: COCO's 17, six of the feet, 68 of the face and 21 of each hand. */
export const coco133: Skeleton = appendWholeBody('coco-133', {
  name: 'coco-23',
  joints: [...coco17.joints, ...feet],
  parents: [...coco17.parents, 15, 17, 15, 16, 20, 16],
  left: [...coco17.left, 17, 18, 19],
  right: [...coco17.right, 20, 21, 22],
  root: -1,
});
