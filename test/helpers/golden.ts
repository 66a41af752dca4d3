import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tensor, TensorData } from '../../lib/base/tensor.js';
import { asFloat32 } from '../../lib/formats/bytes/numbers.js';
import { readNpz } from '../../lib/formats/numpy/npz.js';
import { isTensor } from '../../lib/formats/pickle/value.js';

const folder = new URL('../fixtures/goldens/', import.meta.url);

/** The arrays of one golden case as stored: float32 mostly, losses and sums float64, masks one byte each. */
export function loadGolden(name: string): Map<string, Tensor<TensorData>> {
  const arrays = readNpz(fileURLToPath(new URL(`${name}.npz`, folder)));
  return new Map(
    [...arrays].map(([key, value]) => {
      if (!isTensor(value)) throw new Error(`Golden ${name}: ${key} is no array of numbers.`);
      return [key, value];
    }),
  );
}

/** One array of a golden as float32; fails where there is none of that name. */
export function goldenTensor(golden: ReadonlyMap<string, Tensor<TensorData>>, key: string): Tensor {
  const value = golden.get(key);
  if (!value) throw new Error(`The golden has no array ${key}, only ${[...golden.keys()].join(', ')}.`);
  return asFloat32(value);
}

/** What `index.json` says about a case: shapes, settings, what each array is. */
export function goldenAbout(name: string): Record<string, unknown> {
  const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as Record<
    string,
    Record<string, unknown>
  >;
  return index[name];
}
