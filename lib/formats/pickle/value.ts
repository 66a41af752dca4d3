import type { Tensor, TensorData } from '../../base/tensor.js';

/** An array of texts (NumPy's `U` and `S`), row-major. */
export interface StringArray {
  strings: string[];
  shape: readonly number[];
}

/** An array of Python objects (NumPy's `O`), row-major; a 0-d one holds a single object. */
export interface ObjectArray {
  objects: PickleValue[];
  shape: readonly number[];
}

/**
 * Everything that a pickle may hold here. None is `null`; an int is a number, or a bigint past 2^53; lists and tuples are
 * arrays; dicts are Maps; bytes and bytearrays are Uint8Array; NumPy arrays and PyTorch tensors are tensors.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Set<PickleValue>
  | Map<PickleValue, PickleValue>
  | Tensor<TensorData>
  | StringArray
  | ObjectArray;

/** Whether a value is an array of numbers. */
export function isTensor(value: unknown): value is Tensor<TensorData> {
  return typeof value === 'object' && value !== null && 'data' in value && 'shape' in value;
}

/** Whether a value is an array of texts. */
export function isStringArray(value: unknown): value is StringArray {
  return typeof value === 'object' && value !== null && 'strings' in value && 'shape' in value;
}

/** Whether a value is an array of Python objects. */
export function isObjectArray(value: unknown): value is ObjectArray {
  return typeof value === 'object' && value !== null && 'objects' in value && 'shape' in value;
}
