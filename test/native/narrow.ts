import { readFileSync } from 'node:fs';
import type { OpTensors } from '../../binding.js';
import type { OpCase } from './op-case.js';

/** To nearest, ties to even: the upper half of a float32. */
export function toBrainFloat(values: Float32Array): Uint16Array {
  const words = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16);
}

export function fromBrainFloat(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half * 0x10000).buffer);
}

const header = readFileSync(new URL('../../native/ops/operations.h', import.meta.url), 'utf8');

/** The arrays of an operation that a device may keep in bfloat16: its fields of type Activations in native/ops/operations.h. */
export function narrowFields(op: string): string[] {
  const struct = new RegExp(`struct ${op[0].toUpperCase()}${op.slice(1)} \\{([\\s\\S]*?)\\n\\};`).exec(header);
  if (struct === null) throw new Error(`operations.h has no struct for ${op}.`);
  return [...struct[1].matchAll(/^ {2}(?:Const)?Activations (\w+)/gm)].map(([, name]) => name);
}

/**
 * Which arrays to narrow, one list a run: all that may be, and all but each one. An array under several names goes as one, and stays
 * float32 where one of the names must.
 */
export function narrowings({ op, arrays, cancels }: OpCase): string[][] {
  if (cancels) return [];
  const fields = narrowFields(op);
  const byArray = new Map<unknown, string[]>();
  for (const [name, array] of Object.entries(arrays())) byArray.set(array, [...(byArray.get(array) ?? []), name]);
  const groups = [...byArray.values()].filter((names) => names.every((name) => fields.includes(name)));
  if (groups.length === 0) return [];
  const others = groups.length > 1 ? groups.map((left) => groups.filter((group) => group !== left).flat()) : [];
  return [groups.flat(), ...others];
}

/** The arrays with those of `names` in bfloat16; one array under two names stays one. */
export function narrowed(tensors: OpTensors, names: readonly string[]): OpTensors {
  const known = new Map<unknown, Uint16Array>();
  const entries = Object.entries(tensors).map(([name, array]) => {
    if (!names.includes(name)) return [name, array] as const;
    const bits = known.get(array) ?? toBrainFloat(array as Float32Array);
    known.set(array, bits);
    return [name, bits] as const;
  });
  return Object.fromEntries(entries);
}

/** All arrays as numbers. */
export function widened(tensors: OpTensors): OpTensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, array]) => [
      name,
      array instanceof Uint16Array ? fromBrainFloat(array) : array,
    ]),
  );
}
