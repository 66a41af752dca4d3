import type { Intrinsics } from '../motion/camera.js';

/** Root mean square of what a fit may leave, in units of half the image's width: 0.2 % of the width. */
const MOST_LEFT = 0.004;

/**
 * The pinhole camera that 2D `keypoints` (T, J, 2) were projected with, found from the 3D `points` (T, J, 3) in its axes:
 * least squares of u = fx x / z + cx and v = fy y / z + cy, in the units of the keypoints (half the image's width).
 * `valid` (T) leaves frames out where it is 0. undefined where no such camera explains the keypoints.
 */
export function fitIntrinsics(
  keypoints: Float32Array,
  points: Float32Array,
  joints: number,
  valid?: Uint8Array,
): Intrinsics | undefined {
  const x = fitAxis(keypoints, points, 0, joints, valid);
  const y = fitAxis(keypoints, points, 1, joints, valid);
  return x && y && { fx: x.slope, fy: y.slope, cx: x.offset, cy: y.offset };
}

/** The line through (point[axis] / point[2], keypoint[axis]). */
function fitAxis(
  keypoints: Float32Array,
  points: Float32Array,
  axis: 0 | 1,
  joints: number,
  valid: Uint8Array | undefined,
): { slope: number; offset: number } | undefined {
  let [count, meanA, meanB, squareA, cross, squareB] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < points.length / 3; i++) {
    if (valid?.[Math.floor(i / joints)] === 0) continue;
    const a = points[3 * i + axis] / points[3 * i + 2];
    const b = keypoints[2 * i + axis];
    if (!(points[3 * i + 2] > 0 && Number.isFinite(a) && Number.isFinite(b))) return undefined;
    // Means and sums of squares about them, updated point by point: no difference of large sums.
    count++;
    const [fromA, fromB] = [a - meanA, b - meanB];
    meanA += fromA / count;
    meanB += fromB / count;
    squareA += fromA * (a - meanA);
    squareB += fromB * (b - meanB);
    cross += fromA * (b - meanB);
  }
  const slope = cross / squareA;
  const left = Math.sqrt(Math.max(0, squareB - slope * cross) / count);
  return slope > 0 && left <= MOST_LEFT ? { slope, offset: meanB - slope * meanA } : undefined;
}
