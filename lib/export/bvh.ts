import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { type Motion, rateOf } from '../motion/motion.js';
import { anglesZxy, type Quaternion } from '../motion/quaternion.js';
import { type FittedRig, fitRig } from './fit-rig.js';
import { type RigName, rigByName } from './rigs.js';

export interface RigOptions {
  /** Whose joint names and rest pose the skeleton has. Default `h36m`. */
  rig?: RigName;
}

export interface BvhWriteOptions extends RigOptions {
  /** What a number of the file means; BVH does not say it. Default: `cm` for `mixamo` and `unreal`, else `m`. */
  units?: 'm' | 'cm';
}

/**
 * A motion of layout `h36m-17` as the text of a BVH file, y up: bones of median lengths, channels in the order z, x, y,
 * angles without jumps of a whole turn. BVH has no start: before a motion that starts later, its first pose is held. Throws `ERR_ARGUMENT` without a frame rate.
 */
export function writeBvh(motion: Motion, options: BvhWriteOptions = {}): string {
  checkArguments('writeBvh', { motion, options }, MOTION, 'object?');
  return bvhOf(fitRig(motion, rigByName(options.rig ?? 'h36m')), rateOf(motion, 'BVH'), options.units);
}

/** {@link writeBvh} of a rig that was fitted before. */
export function bvhOf(fitted: FittedRig, fps: number, units?: 'm' | 'cm'): string {
  return Array.from(bvhLines(fitted, fps, units)).join('');
}

/** The lines of {@link bvhOf}, each with its end. */
export function* bvhLines(fitted: FittedRig, fps: number, units: 'm' | 'cm' = fitted.rig.units): Generator<string> {
  const { rig, frames, start, offsets, root, rotations } = fitted;
  const scale = units === 'cm' ? 100 : 1;
  const lines = ['HIERARCHY'];
  const order: number[] = [];
  const write = (index: number, indent: string) => {
    const { name, parent, end } = rig.joints[index];
    lines.push(`${indent}${end ? 'End Site' : `${parent < 0 ? 'ROOT' : 'JOINT'} ${name}`}`, `${indent}{`);
    lines.push(`${indent}\tOFFSET ${offsets[index].map((value) => decimal(value * scale)).join(' ')}`);
    if (!end) {
      const turns = 'Zrotation Xrotation Yrotation';
      lines.push(`${indent}\tCHANNELS ${parent < 0 ? `6 Xposition Yposition Zposition ${turns}` : `3 ${turns}`}`);
      order.push(index);
    }
    rig.joints.forEach((joint, child) => {
      if (joint.parent === index) write(child, `${indent}\t`);
    });
    lines.push(`${indent}}`);
  };
  write(0, '');
  lines.push('MOTION', `Frames: ${start + frames}`, `Frame Time: ${(1 / fps).toFixed(9)}`);
  yield `${lines.join('\n')}\n`;
  const before = new Map<number, Angles>();
  for (let frame = 0; frame < frames; frame++) {
    const row = Array.from(root.subarray(frame * 3, frame * 3 + 3), (value) => decimal(value * scale));
    for (const index of order) {
      const angles = nearestAngles(rotations[index].at(frame), before.get(index) ?? [0, 0, 0]);
      before.set(index, angles);
      for (const angle of angles) row.push(decimal(angle));
    }
    const line = `${row.join(' ')}\n`;
    for (let held = frame === 0 ? -start : 0; held <= 0; held++) yield line;
  }
}

type Angles = readonly [number, number, number];

/** Degrees about z, x, y: of the ways to say a rotation the one nearest to the frame before. */
function nearestAngles(rotation: Quaternion, before: Angles): Angles {
  const [z, x, y] = anglesZxy(rotation).map((angle) => (angle * 180) / Math.PI) as unknown as Angles;
  const ways: Angles[] = [
    [z, x, y],
    [z + 180, 180 - x, y + 180],
  ];
  const near = ways.map((way): Angles => {
    const [a, b, c] = way.map((angle, axis) => angle + 360 * Math.round((before[axis] - angle) / 360));
    return [a, b, c];
  });
  const away = near.map((way) => way.reduce((sum, angle, axis) => sum + (angle - before[axis]) ** 2, 0));
  return away[0] <= away[1] ? near[0] : near[1];
}

/** Six decimals, and never "-0.000000". */
function decimal(value: number): string {
  const text = value.toFixed(6);
  return text === '-0.000000' ? '0.000000' : text;
}
