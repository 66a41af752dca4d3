import type { Intrinsics } from '../datasets/pose-dataset.js';

/**
 * Where the root joint must be, (T, 3) metres in camera axes, for poses (T, J, 3) relative to it to project onto the
 * keypoints (T, J, 2), both normalised like `camera`: per frame the least squares of
 * (p + r)_x - u (p + r)_z = 0 and (p + r)_y - v (p + r)_z = 0 over the joints, with u = (x - cx) / fx, v = (y - cy) / fy.
 */
export function estimateRoot(
  poses: Float32Array,
  keypoints: Float32Array,
  joints: number,
  camera: Intrinsics,
): Float32Array {
  const frames = poses.length / (3 * joints);
  const root = new Float32Array(3 * frames);
  for (let frame = 0; frame < frames; frame++) {
    // Sums of u, v, u^2 + v^2, and of the right-hand sides a = u z - x, b = v z - y.
    let [u1, v1, square, a1, b1, cross] = [0, 0, 0, 0, 0, 0];
    for (let i = frame * joints; i < (frame + 1) * joints; i++) {
      const u = (keypoints[2 * i] - camera.cx) / camera.fx;
      const v = (keypoints[2 * i + 1] - camera.cy) / camera.fy;
      const a = u * poses[3 * i + 2] - poses[3 * i];
      const b = v * poses[3 * i + 2] - poses[3 * i + 1];
      u1 += u;
      v1 += v;
      square += u * u + v * v;
      a1 += a;
      b1 += b;
      cross += u * a + v * b;
    }
    // Normal equations: J x - u1 z = a1, J y - v1 z = b1, u1 x + v1 y - square z = cross.
    const spread = square - (u1 * u1 + v1 * v1) / joints;
    const z = spread > 0 ? ((u1 * a1 + v1 * b1) / joints - cross) / spread : 0;
    root.set([(a1 + u1 * z) / joints, (b1 + v1 * z) / joints, z], 3 * frame);
  }
  return root;
}
