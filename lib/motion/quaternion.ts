import { add, anySquare, cross, dot, squareTo, type Vector } from './vector.js';

/** A unit quaternion x, y, z, w: a rotation. */
export type Quaternion = readonly [number, number, number, number];

export const identity: Quaternion = [0, 0, 0, 1];

/** First `b`, then `a`; of length 1 again whatever was lost to rounding. */
export function multiply(a: Quaternion, b: Quaternion): Quaternion {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return normalized([
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ]);
}

export function inverse([x, y, z, w]: Quaternion): Quaternion {
  return [-x, -y, -z, w];
}

export function rotate(q: Quaternion, v: Vector): Vector {
  const axis: Vector = [q[0], q[1], q[2]];
  const t = cross(axis, v);
  return add(add(v, t, 2 * q[3]), cross(axis, t), 2);
}

/** Turns by `angle` (radians) about the unit vector `axis`. */
export function aboutAxis(axis: Vector, angle: number): Quaternion {
  const sine = Math.sin(angle / 2);
  return [axis[0] * sine, axis[1] * sine, axis[2] * sine, Math.cos(angle / 2)];
}

/** The shortest rotation that takes the unit vector `from` to the unit vector `to`. */
export function shortestArc(from: Vector, to: Vector): Quaternion {
  const w = 1 + dot(from, to);
  if (w < 1e-9) return aboutAxis(anySquare(from), Math.PI);
  const axis = cross(from, to);
  return normalized([axis[0], axis[1], axis[2], w]);
}

/** The rotation that takes the unit vector `from` exactly to `to`, and `fromSide` to the side of `toSide`. */
export function twoAxes(from: Vector, fromSide: Vector, to: Vector, toSide: Vector): Quaternion {
  const swing = shortestArc(from, to);
  return multiply(aboutAxis(to, angleAbout(to, rotate(swing, fromSide), toSide)), swing);
}

/** The angle, -pi to pi, by which `from` turns about the unit vector `axis` to lie on the side of `to`. */
export function angleAbout(axis: Vector, from: Vector, to: Vector): number {
  const a = squareTo(from, axis);
  const b = squareTo(to, axis);
  return Math.atan2(dot(axis, cross(a, b)), dot(a, b));
}

/** `q` or -q, the same rotation, whichever lies on the side of `near`: interpolation between the two is then short. */
export function onSideOf(q: Quaternion, near: Quaternion): Quaternion {
  const cosine = q[0] * near[0] + q[1] * near[1] + q[2] * near[2] + q[3] * near[3];
  return cosine < 0 ? [-q[0], -q[1], -q[2], -q[3]] : q;
}

/** The angle of the rotation from `a` to `b`, 0 to pi. */
export function angleBetween(a: Quaternion, b: Quaternion): number {
  const [x, y, z, w] = multiply(inverse(a), b);
  return 2 * Math.atan2(Math.hypot(x, y, z), Math.abs(w));
}

/** Angles about z, x and y (radians) with q = Rz Rx Ry: the order of most BVH files. x lies in -pi/2 to pi/2. */
export function anglesZxy([x, y, z, w]: Quaternion): Vector {
  const sine = Math.max(-1, Math.min(1, 2 * (y * z + x * w)));
  const aboutX = Math.asin(sine);
  if (Math.abs(sine) > 1 - 1e-9) {
    // Looking along the pole, z and y turn about one axis: all of it is given to z.
    return [Math.atan2(2 * (x * y + z * w), 1 - 2 * (y * y + z * z)), aboutX, 0];
  }
  return [
    Math.atan2(2 * (z * w - x * y), 1 - 2 * (x * x + z * z)),
    aboutX,
    Math.atan2(2 * (y * w - x * z), 1 - 2 * (x * x + y * y)),
  ];
}

function normalized([x, y, z, w]: Quaternion): Quaternion {
  const size = Math.sqrt(x * x + y * y + z * z + w * w);
  return [x / size, y / size, z / size, w / size];
}
