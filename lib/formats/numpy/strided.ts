import type { TensorData } from '../../base/tensor.js';
import { formatError } from '../format-error.js';

/**
 * Product of a shape that a file declares, times `itemBytes`; throws `ERR_FORMAT` for a length that is negative or not a
 * whole number, for more than 64 dimensions and for a product over 2^53.
 */
export function declaredBytes(shape: readonly number[], itemBytes: number, where: string, offset?: number): number {
  let product = itemBytes;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) {
      throw formatError(where, offset, 'a shape of whole numbers', `a length of ${length}`);
    }
    product *= length;
  }
  if (shape.length > 64 || !Number.isSafeInteger(product)) {
    throw formatError(where, offset, 'a shape that fits a file', `${shape.length} dimensions, ${product} bytes`);
  }
  return product;
}

/** Strides in elements of a dense array: last dimension fastest, or first (`fortran`). */
export function denseStrides(shape: readonly number[], fortran = false): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = 0; i < shape.length; i++) {
    const axis = fortran ? i : shape.length - 1 - i;
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/** The elements at `offset + index . strides` as a new row-major array. The caller has checked that they all lie inside. */
export function gatherStrided<Data extends TensorData | unknown[]>(
  data: Data,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Data {
  const count = shape.reduce((product, length) => product * length, 1);
  const Target = data.constructor as new (length: number) => Data;
  const result = new Target(count);
  const index = new Array<number>(shape.length).fill(0);
  let from = offset;
  for (let to = 0; to < count; to++) {
    result[to] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

/** A first-dimension-fastest array as a row-major one; one-dimensional data comes back itself. */
export function fromFortran<Data extends TensorData | unknown[]>(data: Data, shape: readonly number[]): Data {
  const long = shape.filter((length) => length !== 1).length;
  return long < 2 ? data : gatherStrided(data, shape, denseStrides(shape, true));
}
