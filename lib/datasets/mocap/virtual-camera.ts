import { checkArguments } from '../../base/check-arguments.js';
import type { Random } from '../../base/random.js';
import type { Extrinsics } from '../pose-dataset.js';

export type { Extrinsics };

/** A pinhole camera without distortion; axes x right, y down, z forward, as in Human3.6M. */
export interface VirtualCamera {
  width: number;
  height: number;
  /** Focal lengths and centre in pixels. */
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  extrinsics: Extrinsics;
}

/** Ranges that cameras are drawn from, uniformly. */
export interface CameraRanges {
  width: number;
  height: number;
  /** Focal length in pixels. */
  focal: readonly [number, number];
  /** From the middle of the motion, metres; a camera steps back up to `farthest` to keep the person in view. */
  distance: readonly [number, number];
  farthest: number;
  /** Degrees above the horizon at which the camera stands, seen from the person's hip. */
  elevation: readonly [number, number];
  /** Degrees by which the horizon is tilted, either way. */
  roll: number;
}

/** Like Human3.6M's four cameras (focal length 1145 to 1150 pixels, 1000 x 1000), only more varied. */
export const defaultCameraRanges: CameraRanges = {
  width: 1000,
  height: 1000,
  focal: [1040, 1250],
  distance: [3.5, 6],
  farthest: 9,
  elevation: [-5, 20],
  roll: 2,
};

const NEAREST = 0.5;

function cross(a: readonly number[], b: readonly number[]): number[] {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

function unit(v: readonly number[]): number[] {
  const length = Math.hypot(...v);
  return v.map((value) => value / length);
}

/** A camera at `distance` from `target` that looks at it, in a world whose y axis points up. Angles in radians. */
export function lookAt(target: readonly number[], azimuth: number, elevation: number, roll: number, distance: number) {
  const forward = [
    -Math.cos(elevation) * Math.sin(azimuth),
    -Math.sin(elevation),
    -Math.cos(elevation) * Math.cos(azimuth),
  ];
  const level = unit(cross(forward, [0, 1, 0]));
  const plumb = cross(forward, level);
  const right = level.map((value, i) => value * Math.cos(roll) + plumb[i] * Math.sin(roll));
  const down = plumb.map((value, i) => value * Math.cos(roll) - level[i] * Math.sin(roll));
  const place = target.map((value, i) => value - forward[i] * distance);
  const rows = [right, down, forward];
  const translation = rows.map((row) => -(row[0] * place[0] + row[1] * place[1] + row[2] * place[2]));
  return { rotation: rows.flat(), translation };
}

/** World points (n, 3) to camera axes (n, 3), metres. */
export function worldToCamera(extrinsics: Extrinsics, points: Float32Array): Float32Array {
  const { rotation: r, translation: t } = extrinsics;
  const out = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const x = points[i];
    const y = points[i + 1];
    const z = points[i + 2];
    out[i] = r[0] * x + r[1] * y + r[2] * z + t[0];
    out[i + 1] = r[3] * x + r[4] * y + r[5] * z + t[1];
    out[i + 2] = r[6] * x + r[7] * y + r[8] * z + t[2];
  }
  return out;
}

/** Points in camera axes (n, 3) to pixels (n, 2). A point less than 0.1 m ahead is seen as if it were at 0.1 m. */
export function projectToPixels(camera: VirtualCamera, points: Float32Array): Float32Array {
  const { fx, fy, cx, cy } = camera;
  const out = new Float32Array((points.length / 3) * 2);
  for (let i = 0, o = 0; i < points.length; i += 3, o += 2) {
    const z = Math.max(points[i + 2], 0.1);
    out[o] = (fx * points[i]) / z + cx;
    out[o + 1] = (fy * points[i + 1]) / z + cy;
  }
  return out;
}

/** Share of points (n, 3, world metres) that a camera does not see: outside the image or nearer than 0.5 m. */
export function shareOutside(camera: VirtualCamera, points: Float32Array): number {
  const inCamera = worldToCamera(camera.extrinsics, points);
  const pixels = projectToPixels(camera, inCamera);
  let outside = 0;
  for (let i = 0; i < pixels.length / 2; i++) {
    const x = pixels[i * 2];
    const y = pixels[i * 2 + 1];
    if (x < 0 || y < 0 || x >= camera.width || y >= camera.height || inCamera[i * 3 + 2] < NEAREST) outside++;
  }
  return points.length === 0 ? 0 : outside / (points.length / 3);
}

/** The middle of the box that the hips stay in. */
function middleOf(poses: Float32Array, joints: number): number[] {
  const low = [Infinity, Infinity, Infinity];
  const high = [-Infinity, -Infinity, -Infinity];
  for (let at = 0; at < poses.length; at += joints * 3) {
    for (let axis = 0; axis < 3; axis++) {
      low[axis] = Math.min(low[axis], poses[at + axis]);
      high[axis] = Math.max(high[axis], poses[at + axis]);
    }
  }
  return low.map((value, axis) => (value + high[axis]) / 2);
}

/** Every so many frames' poses, about 300 of them: enough to see whether a person stays in view. */
function sample(poses: Float32Array, joints: number): Float32Array {
  const frames = poses.length / (joints * 3);
  const step = Math.max(1, Math.floor(frames / 300));
  const out = new Float32Array(Math.ceil(frames / step) * joints * 3);
  for (let frame = 0, at = 0; frame < frames; frame += step, at += joints * 3) {
    out.set(poses.subarray(frame * joints * 3, (frame + 1) * joints * 3), at);
  }
  return out;
}

/**
 * Draws `count` cameras around a motion (T, J, 3; world metres, y up; joint 0 the hip): each in its own part of
 * the full circle. The same random source gives the same cameras.
 */
export function placeCameras(
  random: Random,
  poses: Float32Array,
  joints: number,
  count: number,
  ranges: CameraRanges = defaultCameraRanges,
): VirtualCamera[] {
  checkArguments(
    'placeCameras',
    { random, poses, joints, count, ranges },
    { uniform: 'function' },
    'Float32Array',
    'number',
    'number',
    'object?',
  );
  const middle = middleOf(poses, joints);
  const some = sample(poses, joints);
  const degrees = Math.PI / 180;
  const start = random.uniform(0, 2 * Math.PI);
  return Array.from({ length: count }, (_, index) => {
    const azimuth = start + ((index + random.uniform(-0.45, 0.45)) * 2 * Math.PI) / count;
    const elevation = random.uniform(...ranges.elevation) * degrees;
    const roll = random.uniform(-ranges.roll, ranges.roll) * degrees;
    const focal = random.uniform(...ranges.focal);
    // Not quite at the middle, so that people are not always in the middle of the image.
    const target = [random.uniform(-0.3, 0.3), random.uniform(-0.2, 0.2), random.uniform(-0.3, 0.3)];
    let distance = random.uniform(...ranges.distance);
    const camera: VirtualCamera = {
      width: ranges.width,
      height: ranges.height,
      fx: focal,
      fy: focal * random.uniform(0.995, 1.005),
      cx: ranges.width * random.uniform(0.48, 0.52),
      cy: ranges.height * random.uniform(0.48, 0.52),
      extrinsics: { rotation: [], translation: [] },
    };
    const aim = middle.map((value, axis) => value + target[axis]);
    for (;;) {
      camera.extrinsics = lookAt(aim, azimuth, elevation, roll, distance);
      if (distance >= ranges.farthest || shareOutside(camera, some) === 0) return camera;
      distance = Math.min(distance * 1.06, ranges.farthest);
    }
  });
}
