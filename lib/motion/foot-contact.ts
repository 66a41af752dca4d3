import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { median } from '../base/statistics.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { medianBoneLengths } from './bone-lengths.js';
import { legsOf } from './legs.js';
import { jointsOf, type Motion, rateOf } from './motion.js';
import { length, pointAt, subtract, type Vector } from './vector.js';

/** Which foot stands: (T, 2), left and right, 1 where the foot is on the ground and still. */
export type FootContacts = Uint8Array;

/** A foot on the ground is slower than this (legs a second), or than this share of the body's own speed along its path. */
const slow = 0.5;
const slowShare = 0.6;
/** It is lower than this over the floor (legs). */
const low = 0.14;
/** Speeds are measured over this time, and shorter contacts are none (seconds). */
const span = 0.15;
const shortest = 0.1;
/** Within this time before or after (seconds) a foot was on the floor. */
const stepTime = 0.6;

/**
 * Finds where the feet stand, from the ankles: low, and slow for at least a tenth of a second. Slow is half a leg's length a second, or
 * 0.6 of what the body goes at, if that is more: while one foot swings past, the other stays behind. The floor is where the
 * ankles are at their lowest within a step or so: it need not be level, and an estimated path never is quite. Throws
 * `ERR_ARGUMENT` unless the motion is in world axes, with an estimated root and a frame rate: without a path nothing tells a
 * standing foot from a sliding one.
 */
export function detectFootContacts(motion: Motion): FootContacts {
  checkArguments('detectFootContacts', { motion }, MOTION);
  const joints = jointsOf(motion);
  const fps = rateOf(motion, 'Foot contacts');
  if (motion.axes !== 'world' || motion.root !== 'estimated') {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Foot contacts: expected a motion in world axes with an estimated root, got ${motion.axes} axes and a ${motion.root} root.`,
    );
  }
  const { frames } = motion;
  const reach = Math.max(1, Math.round((span * fps) / 2));
  const contacts = new Uint8Array(frames * 2);
  const paths = legsOf(motion.layout).ankles.map((ankle) =>
    Array.from({ length: frames }, (_, frame) => pointAt(motion.positions, frame * joints + ankle)),
  );
  const heights = paths.map((path) => path.map(([, y]) => y));
  const around = Math.max(1, Math.round(stepTime * fps));
  const leg = legLength(motion);
  const { root } = skeletonByName(motion.layout);
  const body = Array.from({ length: frames }, (_, frame) => pointAt(motion.positions, frame * joints + root));
  paths.forEach((path, foot) => {
    const still = path.map(([, y], frame) => {
      const limit = Math.max(slow * leg, slowShare * speedAt(body, frame, around, fps));
      return speedAt(path, frame, reach, fps) < limit && y < floorAt(heights, frame, around) + low * leg;
    });
    for (const { first, last } of runsOf(still)) {
      if (last - first + 1 < shortest * fps) continue;
      for (let frame = first; frame <= last; frame++) contacts[2 * frame + foot] = 1;
    }
  });
  return contacts;
}

/** Metres a second from `reach` frames before to `reach` after; of one frame alone nothing is known. */
function speedAt(path: readonly Vector[], frame: number, reach: number, fps: number): number {
  const [from, to] = [Math.max(0, frame - reach), Math.min(path.length - 1, frame + reach)];
  return to === from ? Infinity : (length(subtract(path[to], path[from])) * fps) / (to - from);
}

/** Thigh and shin, the median of both legs over time: a child's steps are shorter. */
function legLength(motion: Motion): number {
  const lengths = medianBoneLengths(motion);
  const { knees, ankles } = legsOf(motion.layout);
  return lengths[knees[0]] + lengths[ankles[0]];
}

/** How high the floor is under a frame: the lowest twentieth of both ankles' heights around it. */
function floorAt(heights: readonly number[][], frame: number, around: number): number {
  const near = heights.flatMap((path) => path.slice(Math.max(0, frame - around), frame + around + 1));
  return near.sort((a, b) => a - b)[Math.floor(near.length / 20)];
}

/** The stretches in which a foot stands, and where: the middle of its ankle's places. */
export interface Stand {
  first: number;
  last: number;
  place: Vector;
}

/** One foot's stands (0 left, 1 right). */
export function standsOf(motion: Motion, contacts: FootContacts, foot: 0 | 1): Stand[] {
  const joints = jointsOf(motion);
  if (contacts.length !== motion.frames * 2) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Foot contacts: expected shape (${motion.frames}, 2), got ${contacts.length} values.`,
    );
  }
  const ankle = legsOf(motion.layout).ankles[foot];
  const standing = Array.from({ length: motion.frames }, (_, frame) => contacts[2 * frame + foot] === 1);
  return runsOf(standing).map(({ first, last }) => {
    const axis = (one: number) =>
      median(
        Array.from(
          { length: last - first + 1 },
          (_, index) => motion.positions[3 * ((first + index) * joints + ankle) + one],
        ),
      );
    return { first, last, place: [axis(0), axis(1), axis(2)] };
  });
}

/** How much standing feet slide over the ground. */
export interface FootSkate {
  /** Mean horizontal distance of the ankle from the place of its stand. */
  meanMm: number;
  /** Mean horizontal step from frame to frame. */
  stepMm: number;
  /** How many frames of standing feet were measured. */
  frames: number;
}

export function footSkate(motion: Motion, contacts: FootContacts): FootSkate {
  checkArguments('footSkate', { motion, contacts }, MOTION, 'Uint8Array');
  const joints = jointsOf(motion);
  const { ankles } = legsOf(motion.layout);
  let [away, step, frames, steps] = [0, 0, 0, 0];
  for (const foot of [0, 1] as const) {
    const at = (frame: number) => pointAt(motion.positions, frame * joints + ankles[foot]);
    for (const { first, last, place } of standsOf(motion, contacts, foot)) {
      for (let frame = first; frame <= last; frame++) {
        const [x, , z] = subtract(at(frame), place);
        away += Math.hypot(x, z);
        frames++;
        if (frame === first) continue;
        const [dx, , dz] = subtract(at(frame), at(frame - 1));
        step += Math.hypot(dx, dz);
        steps++;
      }
    }
  }
  return { meanMm: frames > 0 ? (1000 * away) / frames : 0, stepMm: steps > 0 ? (1000 * step) / steps : 0, frames };
}

function runsOf(flags: readonly boolean[]): { first: number; last: number }[] {
  const runs: { first: number; last: number }[] = [];
  flags.forEach((flag, frame) => {
    if (!flag) return;
    if (frame > 0 && flags[frame - 1]) runs[runs.length - 1].last = frame;
    else runs.push({ first: frame, last: frame });
  });
  return runs;
}
