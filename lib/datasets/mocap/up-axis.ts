/** Directions of a file that may point up. */
export const upAxes = ['x', 'y', 'z', '-x', '-y', '-z'] as const;

export type UpAxis = (typeof upAxes)[number];

const JOINTS = 17;
/** Places among Human3.6M's 17 joints. */
const [HEAD, RIGHT_ANKLE, LEFT_ANKLE] = [10, 3, 6];
/** Frames looked at; people stand in most of them. */
const samples = 200;
/** Share of the frames in which the head must be over the feet for an axis other than y to count as up. */
const clear = 0.6;

/**
 * The axis along which heads are over feet in most frames of poses (T, 17, 3); y where none is clear, as in somebody who lies.
 */
export function findUp(poses: Float32Array): UpAxis {
  const frames = poses.length / (JOINTS * 3);
  const step = Math.max(1, Math.floor(frames / samples));
  const votes = new Map<UpAxis, number>();
  let counted = 0;
  for (let frame = 0; frame < frames; frame += step) {
    const at = (joint: number, axis: number) => poses[(frame * JOINTS + joint) * 3 + axis];
    const rise = [0, 1, 2].map((axis) => at(HEAD, axis) - (at(RIGHT_ANKLE, axis) + at(LEFT_ANKLE, axis)) / 2);
    if (rise.some(Number.isNaN)) continue;
    const sizes = rise.map(Math.abs);
    const axis = sizes.indexOf(Math.max(sizes[0], sizes[1], sizes[2]));
    const name = upAxes[axis + (rise[axis] < 0 ? 3 : 0)];
    votes.set(name, (votes.get(name) ?? 0) + 1);
    counted++;
  }
  const [first] = [...votes].sort((a, b) => b[1] - a[1]);
  return first !== undefined && first[1] > clear * counted ? first[0] : 'y';
}

/** Turns points (n, 3) of a file whose `up` axis points up so that y does. */
export function turnUp(points: Float32Array, up: UpAxis): void {
  if (up === 'y') return;
  const axis = 'xyz'.indexOf(up.slice(-1));
  const sign = up.startsWith('-') ? -1 : 1;
  for (let i = 0; i < points.length; i += 3) {
    const [x, y, z] = [points[i], points[i + 1], points[i + 2]];
    // Rotations, never mirrors: the sign of the axis that takes y's place changes.
    if (axis === 0) points.set([-sign * y, sign * x, z], i);
    else if (axis === 2) points.set([x, sign * z, -sign * y], i);
    else points.set([x, -y, -z], i);
  }
}
