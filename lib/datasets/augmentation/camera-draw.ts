import type { Random } from '../../base/random.js';
import { lookAt } from '../mocap/virtual-camera.js';
import type { Extrinsics } from '../pose-dataset.js';
import type { CameraKind } from './settings.js';

/** A pinhole camera in normalised image units: x = fx X / Z + cx, y = fy Y / Z + cy; the image is 2 wide, 2 `aspect` high. */
export interface DrawnCamera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  aspect: number;
  extrinsics: Extrinsics;
}

/** A person nearer than this is not seen, metres. */
const NEAREST = 0.7;
const STEP_BACK = 1.1;
/** Share of half an image by which a camera aims beside the person, at most. */
const AIM_ASIDE = 0.7;

const degrees = Math.PI / 180;

/** Evenly in the logarithm. */
export function logUniform(random: Random, [low, high]: readonly [number, number]): number {
  return low * (high / low) ** random.uniform();
}

function drawKind(random: Random, kinds: readonly CameraKind[]): CameraKind {
  let left = random.uniform() * kinds.reduce((sum, { share }) => sum + share, 0);
  for (const kind of kinds) {
    left -= kind.share;
    if (left < 0) return kind;
  }
  return kinds[kinds.length - 1];
}

/**
 * Draws a camera that sees the world points `points` (n, 3; metres, y up) around `middle`. It aims beside the middle as far
 * as everything stays in view; where that is not enough it steps back, to twice its kind's far end.
 */
export function drawCamera(
  random: Random,
  kinds: readonly CameraKind[],
  points: Float64Array,
  middle: readonly number[],
): DrawnCamera {
  const kind = drawKind(random, kinds);
  const focal = logUniform(random, kind.focal);
  const camera: DrawnCamera = {
    fx: focal,
    fy: focal * random.uniform(0.995, 1.005),
    cx: random.uniform(-0.03, 0.03),
    cy: random.uniform(-0.03, 0.03),
    aspect: kind.aspect,
    extrinsics: { rotation: [], translation: [] },
  };
  const azimuth = random.uniform(0, 2 * Math.PI);
  const elevation = random.uniform(...kind.elevation) * degrees;
  const roll = random.uniform(-kind.roll, kind.roll) * degrees;
  const yaw = random.uniform(-AIM_ASIDE, AIM_ASIDE) * Math.atan(1 / focal);
  const pitch = random.uniform(-AIM_ASIDE, AIM_ASIDE) * Math.atan(kind.aspect / focal);
  let distance = logUniform(random, kind.distance);
  for (;;) {
    const straight = lookAt(middle, azimuth, elevation, roll, distance);
    for (const aside of [1, 0.5, 0.25, 0]) {
      camera.extrinsics = turned(straight, yaw * aside, pitch * aside);
      if (seesAll(camera, points)) return camera;
    }
    if (distance >= 2 * kind.distance[1]) return camera;
    distance = Math.min(distance * STEP_BACK, 2 * kind.distance[1]);
  }
}

/** The same camera, turned about its own upright axis by `yaw` and then its level one by `pitch`. */
function turned({ rotation: r, translation: t }: Extrinsics, yaw: number, pitch: number): Extrinsics {
  const [cy, sy] = [Math.cos(yaw), Math.sin(yaw)];
  const [cp, sp] = [Math.cos(pitch), Math.sin(pitch)];
  const turn = [cy, 0, sy, sp * sy, cp, -sp * cy, -cp * sy, sp, cp * cy];
  const row = (i: number, column: (k: number) => number) =>
    turn[3 * i] * column(0) + turn[3 * i + 1] * column(1) + turn[3 * i + 2] * column(2);
  return {
    rotation: [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => row(i, (k) => r[3 * k + j]))),
    translation: [0, 1, 2].map((i) => row(i, (k) => t[k])),
  };
}

function seesAll(camera: DrawnCamera, points: Float64Array): boolean {
  const { rotation: r, translation: t } = camera.extrinsics;
  for (let i = 0; i < points.length; i += 3) {
    const [x, y, z] = [points[i], points[i + 1], points[i + 2]];
    const depth = r[6] * x + r[7] * y + r[8] * z + t[2];
    if (depth < NEAREST) return false;
    const u = (camera.fx * (r[0] * x + r[1] * y + r[2] * z + t[0])) / depth + camera.cx;
    const v = (camera.fy * (r[3] * x + r[4] * y + r[5] * z + t[1])) / depth + camera.cy;
    if (Math.abs(u) > 1 || Math.abs(v) > camera.aspect) return false;
  }
  return true;
}
