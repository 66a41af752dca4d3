import type { Random } from '../../base/random.js';
import { human36m17 } from '../../skeletons/human36m.js';
import type { BodySettings } from './settings.js';

const JOINTS = human36m17.joints.length;
const PARENTS = human36m17.parents;

/** Which bones share a factor, by the joint at the far end: left and right are alike. */
const BONES: readonly (readonly number[])[] = [
  [1, 4], // half the width of the hips
  [2, 5], // thighs
  [3, 6], // shanks
  [7, 8], // trunk
  [9, 10], // neck and head
  [11, 14], // half the width of the shoulders
  [12, 15], // upper arms
  [13, 16], // forearms
];

/** What a body's bones are multiplied by: (17), by the joint at the far end; the root's own entry is for its path. */
export type BoneFactors = Float64Array;

/** Draws a body; `reach` is the recorded one's thigh, shank and trunk together, metres. */
export function drawBody(random: Random, reach: number, { size, limbs, smallest }: BodySettings): BoneFactors {
  const whole = Math.max(1, smallest / reach) * random.uniform(1 - size, 1 + size);
  const factors = new Float64Array(JOINTS);
  for (const bones of BONES) {
    const factor = whole * random.uniform(1 - limbs, 1 + limbs);
    for (const joint of bones) factors[joint] = factor;
  }
  // Longer legs lift the hips and take longer steps, so that the feet stay on the ground.
  factors[0] = (factors[2] + factors[3]) / 2;
  return factors;
}

/** Writes a pose (17, 3) with other bones to `out`; directions stay, the root goes its path times the legs' factor. */
export function resizeBody(out: Float64Array, pose: Float64Array, factors: BoneFactors): void {
  for (let axis = 0; axis < 3; axis++) out[axis] = pose[axis] * factors[0];
  for (let joint = 1; joint < JOINTS; joint++) {
    const parent = PARENTS[joint];
    for (let axis = 0; axis < 3; axis++) {
      const bone = pose[joint * 3 + axis] - pose[parent * 3 + axis];
      out[joint * 3 + axis] = out[parent * 3 + axis] + factors[joint] * bone;
    }
  }
}

/** Thigh, shank and trunk of a motion (T, 17, 3) together, metres: a mean over frames and sides. */
export function bodyReach(points: Float32Array): number {
  const frames = points.length / (JOINTS * 3);
  const step = Math.max(1, Math.floor(frames / 50));
  let sum = 0;
  let count = 0;
  for (let frame = 0; frame < frames; frame += step, count++) {
    const length = (a: number, b: number) => {
      const [i, j] = [(frame * JOINTS + a) * 3, (frame * JOINTS + b) * 3];
      return Math.hypot(points[i] - points[j], points[i + 1] - points[j + 1], points[i + 2] - points[j + 2]);
    };
    sum += (length(1, 2) + length(2, 3) + length(4, 5) + length(5, 6)) / 2 + length(0, 8);
  }
  return sum / count;
}
