import { body25, body25b } from '../../skeletons/body25.js';
import type { Skeleton } from '../../skeletons/skeleton.js';
import type { FoundPerson, FrameFormat } from './frame-format.js';
import { isRecord, meanConfidence, trackName, tripleList, wrongValue } from './json-value.js';

/**
 * OpenPose's JSON, a frame a file: `people`, each with `pose_keypoints_2d` (older versions: `pose_keypoints`), triples
 * x, y, confidence of BODY_25, BODY_25B (both 25) or COCO's 18, and `person_id` where it tracked. AlphaPose writes the
 * same with `--format open`; with `--format cmu`, `bodies` with `joints`.
 */
export const openPose: FrameFormat = {
  isFrame: (value) =>
    isRecord(value) && ((Array.isArray(value.people) && value.people.every(hasPoints)) || Array.isArray(value.bodies)),
  readFrame: (place, value) => {
    const list = isRecord(value) ? (value.people ?? value.bodies) : undefined;
    if (!Array.isArray(list)) throw wrongValue(place, 'an object with people', value);
    const people = list.map((person, index) => personOf(`${place}: people[${index}]`, person));
    return { people: people.filter((person) => person !== undefined) };
  },
  layoutOf: (joints, people, notices) => {
    if (joints === 25) return whichBody25(people, notices);
    return { 17: 'coco-17', 18: 'coco-18', 26: 'halpe-26', 133: 'coco-133', 136: 'halpe-136' }[joints];
  },
};

function hasPoints(person: unknown): boolean {
  return isRecord(person) && (person.pose_keypoints_2d ?? person.pose_keypoints) !== undefined;
}

/** undefined for one of whom only hands or the face were found. */
function personOf(place: string, person: unknown): FoundPerson | undefined {
  if (!isRecord(person)) throw wrongValue(place, 'an object', person);
  const field = ['pose_keypoints_2d', 'pose_keypoints', 'joints'].find((name) => person[name] !== undefined);
  const points = person[field ?? 'pose_keypoints_2d'];
  if (Array.isArray(points) && points.length === 0) return undefined;
  const triples = tripleList(`${place}.${field ?? 'pose_keypoints_2d'}`, points);
  const track = trackName(person.person_id ?? person.idx);
  return { triples, score: meanConfidence(triples), ...(track !== undefined && { track }) };
}

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
function whichBody25(people: readonly FoundPerson[], notices: string[]): string {
  const lengths = [body25, body25b].map((layout) => meanBone(layout, people));
  const chosen = lengths[1] < lengths[0] ? body25b : body25;
  const [a, b] = lengths.map((length) => length.toFixed(0));
  notices.push(
    `25 joints: taken as ${chosen.name}, since bones are ${a} pixels long on average as body-25 and ${b} as body-25b; ` +
      'the option layout (--layout) overrides.',
  );
  return chosen.name;
}

function meanBone(layout: Skeleton, people: readonly FoundPerson[]): number {
  const pairs = bones.map((bone) => bone.map((joint) => layout.joints.indexOf(joint) * 3));
  let sum = 0;
  let count = 0;
  for (const { triples } of people) {
    for (const [from, to] of pairs) {
      if (!(triples[from + 2] > 0 && triples[to + 2] > 0)) continue;
      const length = Math.hypot(triples[from] - triples[to], triples[from + 1] - triples[to + 1]);
      if (!Number.isFinite(length)) continue;
      sum += length;
      count++;
    }
  }
  return count === 0 ? Number.POSITIVE_INFINITY : sum / count;
}
