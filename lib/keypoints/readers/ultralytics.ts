import { PoseError } from '../../base/pose-error.js';
import { isBlank } from './json/frame-fields.js';
import type { FrameFormat } from './json/frame-format.js';
import { isRecord, numberList, trackOf, wrongValue } from './json/json-value.js';

/**
 * Ultralytics' `to_json` of a pose model: a frame is a list of {`name`, `class`, `confidence`, `box`, `track_id`,
 * `keypoints`: {`x`: [...], `y`: [...], `visible`: [...]}}; pixels, or fractions where it was asked to normalise.
 */
export const ultralytics: FrameFormat = {
  isPerson: (value) => isRecord(value) && isRecord(value.keypoints) && Array.isArray(value.keypoints.x),
  peopleOf: ({ predictions }) => predictions,
  readPerson: (place, person) => {
    if (!isRecord(person)) throw wrongValue(place, 'an object', person);
    const { keypoints } = person;
    if (isBlank(keypoints)) return undefined;
    if (!isRecord(keypoints)) throw wrongValue(`${place}.keypoints`, 'an object with x and y', keypoints);
    const x = numberList(`${place}.keypoints.x`, keypoints.x);
    const y = numberList(`${place}.keypoints.y`, keypoints.y);
    const { visible } = keypoints;
    const sure = isBlank(visible) ? x.map(() => 1) : numberList(`${place}.keypoints.visible`, visible);
    if (y.length !== x.length || sure.length !== x.length) {
      throw new PoseError(
        'ERR_FORMAT',
        `${place}.keypoints: expected as many x as y and visible, got ${x.length}, ${y.length} and ${sure.length}.`,
      );
    }
    return {
      triples: x.flatMap((value, joint) => [value, y[joint], sure[joint]]),
      track: trackOf(person),
    };
  },
  layoutOf: (joints) => (joints === 17 ? 'coco-17' : undefined),
};
