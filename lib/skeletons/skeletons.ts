import { checkArguments } from '../base/check-arguments.js';
import { smallest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { body25, body25b } from './body25.js';
import { cmu } from './cmu.js';
import { coco17, coco18, coco133 } from './coco.js';
import { halpe26, halpe136 } from './halpe.js';
import { human36m17, human36m32 } from './human36m.js';
import { mediapipe33 } from './mediapipe.js';
import { mpiInf3dhp17, mpiInf3dhp28 } from './mpi-inf-3dhp.js';
import { mpii16 } from './mpii.js';
import type { Skeleton } from './skeleton.js';

/** Every layout that is known, by name. */
export const skeletons: readonly Skeleton[] = [
  human36m17,
  human36m32,
  mpiInf3dhp17,
  mpiInf3dhp28,
  coco17,
  mpii16,
  halpe26,
  body25,
  body25b,
  coco18,
  coco133,
  halpe136,
  mediapipe33,
  cmu,
];

/** Number of letters to change, add or drop to turn one text into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}

/** The layout of that name; throws `ERR_ARGUMENT` that names the nearest and all others. */
export function skeletonByName(name: string): Skeleton {
  checkArguments('skeletonByName', { name }, 'text');
  const found = skeletons.find((skeleton) => skeleton.name === name);
  if (found !== undefined) return found;
  const short = name.slice(0, 40);
  const names = skeletons.map((skeleton) => skeleton.name);
  const distances = names.map((known) => editDistance(short.toLowerCase(), known));
  const nearest = names[distances.indexOf(smallest(distances))];
  throw new PoseError(
    'ERR_ARGUMENT',
    `No joint layout is called "${short}"; did you mean ${nearest}? Known are ${names.join(', ')}.`,
  );
}
