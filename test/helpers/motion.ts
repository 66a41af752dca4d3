import type { Motion } from '../../lib/motion/motion.js';
import { length, pointAt, subtract, type Vector } from '../../lib/motion/vector.js';
import { walker } from './walker.js';

/** A walking person in world axes, y up, who moves through the room; bones change their lengths by a little. */
export function walkingMotion(seed: string, frames = 120, fps = 50): Motion {
  const zUp = walker(seed, frames, fps);
  const positions = new Float32Array(zUp.length);
  for (let i = 0; i < zUp.length; i += 3) positions.set([zUp[i], zUp[i + 2], -zUp[i + 1]], i);
  return { positions, frames, layout: 'h36m-17', fps, axes: 'world', root: 'estimated', notes: [] };
}

/** Largest distance between two lists of points, in millimetres. */
export function furthestMm(a: readonly Vector[], b: readonly Vector[]): number {
  if (a.length !== b.length || a.length === 0) throw new Error(`${a.length} points against ${b.length}`);
  return Math.max(...a.map((point, index) => 1000 * length(subtract(point, b[index]))));
}

/** The points of one frame of positions (T, J, 3). */
export function frameOf(positions: Float32Array, frame: number, joints = 17): Vector[] {
  return Array.from({ length: joints }, (_, joint) => pointAt(positions, frame * joints + joint));
}
