/**
 * Largest eigenvalue and its unit eigenvector of a symmetric matrix (row-major, `size` x `size`, overwritten), by cyclic
 * Jacobi rotations: no start vector to choose, and equal or zero eigenvalues do no harm.
 */
export function largestEigenvector(matrix: Float64Array, size: number): { value: number; vector: Float64Array } {
  const vectors = new Float64Array(size * size);
  let norm = 0;
  for (let i = 0; i < size; i++) {
    vectors[i * size + i] = 1;
    for (let j = 0; j < size; j++) {
      norm += matrix[i * size + j] ** 2;
    }
  }
  const smallest = norm * 1e-32;
  // Convergence is quadratic: a handful of sweeps reaches the limit of double precision.
  for (let sweep = 0; sweep < 30 && offDiagonal(matrix, size) > smallest; sweep++) {
    for (let p = 0; p < size - 1; p++) {
      for (let q = p + 1; q < size; q++) {
        rotate(matrix, vectors, size, p, q);
      }
    }
  }
  let best = 0;
  for (let i = 1; i < size; i++) {
    if (matrix[i * size + i] > matrix[best * size + best]) {
      best = i;
    }
  }
  const vector = Float64Array.from({ length: size }, (_, i) => vectors[i * size + best]);
  return { value: matrix[best * size + best], vector };
}

function offDiagonal(matrix: Float64Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) {
      sum += 2 * matrix[i * size + j] ** 2;
    }
  }
  return sum;
}

/** One Jacobi rotation in the plane (p, q): element (p, q) becomes 0, the columns of `vectors` turn along. */
function rotate(matrix: Float64Array, vectors: Float64Array, size: number, p: number, q: number): void {
  const pq = matrix[p * size + q];
  if (pq === 0) {
    return;
  }
  const theta = (matrix[q * size + q] - matrix[p * size + p]) / (2 * pq);
  const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < size; k++) {
    turn(matrix, k * size + p, k * size + q, c, s);
    turn(vectors, k * size + p, k * size + q, c, s);
  }
  for (let k = 0; k < size; k++) {
    turn(matrix, p * size + k, q * size + k, c, s);
  }
}

function turn(values: Float64Array, i: number, j: number, c: number, s: number): void {
  const a = values[i];
  const b = values[j];
  values[i] = c * a - s * b;
  values[j] = s * a + c * b;
}
