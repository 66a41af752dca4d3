import { isBlank } from './frame-fields.js';
import type { FrameFormat } from './frame-format.js';
import { isFlatList, isRecord, trackOf, tripleList, wrongValue } from './json-value.js';

/** Layouts that a plain list of people implies by its number of joints (AlphaPose's and COCO's own). */
const impliedLayouts: Readonly<Record<number, string>> = {
  17: 'coco-17',
  26: 'halpe-26',
  133: 'coco-133',
  136: 'halpe-136',
};

/**
 * People with flat `keypoints` triples: AlphaPose's results or COCO's (`image_id`, `keypoints`; `idx` or
 * `track_id` where a tracker ran).
 */
export const flatList: FrameFormat = {
  isPerson: (value) => isRecord(value) && isFlatList(value.keypoints),
  peopleOf: ({ people, instances, predictions }) => people ?? instances ?? predictions,
  readPerson: (place, person) => {
    if (!isRecord(person)) throw wrongValue(place, 'an object with keypoints', person);
    if (isBlank(person.keypoints)) return undefined;
    const triples = tripleList(`${place}.keypoints`, person.keypoints);
    return { triples, track: trackOf(person) };
  },
  layoutOf: (joints) => impliedLayouts[joints],
};
