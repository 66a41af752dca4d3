import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { largest, smallest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import type { Extrinsics } from './camera.js';
import { legsOf } from './legs.js';
import { jointsOf, type Motion } from './motion.js';
import { type StanceAxes, stanceAxes } from './stance.js';
import { cross, dot, pointAt, type Vector } from './vector.js';

export type WorldOptions =
  /** Up is where the body stands over its feet; or what was `found` of somebody else before the same camera, {@link stanceAxes}. */
  | { from: 'stance'; found?: StanceAxes }
  /** The camera's place is known; `up` is the axis of that world that points up. */
  | { from: 'extrinsics'; extrinsics: Extrinsics; up: 'y' | 'z' };

/**
 * A motion in camera axes as one in world axes: y up, metres.
 *
 * - `stance`: gravity is assumed to pull along the mean line from between the shoulders to between the ankles, over the frames in which
 *   the legs are straightest, and, where the root was estimated, to make the floor level on which the feet stood ({@link stanceAxes}); x
 *   is the camera's right. The floor, y = 0, lies under the ankles at their usual lowest. A shift that is the same in all
 *   frames, so a relative root stays relative. The note says what was assumed, and how well frames agree.
 * - `extrinsics`: the motion of an estimated root is put where it was in the world; a relative one is only turned.
 *
 * Throws `ERR_ARGUMENT` for a motion in world axes or extrinsics that are no rotation, `ERR_UNSUPPORTED` for a layout
 * without ankles, knees and hips of these names.
 */
export function toWorld(motion: Motion, options: WorldOptions): Motion {
  checkArguments('toWorld', { motion, options }, MOTION, 'object');
  jointsOf(motion);
  if (motion.axes !== 'camera') {
    throw new PoseError('ERR_ARGUMENT', 'World: expected a motion in camera axes, got one in world axes.');
  }
  return options.from === 'stance'
    ? fromStance(motion, options.found)
    : fromExtrinsics(motion, options.extrinsics, options.up);
}

function fromStance(motion: Motion, found?: StanceAxes): Motion {
  const joints = jointsOf(motion);
  const legs = legsOf(motion.layout);
  const { axes, spread, tilt, floor: plane } = found ?? stanceAxes(motion);
  const positions = turned(motion.positions, axes, [0, 0, 0]);
  const heights = Array.from({ length: motion.frames }, (_, frame) =>
    smallest(legs.ankles.map((ankle) => positions[3 * (frame * joints + ankle) + 1])),
  ).sort((a, b) => a - b);
  const floor = heights[Math.floor(heights.length / 20)] - ankleHeight;
  const degrees = (radians: number) => ((radians * 180) / Math.PI).toFixed(1);
  const level = plane
    ? `and feet to stand on a level floor (it turned up by ${degrees(plane.turn)} degrees; feet are ${(1000 * plane.residual).toFixed(0)} mm from it) `
    : '';
  const tilted = `the camera is tilted by ${degrees(tilt)} degrees.`;
  const note = found
    ? `Up is as it was found for the first person of the video: ${tilted}`
    : 'Up was taken from the stance: gravity is assumed to pull along the mean line from the shoulders to the ankles while the legs are ' +
      `straight (frames disagree by ${degrees(spread)} degrees) ${level}\u2013 ${tilted}`;
  const grounded = positions.map((value, index) => (index % 3 === 1 ? value - floor : value));
  return { ...motion, positions: grounded, axes: 'world', notes: [...motion.notes, note] };
}

/** The ankle's centre above the sole, metres. */
const ankleHeight = 0.08;

function fromExtrinsics(motion: Motion, { rotation, translation }: Extrinsics, up: 'y' | 'z'): Motion {
  const rows = [0, 3, 6].map((at): Vector => [rotation[at], rotation[at + 1], rotation[at + 2]]);
  const skew = largest(rows.flatMap((a, i) => rows.map((b, j) => Math.abs(dot(a, b) - (i === j ? 1 : 0)))));
  if (
    rotation.length !== 9 ||
    translation.length !== 3 ||
    !(skew < 1e-3) ||
    dot(cross(rows[0], rows[1]), rows[2]) < 0
  ) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Extrinsics: expected a rotation of 9 numbers and a translation of 3, got rotation ${rotation.join(' ')} and ` +
        `translation ${translation.join(' ')}.`,
    );
  }
  const moved = motion.root === 'estimated' ? translation : [0, 0, 0];
  const columns = [0, 1, 2].map((axis): Vector => [rows[0][axis], rows[1][axis], rows[2][axis]]);
  // A world with z up becomes (y, z, x): right-handed still.
  const axes = up === 'y' ? columns : [columns[1], columns[2], columns[0]];
  const positions = turned(motion.positions, axes, moved);
  const note = `The world is that of the given extrinsics, ${up} up${motion.root === 'relative' ? ', turned only: the root is relative' : ''}.`;
  return { ...motion, positions, axes: 'world', notes: [...motion.notes, note] };
}

/** Each point less `origin`, seen along three unit axes. */
function turned(points: Float32Array, axes: readonly Vector[], origin: readonly number[]): Float32Array {
  const out = new Float32Array(points.length);
  for (let point = 0; point < points.length / 3; point++) {
    const [x, y, z] = pointAt(points, point);
    const place: Vector = [x - origin[0], y - origin[1], z - origin[2]];
    out.set(
      axes.map((axis) => dot(axis, place)),
      3 * point,
    );
  }
  return out;
}
