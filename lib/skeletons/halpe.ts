import { coco17 } from './coco.js';
import type { Skeleton } from './skeleton.js';
import { appendWholeBody } from './whole-body.js';

/** Halpe's 26 body keypoints (AlphaPose): COCO's 17, then head, neck, hip and feet. */
export const halpe26: Skeleton = {
  name: 'halpe-26',
  joints: [
    ...coco17.joints,
    'head',
    'neck',
    'hip',
    'left big toe',
    'right big toe',
    'left small toe',
    'right small toe',
    'left heel',
    'right heel',
  ],
  parents: [18, 0, 0, 1, 2, 18, 18, 5, 6, 7, 8, 19, 19, 11, 12, 13, 14, 18, 19, -1, 15, 16, 15, 16, 15, 16],
  left: [...coco17.left, 20, 22, 24],
  right: [...coco17.right, 21, 23, 25],
  root: 19,
};

/** Halpe's full body (AlphaPose): the 26, 68 points of the face and 21 of each hand. */
export const halpe136: Skeleton = appendWholeBody('halpe-136', halpe26);
