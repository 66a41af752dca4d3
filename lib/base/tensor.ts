import { checkArguments } from './check-arguments.js';
import { PoseError } from './pose-error.js';

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** A dense row-major array with an explicit shape: `data.length` is the product of `shape`. */
export interface Tensor<Data extends TensorData = Float32Array> {
  data: Data;
  shape: readonly number[];
}

/** Product of a shape; 1 for a scalar (`[]`). */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Puts `data` and `shape` together; throws `ERR_ARGUMENT` when they disagree. */
export function tensor<Data extends TensorData>(data: Data, shape: readonly number[]): Tensor<Data> {
  checkArguments('tensor', { shape }, 'list');
  if (data.length !== sizeOf(shape)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `A tensor of shape (${shape.join(', ')}) holds ${sizeOf(shape)} values, but ${data.length} came.`,
    );
  }
  return { data, shape };
}

/** One array after the other, as one. */
export function joined<Data extends Float32Array | Uint8Array>(
  type: new (length: number) => Data,
  parts: readonly Data[],
): Data {
  const all = new type(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
