import { smallest } from '../../base/lists.js';
import { gaitAngle } from './gait-curves.js';

/** x forward, y to the walker's left, z up; metres. */
export type Point = readonly [x: number, y: number, z: number];

/** Every point of the walker that a layout may ask for, relative to the middle of the hips, facing along x. */
export interface WalkerPoints {
  pelvis: Point;
  spine: Point;
  /** Midway between the shoulders. */
  thorax: Point;
  /** Human3.6M's neck/nose: inside the head, behind the nose. */
  face: Point;
  head: Point;
  nose: Point;
  leftEye: Point;
  rightEye: Point;
  leftEar: Point;
  rightEar: Point;
  leftShoulder: Point;
  rightShoulder: Point;
  leftElbow: Point;
  rightElbow: Point;
  leftWrist: Point;
  rightWrist: Point;
  leftHip: Point;
  rightHip: Point;
  leftKnee: Point;
  rightKnee: Point;
  leftAnkle: Point;
  rightAnkle: Point;
}

type Side = 'left' | 'right';

const degree = Math.PI / 180;
const stature = 1.75;

/**
 * Segment lengths as shares of stature (R. Drillis and R. Contini, 1966, as tabled by Winter); hip and shoulder joint
 * centres lie inside the widths that a tape measures.
 */
const body = {
  thigh: 0.245 * stature,
  shank: 0.246 * stature,
  ankleHeight: 0.039 * stature,
  heelBehindAnkle: 0.03 * stature,
  ballBeforeAnkle: 0.085 * stature,
  upperArm: 0.186 * stature,
  forearm: 0.146 * stature,
  hipHalfWidth: 0.055 * stature,
  shoulderHalfWidth: 0.1 * stature,
  hipToShoulder: 0.288 * stature,
  /** A little below a tape's 0.406: walkers look down ahead, and detectors see shoulders high. */
  hipToEye: 0.396 * stature,
  /** Human3.6M's head joint: about 0.25 m above the thorax, a little under the crown. */
  hipToHead: 0.437 * stature,
};

/** Seconds of one gait cycle: 109 steps a minute, the natural cadence of adults. */
export const strideSeconds = 1.1;

const sign = (side: Side) => (side === 'left' ? 1 : -1);
const phaseOf = (side: Side, phase: number) => (side === 'right' ? phase : phase + 0.5);
const wave = (phase: number, peakAt: number) => Math.cos(2 * Math.PI * (phase - peakAt));

const add = (a: Point, b: Point): Point => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** Turns about x (roll), then y (pitch, forward lean positive), then z (yaw, to the left positive); degrees. */
function rotate([x, y, z]: Point, roll: number, pitch: number, yaw: number): Point {
  const [sr, cr] = [Math.sin(roll * degree), Math.cos(roll * degree)];
  const [sp, cp] = [Math.sin(pitch * degree), Math.cos(pitch * degree)];
  const [sy, cy] = [Math.sin(yaw * degree), Math.cos(yaw * degree)];
  const y1 = y * cr - z * sr;
  const z1 = y * sr + z * cr;
  const x2 = x * cp + z1 * sp;
  const z2 = -x * sp + z1 * cp;
  return [x2 * cy - y1 * sy, x2 * sy + y1 * cy, z2];
}

/** A limb segment that hangs down, swung forward by `forward` degrees and out to its own side by `outward`. */
function segment(length: number, forward: number, outward: number, side: Side): Point {
  const [sf, cf] = [Math.sin(forward * degree), Math.cos(forward * degree)];
  const [so, co] = [Math.sin(outward * degree), Math.cos(outward * degree)];
  return [length * sf, sign(side) * length * cf * so, -length * cf * co];
}

/** Pelvis: 5 degrees forward on the side whose heel lands, 3 degrees down on the swinging side. */
const pelvisYaw = (phase: number) => 5 * wave(phase, 0);
const pelvisRoll = (phase: number) => 3 * wave(phase, 0.65);

function leg(side: Side, phase: number) {
  const own = phaseOf(side, phase);
  // Hip angles are measured against a pelvis that tilts 10 degrees forward; thigh and shank against the vertical.
  const thigh = gaitAngle('hipFlexion', own) - 10;
  const shank = thigh - gaitAngle('kneeFlexion', own);
  const foot = (shank + gaitAngle('ankleDorsiflexion', own)) * degree;
  // The legs converge by 3 degrees, so that steps are about 10 cm wide.
  const hip = rotate([0, sign(side) * body.hipHalfWidth, 0], pelvisRoll(phase), 0, pelvisYaw(phase));
  const knee = add(hip, segment(body.thigh, thigh, -3, side));
  const ankle = add(knee, segment(body.shank, shank, -3, side));
  const sole = (along: number): Point =>
    add(ankle, [
      along * Math.cos(foot) + body.ankleHeight * Math.sin(foot),
      0,
      along * Math.sin(foot) - body.ankleHeight * Math.cos(foot),
    ]);
  return { hip, knee, ankle, heel: sole(-body.heelBehindAnkle), ball: sole(body.ballBeforeAnkle) };
}

function arm(side: Side, phase: number, lean: number, yaw: number) {
  // Against the leg of its own side: 24 degrees back at that heel's contact, 8 forward half a cycle later; the elbow
  // goes from 20 to 44 degrees (Perry and Burnfield).
  const swing = wave(phaseOf(side, phase), 0.02);
  const upper = -8 - 16 * swing;
  const fore = upper + 32 - 12 * swing;
  const shoulder = rotate([0, sign(side) * body.shoulderHalfWidth, body.hipToShoulder], 0, lean, yaw);
  const elbow = add(shoulder, rotate(segment(body.upperArm, upper, 9, side), 0, 0, yaw));
  const wrist = add(elbow, rotate(segment(body.forearm, fore, -6, side), 0, 0, yaw));
  return { shoulder, elbow, wrist };
}

/** The walker at `phase` of the right leg's cycle, relative to the middle of the hips. */
export function walkerPoints(phase: number): WalkerPoints {
  const lean = 3 + wave(2 * phase, 0.2);
  const yaw = -5 * wave(phase, 0);
  const trunk = (x: number, y: number, z: number) => rotate([x, y, z], 0, lean, yaw);
  const inHead = (x: number, y: number, up: number): Point => {
    const thorax = trunk(0, 0, body.hipToShoulder);
    return add(thorax, [x, y, up - body.hipToShoulder]);
  };
  const left = { ...leg('left', phase), ...arm('left', phase, lean, yaw) };
  const right = { ...leg('right', phase), ...arm('right', phase, lean, yaw) };
  return {
    pelvis: [0, 0, 0],
    spine: trunk(-0.01, 0, body.hipToShoulder * 0.48),
    thorax: trunk(0, 0, body.hipToShoulder),
    face: inHead(0.065, 0, body.hipToEye - 0.03),
    head: inHead(0.015, 0, body.hipToHead),
    nose: inHead(0.12, 0, body.hipToEye - 0.035),
    leftEye: inHead(0.095, 0.032, body.hipToEye),
    rightEye: inHead(0.095, -0.032, body.hipToEye),
    leftEar: inHead(0.01, 0.075, body.hipToEye - 0.015),
    rightEar: inHead(0.01, -0.075, body.hipToEye - 0.015),
    leftShoulder: left.shoulder,
    rightShoulder: right.shoulder,
    leftElbow: left.elbow,
    rightElbow: right.elbow,
    leftWrist: left.wrist,
    rightWrist: right.wrist,
    leftHip: left.hip,
    rightHip: right.hip,
    leftKnee: left.knee,
    rightKnee: right.knee,
    leftAnkle: left.ankle,
    rightAnkle: right.ankle,
  };
}

/**
 * How far the hips go while the gait runs from `phase` to `phase + step`, and how high they are at `phase`: the foot that
 * is on the ground stays where it is. Each point of the two soles counts by how low it is, so that the load passes
 * smoothly from one foot to the other.
 */
export function supportedPelvis(phase: number, step: number): { height: number; advance: number } {
  const soles = (at: number) =>
    (['left', 'right'] as const).flatMap((side) => [leg(side, at).heel, leg(side, at).ball]);
  const now = soles(phase);
  const next = soles(phase + step);
  const softness = 0.006;
  const lowest = smallest(now.map((point) => point[2]));
  const weights = now.map((point) => Math.exp((lowest - point[2]) / softness));
  const total = weights.reduce((a, b) => a + b);
  let height = 0;
  let advance = 0;
  for (const [index, weight] of weights.entries()) {
    height -= (weight / total) * now[index][2];
    advance -= (weight / total) * (next[index][0] - now[index][0]);
  }
  return { height, advance };
}
