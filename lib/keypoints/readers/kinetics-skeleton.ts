import type { FrameFormat } from './json/frame-format.js';
import { isFlatList, isRecord, numberList, trackOf, wrongValue } from './json/json-value.js';

/**
 * The JSON of Kinetics-Skeleton, which ST-GCN and MMSkeleton read: {`data`: [{`frame_index`, `skeleton`: [{`pose`: [x, y,
 * x, y, ...], `score`: [a number a joint]}]}]}; OpenPose's 18 joints, fractions of the image, (0, 0) for an unknown one.
 */
export const kineticsSkeleton: FrameFormat = {
  isPerson: (value) => {
    if (!isRecord(value) || !isFlatList(value.pose) || !isFlatList(value.score)) return false;
    return (value.pose as unknown[]).length === 2 * (value.score as unknown[]).length;
  },
  peopleOf: ({ skeleton, skeletons }) => skeleton ?? skeletons,
  readPerson: (place, value) => {
    if (!isRecord(value)) throw wrongValue(place, 'an object with pose and score', value);
    if (value.pose === undefined || value.pose === null) return undefined;
    const pose = numberList(`${place}.pose`, value.pose);
    const score = numberList(`${place}.score`, value.score);
    if (pose.length !== 2 * score.length) {
      throw wrongValue(`${place}.pose`, `x and y of ${score.length} joints`, value.pose);
    }
    if (score.length === 0) return undefined;
    return {
      triples: score.flatMap((sure, joint) => [pose[2 * joint], pose[2 * joint + 1], sure]),
      track: trackOf(value),
    };
  },
  layoutOf: (joints) => ({ 17: 'coco-17', 18: 'coco-18', 25: 'body-25' })[joints],
};
