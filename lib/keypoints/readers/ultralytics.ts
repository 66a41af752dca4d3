import type { FoundPerson, FrameFormat } from './frame-format.js';
import { isRecord, numberField, numberList, trackName, wrongValue } from './json-value.js';

/**
 * Ultralytics' `to_json` of a pose model: a frame is a list of {`name`, `class`, `confidence`, `box`, `track_id`,
 * `keypoints`: {`x`: [...], `y`: [...], `visible`: [...]}}; pixels, or fractions where it was asked to normalise.
 */
export const ultralytics: FrameFormat = {
  isFrame: (value) => Array.isArray(value) && value.length > 0 && value.every(isInstance),
  readFrame: (place, value) => {
    if (!Array.isArray(value)) throw wrongValue(place, 'a list of people', value);
    return { people: value.map((person, index) => personOf(`${place}[${index}]`, person)) };
  },
  layoutOf: (joints) => (joints === 17 ? 'coco-17' : undefined),
  fractions: 'small',
};

function isInstance(value: unknown): boolean {
  return isRecord(value) && isRecord(value.keypoints) && Array.isArray(value.keypoints.x);
}

function personOf(place: string, person: unknown): FoundPerson {
  if (!isRecord(person) || !isRecord(person.keypoints)) {
    throw wrongValue(`${place}.keypoints`, 'an object with x and y', isRecord(person) ? person.keypoints : person);
  }
  const x = numberList(`${place}.keypoints.x`, person.keypoints.x);
  const y = numberList(`${place}.keypoints.y`, person.keypoints.y);
  const { visible } = person.keypoints;
  const sure = Array.isArray(visible) ? numberList(`${place}.keypoints.visible`, visible) : x.map(() => 1);
  if (x.length === 0 || y.length !== x.length || sure.length !== x.length) {
    throw wrongValue(`${place}.keypoints`, 'as many x as y and visible', `${x.length}, ${y.length}, ${sure.length}`);
  }
  const track = trackName(person.track_id);
  return {
    triples: x.flatMap((value, joint) => [value, y[joint], sure[joint]]),
    score: numberField(person, 'confidence') ?? 1,
    ...(track !== undefined && { track }),
  };
}
