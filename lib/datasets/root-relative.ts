/** Splits poses (T, J, 3) into the root joint's path (T, 3) and poses relative to it, whose root row is 0. */
export function relativeTo(
  root: number,
  points: Float32Array,
  joints: number,
): { poses: Float32Array; root: Float32Array } {
  const frames = points.length / (3 * joints);
  const path = new Float32Array(frames * 3);
  const poses = new Float32Array(points.length);
  for (let frame = 0; frame < frames; frame++) {
    const first = frame * joints * 3;
    path.set(points.subarray(first + 3 * root, first + 3 * root + 3), 3 * frame);
    for (let i = 0; i < joints * 3; i++) {
      poses[first + i] = points[first + i] - path[3 * frame + (i % 3)];
    }
  }
  return { poses, root: path };
}
