import type { Intrinsics } from './camera.js';

/** Where a root joint was found, and how surely. */
export interface RootEstimate {
  /** (T, 3) metres, camera axes. */
  root: Float32Array;
  /** (T) metres: one standard deviation of the depth, from what is left of the equations. */
  depthDeviation: Float32Array;
}

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
  return estimateRootAndDeviation(poses, keypoints, joints, camera, weights).root;
}

/** {@link estimateRoot}, and how far its depth may be off. */
export function estimateRootAndDeviation(
  poses: Float32Array,
  keypoints: Float32Array,
  joints: number,
  camera: Intrinsics,
  weights?: Float32Array,
): RootEstimate {
  const frames = poses.length / (3 * joints);
  const root = new Float32Array(3 * frames);
  const depthDeviation = new Float32Array(frames);
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
    root.set([(a1 + u1 * z) / mass, (b1 + v1 * z) / mass, z], 3 * frame);
    // What is left of the 2 J equations, 2 J - 3 of them free, over the equations' hold on z.
    const left = Math.max(0, rest - (a1 * a1 + b1 * b1) / mass - spread * z * z);
    const free = Math.max(1, 2 * joints - 3);
    depthDeviation[frame] = spread > 0 ? Math.sqrt(left / free / spread) : Infinity;
  }
  return { root, depthDeviation };
}
