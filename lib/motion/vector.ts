/** A point or a direction: x, y, z. */
export type Vector = readonly [number, number, number];

export function subtract(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

/** a + scale * b */
export function add(a: Vector, b: Vector, scale = 1): Vector {
  return [a[0] + scale * b[0], a[1] + scale * b[1], a[2] + scale * b[2]];
}

export function scaled(a: Vector, factor: number): Vector {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function length(a: Vector): number {
  return Math.sqrt(dot(a, a));
}

/** `a` with length 1, or `otherwise` where `a` is too short to have a direction. */
export function unit(a: Vector, otherwise: Vector): Vector {
  const size = length(a);
  return size > 1e-9 ? scaled(a, 1 / size) : otherwise;
}

/** The part of `a` that is square to the unit vector `axis`. */
export function squareTo(a: Vector, axis: Vector): Vector {
  return add(a, axis, -dot(a, axis));
}

/** Some unit vector square to the unit vector `a`. */
export function anySquare(a: Vector): Vector {
  return unit(squareTo(Math.abs(a[0]) < 0.6 ? [1, 0, 0] : [0, 1, 0], a), [0, 0, 1]);
}

/** Row `row` of points (n, 3). */
export function pointAt(points: Float32Array, row: number): Vector {
  return [points[3 * row], points[3 * row + 1], points[3 * row + 2]];
}
