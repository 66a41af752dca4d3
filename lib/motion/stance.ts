import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { median } from '../base/statistics.js';
import { legsOf } from './legs.js';
import { jointsOf, type Motion } from './motion.js';
import { add, anySquare, cross, dot, length, pointAt, squareTo, subtract, unit, type Vector } from './vector.js';

/** Axes of a motion in camera axes that stand upright, and what they were found from. */
export interface StanceAxes {
  /** x the camera's right, y up, z toward the camera: the rows of a rotation. */
  axes: readonly [Vector, Vector, Vector];
  /** By how much frames disagree about where the body points up: root mean square angle, radians. */
  spread: number;
  /** Between this up and the camera's, radians. */
  tilt: number;
  /** Of an estimated path: between this up and the body's, radians, and how far the feet are from the plane, metres. */
  floor?: { turn: number; residual: number };
}

/** How far feet on a level floor are found from a plane (metres): pose and path err, and not independently from frame to frame. */
const footError = 0.03;
/** How far the mean line of a body is from the vertical (radians): people lean into their walk. */
const bodyError = (5 * Math.PI) / 180;
/** A foot that is further above the plane (metres) counts less: it may be in the air. */
const flight = 0.05;
/** Where the feet's plane is further from the body's up, they climbed (radians): the body's up is kept. */
const steepest = (20 * Math.PI) / 180;

/**
 * Upright axes of a motion in camera axes, from gravity's two effects on people:
 *
 * - the body stands over its feet: up is the mean line from between the ankles to between the shoulders, over the frames in
 *   which the legs are straightest;
 * - where the root was estimated, the lower foot of a frame is on a level floor: up is turned to the normal of the plane nearest these
 *   feet, as far as they are spread over the floor. A relative root says nothing of that.
 *
 * Throws `ERR_UNSUPPORTED` for a layout without ankles, knees, hips and shoulders of these names.
 */
export function stanceAxes(motion: Motion): StanceAxes {
  checkArguments('stanceAxes', { motion }, MOTION);
  const body = bodyUp(motion);
  const floor = motion.root === 'estimated' ? floorUp(motion, body.up) : undefined;
  const up = floor?.up ?? body.up;
  const x = unit(squareTo([1, 0, 0], up), [1, 0, 0]);
  return {
    axes: [x, up, cross(x, up)],
    spread: body.spread,
    tilt: angle(up, [0, -1, 0]),
    ...(floor && { floor: { turn: angle(up, body.up), residual: floor.residual } }),
  };
}

function bodyUp(motion: Motion): { up: Vector; spread: number } {
  const joints = jointsOf(motion);
  const legs = legsOf(motion.layout);
  const at = (frame: number, joint: number) => pointAt(motion.positions, frame * joints + joint);
  const between = (frame: number, pair: readonly number[]): Vector =>
    add(at(frame, pair[0]), subtract(at(frame, pair[1]), at(frame, pair[0])), 0.5);
  const stances = Array.from({ length: motion.frames }, (_, frame) => {
    const bend = legs.ankles.map((ankle, side) => {
      const whole = length(subtract(at(frame, ankle), at(frame, legs.hips[side])));
      const parts =
        length(subtract(at(frame, ankle), at(frame, legs.knees[side]))) +
        length(subtract(at(frame, legs.knees[side]), at(frame, legs.hips[side])));
      return whole / parts;
    });
    const feet = between(frame, legs.ankles);
    return { straight: (bend[0] + bend[1]) / 2, up: unit(subtract(between(frame, legs.shoulders), feet), [0, -1, 0]) };
  });
  const limit = median(stances.map(({ straight }) => straight));
  const standing = stances.filter(({ straight }) => straight >= limit);
  const sum = standing.reduce((total, stance) => add(total, stance.up), [0, 0, 0] as Vector);
  const up = unit(sum, [0, -1, 0]);
  const squares = standing.reduce((total, stance) => total + angle(stance.up, up) ** 2, 0);
  return { up, spread: Math.sqrt(squares / standing.length) };
}

/**
 * The up n that makes mean((n . p - d)^2) / footError^2 + |n - body|^2 / bodyError^2 least over the lower foot p of each frame, by
 * reweighting; undefined where that is steeper than people stand.
 */
function floorUp(motion: Motion, body: Vector): { up: Vector; residual: number } | undefined {
  const joints = jointsOf(motion);
  const { ankles } = legsOf(motion.layout);
  const right = anySquare(body);
  const ahead = cross(right, body);
  let up = body;
  let level: number | undefined;
  let residual = 0;
  const pairs = Array.from({ length: motion.frames }, (_, frame) =>
    ankles.map((ankle) => pointAt(motion.positions, frame * joints + ankle)),
  );
  for (let round = 0; round < 20; round++) {
    const feet = pairs.map(([a, b]) => (dot(a, up) < dot(b, up) ? a : b));
    level ??= median(feet.map((foot) => dot(foot, up)));
    const weights = feet.map((foot) => 1 / (1 + ((dot(foot, up) - level!) / flight) ** 2));
    const mass = weights.reduce((sum, weight) => sum + weight, 0);
    const centre = feet.reduce((sum, foot, i) => add(sum, foot, weights[i] / mass), [0, 0, 0] as Vector);
    let [rr, ra, aa, rh, ah, hh] = [0, 0, 0, 0, 0, 0];
    feet.forEach((foot, i) => {
      const off = subtract(foot, centre);
      const [r, a, h] = [dot(off, right), dot(off, ahead), dot(off, body)];
      const weight = weights[i] / mass;
      rr += weight * r * r;
      ra += weight * r * a;
      aa += weight * a * a;
      rh += weight * r * h;
      ah += weight * a * h;
      hh += weight * dot(off, up) ** 2;
    });
    const held = (footError / bodyError) ** 2;
    const [p, q] = [rr + held, aa + held];
    const turnRight = (ra * ah - q * rh) / (p * q - ra * ra);
    const turnAhead = (ra * rh - p * ah) / (p * q - ra * ra);
    const next = unit(add(add(body, right, turnRight), ahead, turnAhead), body);
    const settled = length(subtract(next, up)) < 1e-6;
    up = next;
    level = dot(centre, up);
    residual = Math.sqrt(hh);
    if (settled) break;
  }
  return angle(up, body) < steepest ? { up, residual } : undefined;
}

function angle(a: Vector, b: Vector): number {
  return Math.acos(Math.max(-1, Math.min(1, dot(a, b))));
}
