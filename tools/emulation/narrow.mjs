// Arrays in bfloat16 for the operation cases: which may be, and the way there and back.
import { addon } from './addon.mjs';

/** @typedef {import('../../binding.js').OpTensors} OpTensors */

/**
 * To nearest, ties to even: the upper half of a float32.
 * @param {Float32Array} values
 */
export function toBrainFloat(values) {
  const words = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
}

function fromBrainFloat(bits) {
  return new Float32Array(Uint32Array.from(bits, (half) => half * 0x10000).buffer);
}

/**
 * The arrays of an operation that a device may keep in bfloat16.
 * @param {string} op
 * @returns {string[]}
 */
export function narrowFields(op) {
  const arrays = Object.entries(addon().describeOps()[op]);
  return arrays.filter(([, { narrow }]) => narrow).map(([name]) => name);
}

/**
 * Which arrays of a case to narrow, one list a run: all that may be, and all but each one. An array under several names goes as one, and
 * stays float32 where one of the names must.
 * @param {Pick<import('../../test/native/op-case.js').OpCase, 'op' | 'arrays' | 'cancels'>} opCase
 * @returns {string[][]}
 */
export function narrowings({ op, arrays, cancels }) {
  if (cancels) return [];
  const fields = narrowFields(op);
  const byArray = new Map();
  for (const [name, array] of Object.entries(arrays())) byArray.set(array, [...(byArray.get(array) ?? []), name]);
  const groups = [...byArray.values()].filter((names) => names.every((name) => fields.includes(name)));
  if (groups.length === 0) return [];
  const others = groups.length > 1 ? groups.map((left) => groups.filter((group) => group !== left).flat()) : [];
  return [groups.flat(), ...others];
}

/**
 * The arrays with those of `names` in bfloat16; one array under two names stays one.
 * @param {OpTensors} tensors
 * @param {readonly string[]} names
 * @returns {OpTensors}
 */
export function narrowed(tensors, names) {
  const known = new Map();
  const entries = Object.entries(tensors).map(([name, array]) => {
    if (!names.includes(name)) return [name, array];
    if (!known.has(array)) known.set(array, toBrainFloat(array));
    return [name, known.get(array)];
  });
  return Object.fromEntries(entries);
}

/**
 * All arrays as numbers.
 * @param {OpTensors} tensors
 * @returns {OpTensors}
 */
export function widened(tensors) {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, array]) => [
      name,
      array instanceof Uint16Array ? fromBrainFloat(array) : array,
    ]),
  );
}
