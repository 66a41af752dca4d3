import type { Tensor, TensorData } from '../../base/tensor.js';
import { latin1 } from '../bytes/latin1.js';
import { MemoryBudget } from '../bytes/memory-budget.js';
import { decodeNumbers, type NumberType } from '../bytes/numbers.js';
import { formatError, printable, unsupportedError } from '../format-error.js';
import type { StringArray } from '../pickle/value.js';
import { declaredBytes, fromFortran } from './strided.js';

/** A NumPy element type: numbers, texts (`U` in UCS-4, `S` in bytes) or Python objects. */
export interface NumpyDtype {
  kind: 'number' | 'U' | 'S' | 'O';
  /** Which number; only for kind `number`. */
  number?: NumberType;
  itemBytes: number;
  littleEndian: boolean;
}

const NUMBERS = new Set(['b1', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8', 'f2', 'f4', 'f8']);

/** Reads NumPy's short form: `<f4`, `>i8`, `|b1`, `<U12`, `|O`; without an order sign it is little endian. */
export function parseDtype(text: string, where: string, offset?: number): NumpyDtype {
  const match = /^([<>=|]?)([a-zA-Z?])(\d*)$/.exec(text);
  if (!match) throw formatError(where, offset, 'a NumPy dtype such as "<f4"', printable(text));
  const [, order, letter, digits] = match;
  const littleEndian = order !== '>';
  const size = Number(digits);
  if (letter === '?') return { kind: 'number', number: 'b1', itemBytes: 1, littleEndian };
  if (letter === 'O') return { kind: 'O', itemBytes: 8, littleEndian };
  if ((letter === 'U' || letter === 'S') && Number.isSafeInteger(size * 4)) {
    return { kind: letter, itemBytes: letter === 'U' ? size * 4 : size, littleEndian };
  }
  const number = letter + digits;
  if (!NUMBERS.has(number)) throw unsupportedError(where, `arrays of dtype ${printable(text)} are not read`);
  return { kind: 'number', number: number as NumberType, itemBytes: size, littleEndian };
}

function decodeUcs4(bytes: Uint8Array, littleEndian: boolean, where: string): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const point = view.getUint32(at, littleEndian);
    if (point > 0x10ffff) throw formatError(where, undefined, 'a Unicode code point', `0x${point.toString(16)}`);
    text += String.fromCodePoint(point);
  }
  return text;
}

function decodeStrings(bytes: Uint8Array, dtype: NumpyDtype, count: number, where: string): string[] {
  new MemoryBudget(where, bytes.length).spend(count * 40 + bytes.length);
  const strings = new Array<string>(count);
  for (let i = 0; i < count; i++) {
    const item = bytes.subarray(i * dtype.itemBytes, (i + 1) * dtype.itemBytes);
    const text = dtype.kind === 'S' ? latin1(item) : decodeUcs4(item, dtype.littleEndian, where);
    let end = text.length;
    while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
    strings[i] = text.slice(0, end);
  }
  return strings;
}

/**
 * The raw bytes of an array, in memory order, as a row-major tensor or text array; a length that disagrees throws. Where the
 * bytes are `fresh`, nobody else's, the tensor may stand in their memory.
 */
export function decodeArray(
  bytes: Uint8Array,
  dtype: NumpyDtype,
  shape: readonly number[],
  fortran: boolean,
  where: string,
  offset?: number,
  fresh = false,
): Tensor<TensorData> | StringArray {
  const needed = declaredBytes(shape, dtype.itemBytes, where, offset);
  if (needed !== bytes.length) {
    throw formatError(where, offset, `${needed} bytes of data for shape (${shape.join(', ')})`, `${bytes.length}`);
  }
  if (dtype.number) {
    const data = decodeNumbers(bytes, dtype.number, dtype.littleEndian, fresh);
    return { data: fortran ? fromFortran(data, shape) : data, shape };
  }
  if (dtype.kind === 'O') throw unsupportedError(where, 'Python objects stand where numbers or texts are expected');
  const strings = decodeStrings(bytes, dtype, declaredBytes(shape, 1, where, offset), where);
  return { strings: fortran ? fromFortran(strings, shape) : strings, shape };
}
