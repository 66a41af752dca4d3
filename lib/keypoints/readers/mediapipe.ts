import { coco17 } from '../../skeletons/coco.js';
import { mediapipe33 } from '../../skeletons/mediapipe.js';
import { jointKey } from '../joint-names.js';
import { isBlank } from './json/frame-fields.js';
import type { FrameFormat } from './json/frame-format.js';
import { isRecord, type JsonRecord, numberList, wrongValue } from './json/json-value.js';
import { isPointObject, tripleOf } from './json/point-object.js';

const landmarks = mediapipe33.joints.length;
const cocoKeys = new Set(coco17.joints.map(jointKey));
const places = new Map(mediapipe33.joints.map((joint, index) => [jointKey(joint), index]));

/**
 * MediaPipe Pose's landmarks as its results are written down: a frame is {`landmarks`: [person, ...]} (Tasks),
 * {`poseLandmarks`: person} or {`pose_landmarks`: person} (Solutions), or a person alone; a person is 33 of {x, y, z,
 * visibility} or [x, y, z, visibility], in a list or by index or name, fractions of the image's width and height. z and
 * world landmarks are passed over.
 */
export const mediaPipe: FrameFormat = {
  isPerson: (value) => pointsOf(value) !== undefined,
  peopleOf: (frame) => {
    const field = ['landmarks', 'poseLandmarks', 'pose_landmarks'].find((name) => Object.hasOwn(frame, name));
    return field === undefined ? undefined : (frame[field] ?? []);
  },
  readPerson: (place, value) => {
    if (isBlank(value)) return undefined;
    const points = pointsOf(value);
    if (points === undefined) throw wrongValue(place, `${landmarks} landmarks`, value);
    return { triples: points.flatMap((point, index) => landmarkOf(`${place}[${index}]`, point)) };
  },
  layoutOf: () => 'mediapipe-33',
  fractions: true,
};

/** The 33 points of a person, some perhaps missing; undefined for anything else. */
function pointsOf(value: unknown): unknown[] | undefined {
  const inner = isRecord(value) && 'landmark' in value ? value.landmark : value;
  if (isRecord(inner)) return pointsByName(inner);
  if (!Array.isArray(inner) || inner.length !== landmarks) return undefined;
  return inner.some((point) => !isBlank(point)) && inner.every((point) => isBlank(point) || isLandmark(point))
    ? inner
    : undefined;
}

function isLandmark(value: unknown): boolean {
  return isPointObject(value) || (Array.isArray(value) && (value.length === 4 || value.length === 5));
}

/** Points by index ("7", "landmark_7") or by name ("LEFT_KNEE"). */
function pointsByName(value: JsonRecord): unknown[] | undefined {
  const entries = Object.entries(value).filter(([, point]) => isPointObject(point));
  if (entries.length === 0) return undefined;
  const points = new Array<unknown>(landmarks).fill(null);
  let beyond = false;
  for (const [name, point] of entries) {
    const number = /^(?:landmark|point|lm|kp|keypoint)?[ _-]?(\d{1,2})$/i.exec(name);
    const index = number ? Number(number[1]) : places.get(jointKey(name));
    if (index === undefined || index >= landmarks) return undefined;
    points[index] = point;
    if (index > 16 && number) beyond = true;
    if (!number && !cocoKeys.has(jointKey(name))) beyond = true;
  }
  // Seventeen joints are another detector's.
  return beyond ? points : undefined;
}

function landmarkOf(place: string, point: unknown): number[] {
  if (!Array.isArray(point) || isBlank(point)) return tripleOf(place, isBlank(point) ? null : point);
  const [x, y, , visibility] = numberList(place, point);
  return [x, y, visibility];
}
