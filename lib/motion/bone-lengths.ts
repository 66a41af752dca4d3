import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { largest } from '../base/lists.js';
import { median } from '../base/statistics.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { jointsOf, type Motion } from './motion.js';
import { add, length, pointAt, subtract, unit, type Vector } from './vector.js';

/** Median distance of each joint from its parent over the frames, (J) metres, left and right averaged; 0 at the root. */
export function medianBoneLengths(motion: Motion): number[] {
  checkArguments('medianBoneLengths', { motion }, MOTION);
  const joints = jointsOf(motion);
  const { parents, left, right } = skeletonByName(motion.layout);
  const lengths = parents.map((parent, joint) => (parent < 0 ? 0 : median(lengthsOf(motion, joints, parent, joint))));
  left.forEach((l, side) => {
    const r = right[side];
    const both = (lengths[l] + lengths[r]) / 2;
    lengths[l] = both;
    lengths[r] = both;
  });
  return lengths;
}

/** How much the bones of a motion change their lengths: mean over the bones of the standard deviation over time. */
export interface BoneSpread {
  meanMm: number;
  /** The bone that changes most. */
  worstMm: number;
  /** Mean of standard deviation / mean length, in percent. */
  meanPercent: number;
}

export function boneLengthSpread(motion: Motion): BoneSpread {
  checkArguments('boneLengthSpread', { motion }, MOTION);
  const joints = jointsOf(motion);
  const spreads = skeletonByName(motion.layout).parents.flatMap((parent, joint) => {
    if (parent < 0) return [];
    const lengths = lengthsOf(motion, joints, parent, joint);
    const mean = lengths.reduce((sum, value) => sum + value, 0) / lengths.length;
    const variance = lengths.reduce((sum, value) => sum + (value - mean) ** 2, 0) / lengths.length;
    return [{ mm: 1000 * Math.sqrt(variance), percent: mean > 0 ? (100 * Math.sqrt(variance)) / mean : 0 }];
  });
  return {
    meanMm: spreads.reduce((sum, { mm }) => sum + mm, 0) / spreads.length,
    worstMm: largest(spreads.map(({ mm }) => mm)),
    meanPercent: spreads.reduce((sum, { percent }) => sum + percent, 0) / spreads.length,
  };
}

/**
 * The motion with bones of constant length (`lengths`, (J) metres; by default {@link medianBoneLengths}): from the root
 * outwards each joint is put at that distance from its parent, in the direction it had.
 */
export function rigidBones(motion: Motion, lengths: readonly number[] = medianBoneLengths(motion)): Motion {
  checkArguments('rigidBones', { motion, lengths }, MOTION, 'list?');
  const joints = jointsOf(motion);
  const { parents } = skeletonByName(motion.layout);
  const order = parentsFirst(parents);
  const positions = motion.positions.slice();
  for (let frame = 0; frame < motion.frames; frame++) {
    const first = frame * joints;
    for (const joint of order) {
      const parent = parents[joint];
      if (parent < 0) continue;
      const direction = directionOf(motion.positions, first + parent, first + joint);
      positions.set(add(pointAt(positions, first + parent), direction, lengths[joint]), 3 * (first + joint));
    }
  }
  return { ...motion, positions, notes: [...motion.notes, 'Bones have the constant lengths of their medians.'] };
}

/** Joint indices, each after its parent. */
export function parentsFirst(parents: readonly number[]): number[] {
  const order: number[] = [];
  const visit = (parent: number) => {
    parents.forEach((one, joint) => {
      if (one !== parent) return;
      order.push(joint);
      visit(joint);
    });
  };
  visit(-1);
  return order;
}

function directionOf(points: Float32Array, from: number, to: number): Vector {
  return unit(subtract(pointAt(points, to), pointAt(points, from)), [0, 0, 0]);
}

function lengthsOf({ positions, frames }: Motion, joints: number, a: number, b: number): number[] {
  return Array.from({ length: frames }, (_, frame) =>
    length(subtract(pointAt(positions, frame * joints + b), pointAt(positions, frame * joints + a))),
  );
}
