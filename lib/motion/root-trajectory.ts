import { median } from '../base/statistics.js';
import type { Intrinsics } from './camera.js';

/** Where a root joint was found, and how surely. */
export interface RootEstimate {
  /** (T, 3) metres, camera axes. */
  root: Float32Array;
  /** (T) metres: one standard deviation of the depth that a frame by itself has, from what is left of its equations. */
  depthDeviation: Float32Array;
}

/** How much people speed up and slow down along the line of sight, metres a second squared (standard deviation). */
const acceleration = 2;

/**
 * Where the root joint must be, (T, 3) metres in camera axes, for poses (T, J, 3) relative to it to project onto the
 * keypoints (T, J, 2), both in the units of `camera`: per frame the least squares of
 * (p + r)_x - u (p + r)_z = 0 and (p + r)_y - v (p + r)_z = 0 over the joints, with u = (x - cx) / fx, v = (y - cy) / fy,
 * each joint with its weight (T, J).
 */
export function estimateRoot(
  poses: Float32Array,
  keypoints: Float32Array,
  joints: number,
  camera: Intrinsics,
  weights?: Float32Array,
): Float32Array {
  return estimateRootPath(poses, keypoints, joints, camera, { weights }).root;
}

/**
 * {@link estimateRoot}, and how far its depth may be off. With a frame rate the depths of a clip are found together, since a frame by
 * itself hardly fixes its own: sum ((z - z_frame) / deviation)^2 + sum (z'' / acceleration)^2 is least, and each frame's x and y go
 * with its z as the keypoints ask.
 */
export function estimateRootPath(
  poses: Float32Array,
  keypoints: Float32Array,
  joints: number,
  camera: Intrinsics,
  { weights, fps }: { weights?: Float32Array; fps?: number } = {},
): RootEstimate {
  const frames = poses.length / (3 * joints);
  const root = new Float32Array(3 * frames);
  const depthDeviation = new Float32Array(frames);
  /** x and y of the root are a line in its z: where it meets z = 0, and its slopes. */
  const lines = new Float64Array(4 * frames);
  for (let frame = 0; frame < frames; frame++) {
    // Weighted sums of 1, u, v, u^2 + v^2, and of the right-hand sides a = u z - x, b = v z - y.
    let [mass, u1, v1, square, a1, b1, cross, rest] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let i = frame * joints; i < (frame + 1) * joints; i++) {
      const weight = weights === undefined ? 1 : weights[i];
      const u = (keypoints[2 * i] - camera.cx) / camera.fx;
      const v = (keypoints[2 * i + 1] - camera.cy) / camera.fy;
      const a = u * poses[3 * i + 2] - poses[3 * i];
      const b = v * poses[3 * i + 2] - poses[3 * i + 1];
      mass += weight;
      u1 += weight * u;
      v1 += weight * v;
      square += weight * (u * u + v * v);
      a1 += weight * a;
      b1 += weight * b;
      cross += weight * (u * a + v * b);
      rest += weight * (a * a + b * b);
    }
    if (!(mass > 0)) continue;
    // Normal equations: J x - u1 z = a1, J y - v1 z = b1, u1 x + v1 y - square z = cross.
    const spread = square - (u1 * u1 + v1 * v1) / mass;
    const z = spread > 0 ? ((u1 * a1 + v1 * b1) / mass - cross) / spread : 0;
    root[3 * frame + 2] = z;
    lines.set([a1 / mass, u1 / mass, b1 / mass, v1 / mass], 4 * frame);
    // What is left of the 2 J equations, 2 J - 3 of them free, over the equations' hold on z.
    const left = Math.max(0, rest - (a1 * a1 + b1 * b1) / mass - spread * z * z);
    const free = Math.max(1, 2 * joints - 3);
    depthDeviation[frame] = spread > 0 ? Math.sqrt(left / free / spread) : Infinity;
  }
  if (fps !== undefined) smoothDepth(root, depthDeviation, fps);
  for (let frame = 0; frame < frames; frame++) {
    const [x0, xz, y0, yz] = lines.subarray(4 * frame, 4 * frame + 4);
    const z = root[3 * frame + 2];
    root.set([x0 + xz * z, y0 + yz * z], 3 * frame);
  }
  return { root, depthDeviation };
}

/** Finds the depths of `root` (T, 3) together; a frame without keypoints gets its neighbours'. */
function smoothDepth(root: Float32Array, deviation: Float32Array, fps: number): void {
  const frames = deviation.length;
  const known = Array.from(deviation, (value) => (value > 0 && Number.isFinite(value) ? value : undefined));
  const usual = median(known.filter((value) => value !== undefined));
  if (frames < 3 || !(usual > 0)) return;
  // Normal equations: a symmetric matrix of two bands beside its diagonal, and the right-hand side.
  const bands = [0, 1, 2].map(() => new Float64Array(frames));
  const depth = new Float64Array(frames);
  for (let frame = 0; frame < frames; frame++) {
    const sigma = known[frame];
    const weight = sigma === undefined ? 0 : 1 / Math.max(sigma, usual / 2) ** 2;
    bands[0][frame] = weight;
    depth[frame] = weight * root[3 * frame + 2];
  }
  const stiff = (fps * fps) / acceleration;
  const second = [stiff, -2 * stiff, stiff];
  for (let frame = 0; frame + 2 < frames; frame++) {
    for (let i = 0; i < 3; i++) {
      for (let j = i; j < 3; j++) bands[j - i][frame + i] += second[i] * second[j];
    }
  }
  solveBanded(bands, depth);
  for (let frame = 0; frame < frames; frame++) root[3 * frame + 2] = depth[frame];
}

/** Solves A x = b for a positive definite A of two bands beside its diagonal (`bands[k][i]` is A[i][i + k]); x comes back in b's memory. */
function solveBanded([diagonal, first, second]: Float64Array[], b: Float64Array): void {
  const size = b.length;
  // A = L D L^T, row by row: L's entries are the bands over their pivot.
  for (let i = 0; i < size; i++) {
    const [f, s] = [first[i] / diagonal[i], second[i] / diagonal[i]];
    if (i + 1 < size) {
      diagonal[i + 1] -= f * first[i];
      first[i + 1] -= f * second[i];
      b[i + 1] -= f * b[i];
    }
    if (i + 2 < size) {
      diagonal[i + 2] -= s * second[i];
      b[i + 2] -= s * b[i];
    }
    first[i] = f;
    second[i] = s;
  }
  for (let i = size - 1; i >= 0; i--) {
    b[i] /= diagonal[i];
    if (i + 1 < size) b[i] -= first[i] * b[i + 1];
    if (i + 2 < size) b[i] -= second[i] * b[i + 2];
  }
}
