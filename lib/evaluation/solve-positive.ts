import { PoseError } from '../base/pose-error.js';

/**
 * Solves A X = B for a symmetric positive definite A (n, n) and B (n, m), row-major, by Cholesky: A = L L^T, then forward
 * and back substitution. Both are overwritten; X comes back in B's memory. Throws `ERR_ARGUMENT` when A is not positive.
 */
export function solvePositive(a: Float64Array, b: Float64Array, n: number, m: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j];
      for (let k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      if (i === j && !(sum > 0)) {
        throw new PoseError(
          'ERR_ARGUMENT',
          `Least squares: the matrix is not positive definite (pivot ${i} is ${sum}).`,
        );
      }
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j];
    }
  }
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtractRow(b, i, k, a[i * n + k], m);
    divideRow(b, i, a[i * n + i], m);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) subtractRow(b, i, k, a[k * n + i], m);
    divideRow(b, i, a[i * n + i], m);
  }
  return b;
}

/** row i -= factor * row k */
function subtractRow(b: Float64Array, i: number, k: number, factor: number, m: number): void {
  for (let j = 0; j < m; j++) b[i * m + j] -= factor * b[k * m + j];
}

function divideRow(b: Float64Array, i: number, by: number, m: number): void {
  for (let j = 0; j < m; j++) b[i * m + j] /= by;
}
