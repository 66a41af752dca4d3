import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { HUMAN36M_LENSES, HUMAN36M_PLACEMENTS } from './human36m/human36m-cameras.js';
import type { VirtualCamera } from './mocap/virtual-camera.js';
import type { Extrinsics, Intrinsics } from './pose-dataset.js';

const INTRINSICS = {
  ...{ width: 'number', height: 'number', fx: 'number', fy: 'number', cx: 'number', cy: 'number' },
} as const;

type Quaternion = readonly [number, number, number, number];

/** A calibrated camera with its lens's distortion: radial k1, k2, k3 and tangential p1, p2. */
export interface Camera extends VirtualCamera {
  id: string;
  radial: readonly [number, number, number];
  tangential: readonly [number, number];
}

/** The four cameras of a Human3.6M subject, in the order of the files. Throws `ERR_DATASET` for an unknown subject. */
export function human36mCameras(subject: string): Camera[] {
  checkArguments('human36mCameras', { subject }, 'text');
  const placements = HUMAN36M_PLACEMENTS[subject];
  if (!placements) {
    const known = Object.keys(HUMAN36M_PLACEMENTS).join(', ');
    throw new PoseError('ERR_DATASET', `Human3.6M has no cameras of subject ${subject}; known are ${known}.`);
  }
  return placements.map(([w, x, y, z, tx, ty, tz], i) => {
    const lens = HUMAN36M_LENSES[i];
    return {
      id: lens.id,
      width: lens.width,
      height: lens.height,
      fx: lens.focal[0],
      fy: lens.focal[1],
      cx: lens.centre[0],
      cy: lens.centre[1],
      radial: lens.radial,
      tangential: lens.tangential,
      extrinsics: extrinsicsOf([w, x, y, z], [tx / 1000, ty / 1000, tz / 1000]),
    };
  });
}

/** Extrinsics of a camera at `place` whose quaternion turns camera axes into world axes: R = R(q)^-1, t = -R place. */
function extrinsicsOf([w, x, y, z]: Quaternion, place: readonly number[]): Extrinsics {
  const rotation = rotationMatrix([w, -x, -y, -z]);
  const translation = [0, 3, 6].map(
    (row) => -(rotation[row] * place[0] + rotation[row + 1] * place[1] + rotation[row + 2] * place[2]),
  );
  return { rotation, translation };
}

/** Row-major rotation matrix of a unit quaternion (w, x, y, z). */
function rotationMatrix([w, x, y, z]: Quaternion): readonly number[] {
  return [
    ...[1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    ...[2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    ...[2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ];
}

/**
 * Pixels (n, 2) of points (n, 3) in camera axes, distortion included, as Human3.6M's own tools compute it: with
 * (u, v) = (x, y) / z and r2 = u^2 + v^2, the factor 1 + k1 r2 + k2 r2^2 + k3 r2^3 + p1 v + p2 u, plus (p2, p1) r2.
 */
export function projectPoints(points: Float32Array, camera: Camera): Float32Array {
  checkArguments('projectPoints', { points, camera }, 'Float32Array', {
    ...INTRINSICS,
    ...{ id: 'text', radial: 'list', tangential: 'list', extrinsics: 'object' },
  });
  const [k1, k2, k3] = camera.radial;
  const [p1, p2] = camera.tangential;
  const out = new Float32Array((points.length / 3) * 2);
  for (let i = 0, o = 0; i < points.length; i += 3, o += 2) {
    const u = points[i] / points[i + 2];
    const v = points[i + 1] / points[i + 2];
    const r2 = u * u + v * v;
    const factor = 1 + r2 * (k1 + r2 * (k2 + r2 * k3)) + p1 * v + p2 * u;
    out[o] = camera.fx * (u * factor + p2 * r2) + camera.cx;
    out[o + 1] = camera.fy * (v * factor + p1 * r2) + camera.cy;
  }
  return out;
}

/** Intrinsics in the units of normalised keypoints: 2 f / width and (2 cx / width - 1, 2 cy / width - height / width). */
export function normalizeIntrinsics(camera: Pick<Camera, 'fx' | 'fy' | 'cx' | 'cy' | 'width' | 'height'>): Intrinsics {
  checkArguments('normalizeIntrinsics', { camera }, INTRINSICS);
  const { width, height } = camera;
  return {
    fx: (camera.fx / width) * 2,
    fy: (camera.fy / width) * 2,
    cx: (camera.cx / width) * 2 - 1,
    cy: (camera.cy / width) * 2 - height / width,
  };
}
