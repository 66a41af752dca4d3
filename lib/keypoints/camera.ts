import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';

const CAMERA = { fx: 'number', fy: 'number', cx: 'number', cy: 'number', distortion: 'list?' } as const;

/** A calibrated camera, in pixels, with OpenCV's distortion. */
export interface PixelCamera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  /** k1, k2, p1, p2, k3 (as OpenCV orders them); fewer stand for zeros. */
  distortion?: readonly number[];
}

const iterations = 20;

/**
 * Points (..., 2) in pixels as the camera would have seen them without distortion, with its centre in the middle of the
 * image and square pixels of the horizontal focal length: what the network was trained on. Returns new data. Throws
 * `ERR_ARGUMENT` for a camera that is none.
 */
export function undistortKeypoints(
  points: Float32Array,
  camera: PixelCamera,
  size: { width: number; height: number },
): Float32Array {
  checkArguments('undistortKeypoints', { points, camera, size }, 'Float32Array', CAMERA, {
    width: 'number',
    height: 'number',
  });
  const { fx, fy, cx, cy, distortion = [] } = camera;
  const numbers = [fx, fy, cx, cy, ...distortion];
  if (!(fx > 0 && fy > 0) || numbers.some((value) => !Number.isFinite(value)) || distortion.length > 5) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `camera: expected fx, fy, cx, cy and up to five of k1, k2, p1, p2, k3, got ${numbers.join(', ')}.`,
    );
  }
  const out = new Float32Array(points.length);
  for (let at = 0; at < points.length; at += 2) {
    const [x, y] = undistorted((points[at] - cx) / fx, (points[at + 1] - cy) / fy, distortion);
    out[at] = x * fx + size.width / 2;
    out[at + 1] = y * fx + size.height / 2;
  }
  return out;
}

/** The ray whose distorted image is (x, y), by fixed-point iteration; (x, y) itself where that runs away. */
function undistorted(x: number, y: number, distortion: readonly number[]): [number, number] {
  const [k1 = 0, k2 = 0, p1 = 0, p2 = 0, k3 = 0] = distortion;
  if (distortion.every((value) => value === 0)) return [x, y];
  let [u, v] = [x, y];
  for (let i = 0; i < iterations; i++) {
    const r2 = u * u + v * v;
    const radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3));
    const dx = 2 * p1 * u * v + p2 * (r2 + 2 * u * u);
    const dy = p1 * (r2 + 2 * v * v) + 2 * p2 * u * v;
    [u, v] = [(x - dx) / radial, (y - dy) / radial];
  }
  return Number.isFinite(u) && Number.isFinite(v) && Math.hypot(u, v) < 2 * Math.hypot(x, y) + 1 ? [u, v] : [x, y];
}
