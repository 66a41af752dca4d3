import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { asFloat32 } from '../formats/bytes/numbers.js';
import { openNpz } from '../formats/numpy/npz.js';
import { isObjectArray, isTensor, type PickleValue } from '../formats/pickle/value.js';

/** A Python dict with texts as keys. */
export type PickledDict = ReadonlyMap<string, PickleValue>;

/** Reads the dict that an npz holds under `key` as a 0-d object array. Throws `ERR_DATASET` when it is something else. */
export function readPickledDict(path: string, key: string): PickledDict {
  const file = openNpz(path);
  try {
    const value = file.read(key);
    return asDict(isObjectArray(value) && value.shape.length === 0 ? value.objects[0] : null, `${path}: ${key}`);
  } finally {
    file.close();
  }
}

/** A value that must be a dict with texts as keys; `where` names it in the message. */
export function asDict(value: PickleValue | undefined, where: string): PickledDict {
  if (!(value instanceof Map)) {
    throw new PoseError('ERR_DATASET', `${where}: expected a dict, got ${describe(value)}.`);
  }
  for (const key of value.keys()) {
    if (typeof key !== 'string') {
      throw new PoseError('ERR_DATASET', `${where}: expected texts as keys, got ${describe(key)}.`);
    }
  }
  return value as Map<string, PickleValue>;
}

/** A value that must be a list or tuple, or an array of objects. */
export function asList(value: PickleValue | undefined, where: string): readonly PickleValue[] {
  if (Array.isArray(value)) return value;
  if (isObjectArray(value)) return value.objects;
  throw new PoseError('ERR_DATASET', `${where}: expected a list, got ${describe(value)}.`);
}

/** A value that must be an array of numbers whose last axes have these lengths (-1: any); float32. */
export function asFloats(value: PickleValue | undefined, tail: readonly number[], where: string): Tensor {
  const shape = isTensor(value) ? value.shape : [];
  const rank = tail.length;
  if (!isTensor(value) || shape.length !== rank || !tail.every((length, i) => length < 0 || length === shape[i])) {
    const wanted = tail.map((length) => (length < 0 ? 'any' : length)).join(', ');
    throw new PoseError('ERR_DATASET', `${where}: expected an array (${wanted}), got ${describe(value)}.`);
  }
  return asFloat32(value);
}

/** What a value is, for messages. */
export function describe(value: PickleValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (isTensor(value)) return `an array (${value.shape.join(', ')})`;
  if (isObjectArray(value)) return `an array of objects (${value.shape.join(', ')})`;
  if (value instanceof Map) return 'a dict';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : `a ${typeof value}`;
}
