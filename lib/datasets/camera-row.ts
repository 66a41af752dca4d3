import type { Intrinsics } from './pose-dataset.js';

/** (4): fx, fy, cx, cy. */
export function cameraRow({ fx, fy, cx, cy }: Intrinsics): Float32Array {
  return Float32Array.of(fx, fy, cx, cy);
}
