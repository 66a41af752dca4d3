import { PoseError } from '../base/pose-error.js';
import { skeletonByName } from '../skeletons/skeletons.js';

/** Left and right hip, knee, ankle and shoulder of a layout. Throws `ERR_UNSUPPORTED` for a layout without one of them. */
export function legsOf(layout: string): Record<'hips' | 'knees' | 'ankles' | 'shoulders', readonly [number, number]> {
  const { joints } = skeletonByName(layout);
  const pair = (part: string): readonly [number, number] => {
    const [left, right] = [joints.indexOf(`left ${part}`), joints.indexOf(`right ${part}`)];
    if (left >= 0 && right >= 0) return [left, right];
    throw new PoseError('ERR_UNSUPPORTED', `Layout ${layout}: expected a left and a right ${part}, got none.`);
  };
  return { hips: pair('hip'), knees: pair('knee'), ankles: pair('ankle'), shoulders: pair('shoulder') };
}
