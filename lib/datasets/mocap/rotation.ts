/** Row-major 3x3 rotation matrices in flat arrays: the little that motion capture and cameras need. */

/** Writes `a * b` to `out`; the arrays may be one, the places may not overlap (out with a or b). */
export function multiplyMatrices(
  out: Float64Array,
  outAt: number,
  a: Float64Array,
  aAt: number,
  b: Float64Array,
  bAt: number,
): void {
  for (let row = 0; row < 9; row += 3) {
    const x = a[aAt + row];
    const y = a[aAt + row + 1];
    const z = a[aAt + row + 2];
    out[outAt + row] = x * b[bAt] + y * b[bAt + 3] + z * b[bAt + 6];
    out[outAt + row + 1] = x * b[bAt + 1] + y * b[bAt + 4] + z * b[bAt + 7];
    out[outAt + row + 2] = x * b[bAt + 2] + y * b[bAt + 5] + z * b[bAt + 8];
  }
}

/** Replaces `matrix` by `matrix * R`, where R turns by `angle` (radians) about axis 0, 1 or 2 (x, y, z). */
export function turnAbout(matrix: Float64Array, at: number, axis: number, angle: number): void {
  const cosine = Math.cos(angle);
  const sine = Math.sin(angle);
  const first = at + ((axis + 1) % 3);
  const second = at + ((axis + 2) % 3);
  for (let row = 0; row < 9; row += 3) {
    const a = matrix[first + row];
    const b = matrix[second + row];
    matrix[first + row] = a * cosine + b * sine;
    matrix[second + row] = b * cosine - a * sine;
  }
}

/** Writes the identity matrix. */
export function setIdentity(matrix: Float64Array, at: number): void {
  for (let i = 0; i < 9; i++) matrix[at + i] = i % 4 === 0 ? 1 : 0;
}

/** Adds `matrix * (x, y, z)` to `out`. */
export function addTurned(
  out: Float64Array,
  outAt: number,
  matrix: Float64Array,
  at: number,
  x: number,
  y: number,
  z: number,
): void {
  for (let row = 0; row < 3; row++) {
    const m = at + row * 3;
    out[outAt + row] += matrix[m] * x + matrix[m + 1] * y + matrix[m + 2] * z;
  }
}
