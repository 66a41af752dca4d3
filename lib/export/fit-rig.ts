import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { medianBoneLengths } from '../motion/bone-lengths.js';
import { type Motion, positionsYUp } from '../motion/motion.js';
import {
  identity,
  inverse,
  multiply,
  onSideOf,
  type Quaternion,
  rotate,
  shortestArc,
  twoAxes,
} from '../motion/quaternion.js';
import { RotationTrack } from '../motion/rotation-track.js';
import { add, cross, length, pointAt, scaled, squareTo, subtract, unit, type Vector } from '../motion/vector.js';
import type { Rig, RigJoint } from './rigs.js';
import { type TwistEvidence, twistsAlong } from './twist.js';

/** A skeleton of constant bones that follows a motion: what BVH and glTF files hold. */
export interface FittedRig {
  rig: Rig;
  frames: number;
  /** Frame of the video, from 0, that is the first of these. */
  start: number;
  /** (K, 3) metres: each joint's place in its parent's axes in the rest pose; of the first joint, 0. */
  offsets: Vector[];
  /** (T, 3) metres, y up: where the first joint is. */
  root: Float32Array;
  /** (K) of (T): how each joint is turned from the rest pose, in its parent's axes. Neighbours in time lie on one side. */
  rotations: RotationTrack[];
  residual: FitResidual;
}

/** Distances from the rig's joints to the lifted ones, since lifted bones change their lengths and the rig's do not. */
export interface FitResidual {
  meanMm: number;
  maxMm: number;
}

/**
 * Fits a rig to a motion of layout `h36m-17`: bones get the median lengths, and in each frame each joint turns so that its
 * bone has the lifted direction. How a limb turns about itself comes from the bend of elbow or knee, and where they are
 * straight from the parent and from the frames before and after, so that nothing flips. Throws `ERR_UNSUPPORTED` for
 * another layout.
 */
export function fitRig(motion: Motion, rig: Rig): FittedRig {
  checkArguments('fitRig', { motion, rig }, MOTION, 'object');
  if (motion.layout !== 'h36m-17') {
    throw new PoseError(
      'ERR_UNSUPPORTED',
      `Rig ${rig.name}: expected a motion of layout h36m-17, got ${motion.layout}.`,
    );
  }
  const places = positionsYUp(motion);
  const lengths = medianBoneLengths(motion);
  const { frames, start = 0 } = motion;
  const offsets = rig.joints.map(({ rest, bone, share }) => scaled(rest, share * lengths[bone[1]]));
  const body: Body = { places, frames, at: (frame, joint) => pointAt(places, frame * 17 + joint) };
  const rotations: RotationTrack[] = [];
  for (const [index, joint] of rig.joints.entries()) {
    rotations.push(worldRotations(body, joint, rotations[joint.parent], boneRest(rig, index)));
  }
  const root = new Float32Array(frames * 3);
  for (let frame = 0; frame < frames; frame++) root.set(body.at(frame, 0), frame * 3);
  // From the world's axes to the parent's, in place: children before their parents.
  for (let index = rotations.length - 1; index >= 0; index--) {
    const { parent } = rig.joints[index];
    let before = identity;
    for (let frame = 0; frame < frames; frame++) {
      const world = rotations[index].at(frame);
      const local = parent < 0 ? world : multiply(inverse(rotations[parent].at(frame)), world);
      before = onSideOf(local, before);
      rotations[index].set(frame, before);
    }
  }
  const fitted = { rig, frames, start, offsets, root, rotations };
  return { ...fitted, residual: residualOf(body, fitted) };
}

/** Where the joints of a fitted rig are in a frame, (K) points in metres, y up. */
export function rigPositions(given: Omit<FittedRig, 'residual'>, frame: number): Vector[] {
  checkArguments(
    'rigPositions',
    { given, frame },
    {
      ...{ frames: 'number', root: 'Float32Array', rig: 'object', start: 'number', offsets: 'list', rotations: 'list' },
    },
    'number',
  );
  const { rig, offsets, root, rotations } = given;
  const turned: Quaternion[] = [];
  const places: Vector[] = [];
  rig.joints.forEach(({ parent }, index) => {
    const local = rotations[index].at(frame);
    turned.push(parent < 0 ? local : multiply(turned[parent], local));
    places.push(parent < 0 ? pointAt(root, frame) : add(places[parent], rotate(turned[parent], offsets[index])));
  });
  return places;
}

interface Body {
  places: Float32Array;
  frames: number;
  at: (frame: number, joint: number) => Vector;
}

/** The direction in the rest pose of the bone that a joint turns: toward its first child. */
function boneRest(rig: Rig, index: number): Vector {
  return rig.joints.find(({ parent }) => parent === index)?.rest ?? [0, 1, 0];
}

/** How a joint is turned from the rest pose in the world, (T). */
function worldRotations(body: Body, joint: RigJoint, parent: RotationTrack | undefined, rest: Vector): RotationTrack {
  const { turn } = joint;
  const { frames, at } = body;
  const across = (frame: number, left: number, right: number) => subtract(at(frame, left), at(frame, right));
  const along = (frame: number, [from, to]: readonly [number, number], otherwise: Vector) =>
    unit(subtract(at(frame, to), at(frame, from)), otherwise);
  if (turn.kind === 'hinge') return limbRotations(body, turn, parent ?? new RotationTrack(frames), rest);
  const rotations = new RotationTrack(frames);
  for (let frame = 0; frame < frames; frame++) {
    const above = parent?.at(frame) ?? identity;
    const before = frame > 0 ? rotations.at(frame - 1) : above;
    if (turn.kind === 'pelvis') {
      const side = unit(across(frame, 4, 1), rotate(before, [1, 0, 0]));
      const up = along(frame, [0, 7], rotate(before, [0, 1, 0]));
      rotations.set(frame, twoAxes([1, 0, 0], [0, 1, 0], side, sideOr(up, side, rotate(before, [0, 1, 0]))));
    } else if (turn.kind === 'chest') {
      const up = along(frame, turn.bone, rotate(before, rest));
      const side = sideOr(across(frame, 11, 14), up, rotate(before, [1, 0, 0]));
      rotations.set(frame, twoAxes(rest, [1, 0, 0], up, side));
    } else if (turn.kind === 'swing') {
      const from = rotate(above, rest);
      rotations.set(frame, multiply(shortestArc(from, along(frame, turn.bone, from)), above));
    } else {
      rotations.set(frame, above);
    }
  }
  return rotations;
}

/** `side` unless it is all but parallel to `axis`, where `otherwise` takes its place. */
function sideOr(side: Vector, axis: Vector, otherwise: Vector): Vector {
  return length(squareTo(side, axis)) > 0.02 * length(side) ? side : otherwise;
}

/** Upper arms and thighs: along the bone, and about it as the elbow or knee says where it is bent. */
function limbRotations(
  { frames, at }: Body,
  { bone, next, hinge }: Extract<RigJoint['turn'], { kind: 'hinge' }>,
  parent: RotationTrack,
  rest: Vector,
): RotationTrack {
  const directions: Vector[] = [];
  for (let frame = 0; frame < frames; frame++) {
    const before = directions[frame - 1] ?? rotate(parent.at(frame), rest);
    directions.push(unit(subtract(at(frame, bone[1]), at(frame, bone[0])), before));
  }
  const evidence = (frame: number): TwistEvidence => {
    const direction = directions[frame];
    const lower = unit(subtract(at(frame, next[1]), at(frame, next[0])), direction);
    const from = rotate(parent.at(frame), rest);
    const swung = multiply(shortestArc(from, direction), parent.at(frame));
    return { bend: cross(direction, lower), swung };
  };
  return twistsAlong(hinge, directions, evidence);
}

function residualOf({ frames, at }: Body, fitted: Omit<FittedRig, 'residual'>): FitResidual {
  let [sum, count, most] = [0, 0, 0];
  for (let frame = 0; frame < frames; frame++) {
    const places = rigPositions(fitted, frame);
    fitted.rig.joints.forEach(({ source, turn }, index) => {
      // The collars lie where the neck's base does, which is counted once.
      if (source === undefined || (turn.kind === 'swing' && turn.bone[0] === 8 && turn.bone[1] > 10)) return;
      const distance = 1000 * length(subtract(places[index], at(frame, source)));
      sum += distance;
      count++;
      most = Math.max(most, distance);
    });
  }
  return { meanMm: sum / count, maxMm: most };
}
