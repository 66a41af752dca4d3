import { body25, body25b } from '../../skeletons/body25.js';
import type { Skeleton } from '../../skeletons/skeleton.js';
import type { Detection } from '../detection-table.js';
import { isBlank } from './json/frame-fields.js';
import type { FrameFormat } from './json/frame-format.js';
import { isFlatList, isRecord, trackOf, tripleList, wrongValue } from './json/json-value.js';
import { isPointList, pointTriples } from './mmpose.js';

const pointFields = ['pose_keypoints_2d', 'pose_keypoints', 'joints', 'person'];

/**
 * OpenPose's JSON, a frame a file: `people`, each with `pose_keypoints_2d` (older versions: `pose_keypoints`), triples
 * x, y, confidence of BODY_25, BODY_25B (both 25) or COCO's 18, and `person_id` where it tracked. AlphaPose writes the
 * same with `--format open`; with `--format cmu`, `bodies` with `joints`. Trackers write `person` instead, and points as lists of three.
 */
export const openPose: FrameFormat = {
  isPerson: (value) =>
    isRecord(value) && pointFields.some((field) => isFlatList(value[field]) || isPointList(value[field])),
  peopleOf: (frame) =>
    'people' in frame ? (frame.people ?? []) : 'bodies' in frame ? (frame.bodies ?? []) : undefined,
  readPerson: (place, person) => {
    if (!isRecord(person)) throw wrongValue(place, 'an object', person);
    const field = pointFields.find((name) => !isBlank(person[name]));
    // Of some only hands or the face were found.
    if (field === undefined) return undefined;
    const points = person[field];
    const at = `${place}.${field}`;
    const triples = isPointList(points) ? pointTriples(at, points as unknown[]) : tripleList(at, points);
    return { triples, track: trackOf(person) };
  },
  layoutOf: (joints, people, notices) => {
    if (joints === 25) return whichBody25(people, notices);
    return { 17: 'coco-17', 18: 'coco-18', 26: 'halpe-26', 133: 'coco-133', 136: 'halpe-136' }[joints];
  },
};

/** Bones that any body has; read with the wrong order of joints, they run across it. */
const bones = ['left', 'right'].flatMap((side) =>
  [
    ['shoulder', 'elbow'],
    ['elbow', 'wrist'],
    ['hip', 'knee'],
    ['knee', 'ankle'],
    ['shoulder', 'hip'],
    ['eye', 'ear'],
    ['ankle', 'heel'],
  ].map(([from, to]) => [`${side} ${from}`, `${side} ${to}`] as const),
);

/** BODY_25 or BODY_25B: the reading whose bones are shorter. */
function whichBody25(people: Iterable<Pick<Detection, 'triples'>>, notices: string[]): string {
  const lengths = [body25, body25b].map((layout) => meanBone(layout, people));
  const chosen = lengths[1] < lengths[0] ? body25b : body25;
  const [a, b] = lengths.map((length) => length.toFixed(0));
  notices.push(
    `25 joints: taken as ${chosen.name}, since bones are ${a} pixels long on average as body-25 and ${b} as body-25b; ` +
      'the option layout (--layout) overrides.',
  );
  return chosen.name;
}

function isPoint(triples: ArrayLike<number>, at: number): boolean {
  return triples[at + 2] > 0 && !(triples[at] === triples[at + 1] && (triples[at] === 0 || triples[at] === -1));
}

function meanBone(layout: Skeleton, people: Iterable<Pick<Detection, 'triples'>>): number {
  const pairs = bones.map((bone) => bone.map((joint) => layout.joints.indexOf(joint) * 3));
  let sum = 0;
  let count = 0;
  for (const { triples } of people) {
    for (const [from, to] of pairs) {
      if (!isPoint(triples, from) || !isPoint(triples, to)) continue;
      const length = Math.hypot(triples[from] - triples[to], triples[from + 1] - triples[to + 1]);
      if (!Number.isFinite(length)) continue;
      sum += length;
      count++;
    }
  }
  return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
}
