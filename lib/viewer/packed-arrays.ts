import { isArrayOf } from '../base/array-kind.js';
import { checkArguments } from '../base/check-arguments.js';

/** Numbers that a page gets in one piece: a JSON value and named arrays. */
export interface Packed<Value> {
  value: Value;
  arrays: ReadonlyMap<string, Float32Array | Uint8Array>;
}

interface Section {
  name: string;
  type: 'f32' | 'u8';
  length: number;
}

const magic = 0x56545350;
const headBytes = 8;

/**
 * Puts a value and arrays into one piece: "PSTV", the length of the JSON (uint32), the JSON, then the arrays one after the
 * other, each from a multiple of four bytes. Little-endian.
 */
export function packArrays<Value>(packed: Packed<Value>): Uint8Array<ArrayBuffer> {
  checkArguments('packArrays', { packed }, { arrays: 'Map' });
  const parts = packedParts(packed);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** {@link packArrays} in parts, of which the arrays are views: an hour of three people has 270 MB. */
export function packedParts<Value>({ value, arrays }: Packed<Value>): Uint8Array[] {
  const sections: Section[] = [...arrays].map(([name, data]) => ({
    name,
    type: isArrayOf('Uint8Array', data) ? 'u8' : 'f32',
    length: data.length,
  }));
  const json = new TextEncoder().encode(JSON.stringify({ value, sections }));
  const head = new Uint8Array(aligned(headBytes + json.length));
  const view = new DataView(head.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, json.length, true);
  head.set(json, headBytes);
  const parts = [head];
  for (const section of sections) {
    const { buffer, byteOffset, byteLength } = arrays.get(section.name)!;
    parts.push(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
    const padding = aligned(byteLength) - byteLength;
    if (padding > 0) parts.push(new Uint8Array(padding));
  }
  return parts;
}

/** The inverse of {@link packArrays}; the arrays are views of `packed`. Throws a plain error for other bytes. */
export function unpackArrays<Value>(packed: Uint8Array): Packed<Value> {
  checkArguments('unpackArrays', { packed }, 'Uint8Array');
  const { buffer, byteOffset, byteLength } = packed;
  const view = new DataView(buffer, byteOffset, byteLength);
  if (byteLength < headBytes || view.getUint32(0, true) !== magic) throw new Error('Expected packed arrays.');
  const length = view.getUint32(4, true);
  const json = new TextDecoder().decode(packed.subarray(headBytes, headBytes + length));
  const { value, sections } = JSON.parse(json) as { value: Value; sections: Section[] };
  const arrays = new Map<string, Float32Array | Uint8Array>();
  let at = byteOffset + aligned(headBytes + length);
  for (const section of sections) {
    const { name, type, length: count } = section;
    arrays.set(name, type === 'u8' ? new Uint8Array(buffer, at, count) : new Float32Array(buffer, at, count));
    at += aligned(bytesOf(section));
  }
  return { value, arrays };
}

function bytesOf({ type, length }: Section): number {
  return type === 'u8' ? length : length * 4;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
