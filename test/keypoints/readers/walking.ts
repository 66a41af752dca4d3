import { readFileSync } from 'node:fs';
import { coco17 } from '../../../lib/skeletons/coco.js';
import type { Skeleton } from '../../../lib/skeletons/skeleton.js';

/** x, y, confidence; NaN or null where a tool writes no number. */
export type Point = [x: number | null, y: number | null, confidence: number | null];
/** A person's points by the joints' names. */
export type Person = Map<string, Point>;
/** The people of each frame. */
export type Clip = Person[][];

export const size = { width: 1920, height: 1080 };

const entries = JSON.parse(readFileSync(new URL('../../../examples/walking.json', import.meta.url), 'utf8')) as {
  image_id: string;
  keypoints: number[];
}[];
const sorted = entries.sort((a, b) => Number.parseInt(a.image_id, 10) - Number.parseInt(b.image_id, 10));

/** The first frames of the project's walking clip, one person. */
export function walking(frames: number, shift = 0): Clip {
  return sorted.slice(0, frames).map(({ keypoints }) => [
    new Map(
      coco17.joints.map((joint, index) => {
        const [x, y, confidence] = keypoints.slice(index * 3, index * 3 + 3);
        return [joint, [x + shift, y, confidence]];
      }),
    ),
  ]);
}

/** A person's points in the order of a layout; joints that COCO has not are between those that it has. */
export function inLayout(person: Person, layout: Skeleton): Point[] {
  const middle = (a: string, b: string): Point => {
    const [p, q] = [person.get(a)!, person.get(b)!];
    return [((p[0] ?? 0) + (q[0] ?? 0)) / 2, ((p[1] ?? 0) + (q[1] ?? 0)) / 2, p[2]];
  };
  const limbs: Record<string, string> = { toe: 'ankle', heel: 'ankle', foot: 'ankle', pinky: 'wrist', index: 'wrist' };
  return layout.joints.map((joint) => {
    const own = person.get(joint);
    if (own) return own;
    if (/hip/.test(joint)) return middle('left hip', 'right hip');
    if (/neck|thorax/.test(joint)) return middle('left shoulder', 'right shoulder');
    const limb = Object.entries({ ...limbs, thumb: 'wrist' }).find(([part]) => joint.includes(part))?.[1];
    const side = joint.includes('left') ? 'left' : 'right';
    return limb ? middle(`${side} ${limb}`, `${side} ${limb}`) : middle('left eye', 'right eye');
  });
}
