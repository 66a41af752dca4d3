import type { Skeleton } from './skeleton.js';

const facePoints = 68;
const handPoints = 21;

/** Points of the face on the person's right side, and those on the left in the same order. */
const faceRight = [
  0, 1, 2, 3, 4, 5, 6, 7, 17, 18, 19, 20, 21, 31, 32, 36, 37, 38, 39, 40, 41, 48, 49, 50, 58, 59, 60, 61, 67,
];
const faceLeft = [
  16, 15, 14, 13, 12, 11, 10, 9, 26, 25, 24, 23, 22, 35, 34, 45, 44, 43, 42, 47, 46, 54, 53, 52, 56, 55, 64, 63, 65,
];

const count = (length: number, first: number) => Array.from({ length }, (_, index) => first + index);

/** A point of the face, the same on both sides but for the side's name. */
function faceName(point: number): string {
  const left = faceLeft.indexOf(point);
  if (left >= 0) return `left face ${faceRight[left]}`;
  return faceRight.includes(point) ? `right face ${point}` : `face ${point}`;
}

/** A hand's parents: a root at the wrist, and five fingers of four points. */
function handParents(wrist: number, first: number): number[] {
  return Array.from({ length: handPoints }, (_, point) => {
    if (point === 0) return wrist;
    return point % 4 === 1 ? first : first + point - 1;
  });
}

/** A body's layout with the 68 points of the face (numbered as in iBUG's 68, the left by their right partners) and 21 of the left, then the right hand. */
export function appendWholeBody(name: string, body: Skeleton): Skeleton {
  const face = body.joints.length;
  const leftHand = face + facePoints;
  const rightHand = leftHand + handPoints;
  const named = (part: string, length: number) => count(length, 0).map((index) => `${part} ${index}`);
  return {
    name,
    joints: [
      ...body.joints,
      ...count(facePoints, 0).map(faceName),
      ...named('left hand', handPoints),
      ...named('right hand', handPoints),
    ],
    parents: [
      ...body.parents,
      ...new Array<number>(facePoints).fill(body.joints.indexOf('nose')),
      ...handParents(body.joints.indexOf('left wrist'), leftHand),
      ...handParents(body.joints.indexOf('right wrist'), rightHand),
    ],
    left: [...body.left, ...faceLeft.map((point) => face + point), ...count(handPoints, leftHand)],
    right: [...body.right, ...faceRight.map((point) => face + point), ...count(handPoints, rightHand)],
    root: body.root,
  };
}
