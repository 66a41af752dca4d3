import { isPointList, pointTriples } from '../mmpose.js';
import { isBlank } from './frame-fields.js';
import type { FrameFormat } from './frame-format.js';
import { tripleList, wrongValue } from './json-value.js';

/** Fewest points of a body, so that a box or a size is none. */
const leastJoints = 9;

/** Poses as bare lists: (J, 2) or (J, 3) of x, y, confidence, or those numbers in one row of triples. */
export const bareLists: FrameFormat = {
  isPerson: (value) => {
    if (!Array.isArray(value)) return false;
    if (value.length >= leastJoints && isPointList(value)) return true;
    return (
      value.length >= 3 * leastJoints &&
      value.length % 3 === 0 &&
      value.every((item) => item === null || typeof item === 'number')
    );
  },
  peopleOf: ({ keypoints, pose }) => keypoints ?? pose,
  readPerson: (place, value) => {
    if (isBlank(value)) return undefined;
    if (!Array.isArray(value)) throw wrongValue(place, 'a list of points', value);
    if (!isPointList(value)) return { triples: tripleList(place, value) };
    return { triples: pointTriples(place, value) };
  },
  layoutOf: () => undefined,
};
