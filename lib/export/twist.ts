import { aboutAxis, angleAbout, multiply, type Quaternion, rotate, shortestArc } from '../motion/quaternion.js';
import { RotationTrack } from '../motion/rotation-track.js';
import { dot, type Vector } from '../motion/vector.js';

/** What one frame says of how a limb is turned about itself. */
export interface TwistEvidence {
  /** Cross product of the unit directions of upper and lower limb: the axis of the bend, long where it is bent. */
  bend: Vector;
  /** The limb swung from its parent the shortest way, with no turn about itself. */
  swung: Quaternion;
}

/** How much the swing counts beside a limb bent by 90 degrees, and how much a frame holds to its neighbours. */
const swingWeight = 0.05;
const holdWeight = 0.5;

/**
 * Rotations (T) of a limb that lies along `directions` (T) when it is `swung`, turned about it so that `hinge` goes to the
 * axis of the bend.
 *
 * Frame by frame the limb is carried along without turning about itself, and the angle left over, a_t, is the least
 * squares of sum w_t (a_t - seen_t)^2 + h sum (a_t - a_t-1)^2. Where the limb is straight, or where its swing from the parent
 * is ambiguous (it points backward), w_t is small and the neighbours decide: the angle is continuous, so nothing flips.
 */
export function twistsAlong(
  hinge: Vector,
  directions: readonly Vector[],
  evidence: (frame: number) => TwistEvidence,
): RotationTrack {
  const frames = directions.length;
  const turned = new RotationTrack(frames);
  const seen: number[] = [];
  const weights: number[] = [];
  let angle = 0;
  for (let frame = 0; frame < frames; frame++) {
    const direction = directions[frame];
    const { bend, swung } = evidence(frame);
    const carried = frame === 0 ? swung : multiply(shortestArc(directions[frame - 1], direction), turned.at(frame - 1));
    turned.set(frame, carried);
    const from = rotate(carried, hinge);
    const bent = dot(bend, bend);
    // The swing is ambiguous where the limb points away from its rest: there it counts nothing.
    const swing = swingWeight * Math.max(0, swung[3] ** 2);
    const weight = bent + swing;
    const target = weighed(
      [bent, bent > 0 ? angleAbout(direction, from, bend) : 0],
      [swing, angleAbout(direction, from, rotate(swung, hinge))],
    );
    // The turn nearest to the angle so far.
    const step = Math.atan2(Math.sin(target - angle), Math.cos(target - angle));
    seen.push(angle + step);
    weights.push(weight);
    angle += (frame === 0 ? 1 : weight / (weight + holdWeight)) * step;
  }
  const angles = smoothed(seen, weights);
  for (let frame = 0; frame < frames; frame++) {
    turned.set(frame, multiply(aboutAxis(directions[frame], angles[frame]), turned.at(frame)));
  }
  return turned;
}

/** Weighted mean of two angles on the circle. */
function weighed(a: readonly [weight: number, angle: number], b: readonly [weight: number, angle: number]): number {
  const sine = a[0] * Math.sin(a[1]) + b[0] * Math.sin(b[1]);
  const cosine = a[0] * Math.cos(a[1]) + b[0] * Math.cos(b[1]);
  return Math.atan2(sine, cosine);
}

/** The minimum of the sum above: a tridiagonal system, solved by elimination from the first frame to the last. */
function smoothed(seen: readonly number[], weights: readonly number[]): number[] {
  const last = seen.length - 1;
  const ratio: number[] = [];
  const value: number[] = [];
  for (let i = 0; i <= last; i++) {
    const neighbours = (i > 0 ? 1 : 0) + (i < last ? 1 : 0);
    const pivot = weights[i] + holdWeight * neighbours + 1e-9 - (i > 0 ? holdWeight * ratio[i - 1] : 0);
    ratio.push(holdWeight / pivot);
    value.push(((weights[i] + 1e-9) * seen[i] + (i > 0 ? holdWeight * value[i - 1] : 0)) / pivot);
  }
  for (let i = last - 1; i >= 0; i--) value[i] += ratio[i] * value[i + 1];
  return value;
}
