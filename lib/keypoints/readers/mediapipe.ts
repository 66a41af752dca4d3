import type { FoundFrame, FoundPerson, FrameFormat } from './frame-format.js';
import { isRecord, meanConfidence, numberField, wrongValue } from './json-value.js';

const landmarks = 33;

/**
 * MediaPipe Pose's landmarks as its results are written down: a frame is {`landmarks`: [person, ...]} (Tasks),
 * {`poseLandmarks`: person} or {`pose_landmarks`: person} (Solutions), or a person alone; a person is 33 of {x, y, z,
 * visibility}, fractions of the image's width and height. z and world landmarks are passed over. A frame's number
 * may stand in `frame` or `timestamp`.
 */
export const mediaPipe: FrameFormat = {
  isFrame: (value) => {
    if (isPerson(value)) return true;
    if (!isRecord(value)) return false;
    const found = peopleIn(value);
    return found !== undefined && (isPerson(found) || (Array.isArray(found) && found.every(isPerson)));
  },
  readFrame: (place, value) => {
    const found = isRecord(value) ? peopleIn(value) : value;
    if (!Array.isArray(found)) throw wrongValue(`${place}: landmarks`, 'a list', found);
    const people = isPerson(found) ? [found] : found;
    const frame: FoundFrame = {
      people: people.map((person, index) => personOf(`${place}: landmarks[${index}]`, person)),
    };
    const id = isRecord(value) ? (value.frame ?? value.timestamp) : undefined;
    if (typeof id === 'number' || typeof id === 'string') frame.id = id;
    return frame;
  },
  layoutOf: () => 'mediapipe-33',
  fractions: 'always',
};

function peopleIn(value: Record<string, unknown>): unknown {
  const found = value.landmarks ?? value.poseLandmarks ?? value.pose_landmarks;
  return isRecord(found) ? found.landmark : found;
}

function isPerson(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length === landmarks && isRecord(value[0]) && typeof value[0].x === 'number';
}

function personOf(place: string, person: unknown): FoundPerson {
  if (!Array.isArray(person) || person.length !== landmarks) throw wrongValue(place, `${landmarks} landmarks`, person);
  const triples = person.flatMap((point, index) => {
    if (!isRecord(point) || typeof point.x !== 'number' || typeof point.y !== 'number') {
      throw wrongValue(`${place}[${index}]`, 'an object with x and y', point);
    }
    return [point.x, point.y, numberField(point, 'visibility') ?? 1];
  });
  return { triples, score: meanConfidence(triples) };
}
