import { coco17 } from '../../skeletons/coco.js';
import { jointKey } from '../joint-names.js';
import type { FoundPerson } from './json/found-person.js';
import { isBlank } from './json/frame-fields.js';
import type { FrameFormat } from './json/frame-format.js';
import { isRecord, type JsonRecord, numberList, trackName, wrongValue } from './json/json-value.js';
import { isPointObject, pointName, tripleOf } from './json/point-object.js';

const joints = 17;
const cocoKeys = new Set(coco17.joints.map(jointKey));

/**
 * MoveNet's and PoseNet's output. TensorFlow.js: a frame is a list of poses {`score`, `id`, `keypoints`: [{`x`, `y`,
 * `score`, `name`}, ...]} in pixels (BlazePose's 33 are written in the same way); PoseNet's points are {`part`,
 * `position`, `score`}. Points go by their names. The model's own: (1, 1, 17, 3) or (1, 17, 3) of y, x, score as nested
 * lists, fractions of the image.
 */
export const moveNet: FrameFormat = {
  isPerson: (value) => rawPoints(value) !== undefined || (isRecord(value) && keypointsOf(value) !== undefined),
  peopleOf: ({ poses }) => poses,
  readPerson: (place, value) => {
    const raw = rawPoints(value);
    if (raw) return { triples: raw.flatMap((point, joint) => rawTriple(`${place}[${joint}]`, point)) };
    return personOf(place, value);
  },
  layoutOf: (count) => ({ 17: 'coco-17', 33: 'mediapipe-33' })[count],
  namedLayouts: ['coco-17', 'mediapipe-33'],
};

/** Fewest joints by name, so that a box or a size is none. */
const leastNamed = 9;

/** A pose's points, in a list or by name; undefined where it has none. */
function keypointsOf(pose: JsonRecord): unknown[] | undefined {
  const { keypoints } = pose;
  if (Array.isArray(keypoints))
    return isPointObject(keypoints.find((point) => !isBlank(point))) ? keypoints : undefined;
  const byName = isRecord(keypoints) ? keypoints : pose;
  const entries = Object.entries(byName).filter(([name, point]) => isRecord(point) && cocoKeys.has(jointKey(name)));
  if (entries.length < leastNamed || !entries.some(([, point]) => isPointObject(point))) return undefined;
  return entries.map(([name, point]) => (isBlank(point) ? null : { ...(point as JsonRecord), name }));
}

/** The 17 rows of y, x, score, fractions, inside one to three lists of one; undefined for anything else. */
function rawPoints(value: unknown): unknown[] | undefined {
  let inner = value;
  let depth = 0;
  for (; depth < 3 && Array.isArray(inner) && inner.length === 1; depth++) inner = inner[0];
  const right = depth > 0 && Array.isArray(inner) && inner.length === joints;
  const isRow = (row: unknown) => Array.isArray(row) && row.length === 3 && row.every((number) => !(number > 1.5));
  return right && (inner as unknown[]).every((row) => isBlank(row) || isRow(row)) ? (inner as unknown[]) : undefined;
}

function rawTriple(place: string, point: unknown): number[] {
  if (isBlank(point)) return [Number.NaN, Number.NaN, 0];
  const [y, x, score] = numberList(place, point);
  return [x, y, score];
}

function personOf(place: string, pose: unknown): FoundPerson | undefined {
  if (!isRecord(pose)) throw wrongValue(place, 'an object with keypoints', pose);
  if (isBlank(pose.keypoints) && keypointsOf(pose) === undefined) return undefined;
  const keypoints = keypointsOf(pose);
  if (keypoints === undefined) throw wrongValue(`${place}.keypoints`, 'a list of points', pose.keypoints);
  const named = keypoints.some((point) => pointName(point) !== undefined);
  // A missing point among named ones has no name: the others' names place them.
  const points = named ? keypoints.filter((point) => !isBlank(point)) : keypoints;
  const triples = points.flatMap((point, index) => tripleOf(`${place}.keypoints[${index}]`, point));
  const found: FoundPerson = { triples, track: trackName(pose.id) };
  if (!named) return found;
  const names = points.map((point, index) => {
    const name = pointName(point);
    if (name === undefined) throw wrongValue(`${place}.keypoints[${index}].name`, 'a name, as other points have', name);
    return name;
  });
  return { ...found, names };
}
