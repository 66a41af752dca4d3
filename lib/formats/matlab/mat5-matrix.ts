import type { TensorData } from '../../base/tensor.js';
import { latin1 } from '../bytes/latin1.js';
import type { MemoryBudget } from '../bytes/memory-budget.js';
import { bytesOf, decodeNumbers, encodeNumbers, type NumberType } from '../bytes/numbers.js';
import { formatError, printable, unsupportedError } from '../format-error.js';
import { declaredBytes, fromFortran } from '../numpy/strided.js';
import type { MatValue } from './mat-value.js';
import { MAT_MATRIX, type MatElement, MatElements } from './mat5-elements.js';

const DEEPEST_NESTING = 64;
const COMPLEX_FLAG = 0x08;
const CELL = 1;
const STRUCT = 2;
const CHAR = 4;
/** Objects of classes: laid out otherwise, without a shape. */
const OPAQUE = 17;

/** Stored number types by the element's type number. */
const ELEMENT_TYPES: Partial<Record<number, NumberType>> = {
  1: 'i1',
  2: 'u1',
  3: 'i2',
  4: 'u2',
  5: 'i4',
  6: 'u4',
  7: 'f4',
  9: 'f8',
  12: 'i8',
  13: 'u8',
};
const UTF8 = 16;
const UTF16 = 17;

type NumberArrayConstructor = new (length: number) => TensorData;

/** What each numeric class becomes, whatever narrower type its numbers are stored in. */
const CLASS_ARRAYS: Partial<Record<number, NumberArrayConstructor>> = {
  6: Float64Array,
  7: Float32Array,
  8: Int8Array,
  9: Uint8Array,
  10: Int16Array,
  11: Uint16Array,
  12: Int32Array,
  13: Uint32Array,
  14: BigInt64Array,
  15: BigUint64Array,
};

const REFUSED_CLASSES: Partial<Record<number, string>> = {
  3: 'an object',
  5: 'a sparse matrix',
  16: 'a function handle',
};

export interface MatVariable {
  name: string;
  value: MatValue;
}

/** Reads the matrix elements of one MATLAB 5 variable, and of the cells and fields inside it. */
export class MatMatrixReader {
  private readonly where: string;
  private readonly littleEndian: boolean;
  private readonly budget: MemoryBudget;

  constructor(where: string, littleEndian: boolean, budget: MemoryBudget) {
    this.where = where;
    this.littleEndian = littleEndian;
    this.budget = budget;
  }

  /** One variable; undefined when `wanted` does not name it. */
  read(element: MatElement, wanted?: readonly string[], depth = 0): MatVariable | undefined {
    const { where } = this;
    if (element.type !== MAT_MATRIX) throw formatError(where, element.offset, 'a matrix', `type ${element.type}`);
    if (depth > DEEPEST_NESTING) throw formatError(where, element.offset, `${DEEPEST_NESTING} levels at most`, 'more');
    this.budget.spend(400);
    // MATLAB writes an empty field or cell as a matrix without anything inside.
    if (element.data.length === 0) return { name: '', value: { data: new Float64Array(0), shape: [0, 0] } };
    const parts = new MatElements(element.data, this.littleEndian, where, element.offset);
    const flags = this.numbers(parts.next(), 'u4');
    if (flags.length !== 2) throw parts.error('the flags of a matrix', `${flags.length} numbers`);
    const matClass = Number(flags[0]) & 0xff;
    if (matClass === OPAQUE) {
      if (wanted) return undefined;
      throw unsupportedError(where, 'a variable is an object of a class, which is not read');
    }
    const shape = Array.from(this.numbers(parts.next(), 'i4'), Number);
    if (shape.length < 2) throw parts.error('two dimensions or more', `${shape.length}`);
    const count = declaredBytes(shape, 1, where, element.offset);
    const name = this.latin1(parts.next());
    if (wanted && !wanted.includes(name)) return undefined;
    const refused = REFUSED_CLASSES[matClass];
    if (refused) throw unsupportedError(where, `${printable(name)} is ${refused}, which is not read`);
    if ((Number(flags[0]) >>> 8) & COMPLEX_FLAG) {
      throw unsupportedError(where, `${printable(name)} is complex, which is not read`);
    }
    return { name, value: this.content(matClass, parts, shape, count, depth) };
  }

  private content(matClass: number, parts: MatElements, shape: number[], count: number, depth: number): MatValue {
    if (matClass === CELL) return { cells: fromFortran(this.values(parts, count, depth), shape), shape };
    if (matClass === STRUCT) return this.structs(parts, shape, count, depth);
    if (matClass === CHAR) return this.text(parts.next(), shape, count);
    const ClassArray = CLASS_ARRAYS[matClass];
    if (!ClassArray) throw parts.error('a class of matrix', `number ${matClass}`);
    const stored = this.numbers(parts.next());
    if (stored.length !== count) throw parts.error(`${count} numbers`, `${stored.length}`);
    return { data: fromFortran(convert(stored, ClassArray), shape), shape };
  }

  /** The values of `count` matrices without names of their own. */
  private values(parts: MatElements, count: number, depth: number): MatValue[] {
    if (count * 8 > parts.remaining) throw parts.error(`${count} matrices`, `${parts.remaining} bytes`);
    return Array.from({ length: count }, () => this.read(parts.next(), undefined, depth + 1)!.value);
  }

  private structs(parts: MatElements, shape: number[], count: number, depth: number): MatValue {
    const [nameBytes] = Array.from(this.numbers(parts.next(), 'i4'), Number);
    const namesElement = parts.next();
    const names: string[] = [];
    const fieldCount = namesElement.data.length / nameBytes;
    if (namesElement.data.length > 0 && !(nameBytes > 0 && Number.isSafeInteger(fieldCount))) {
      throw parts.error('field names of equal length', `${namesElement.data.length} bytes`);
    }
    for (let at = 0; at < namesElement.data.length; at += nameBytes) {
      this.budget.spend(100);
      names.push(textUntilZero(namesElement.data.subarray(at, at + nameBytes)));
    }
    if (names.length === 0 && count > 1) throw parts.error('a struct array with fields', 'none');
    this.budget.spend(count * (200 + 64 * names.length));
    const values = this.values(parts, count * names.length, depth);
    const structs = Array.from({ length: count }, (_, i) => {
      return new Map(names.map((name, field) => [name, values[i * names.length + field]]));
    });
    return { structs: fromFortran(structs, shape), shape };
  }

  private text(element: MatElement, shape: number[], count: number): MatValue {
    this.budget.spend(4 * element.data.length);
    let text: string;
    if (element.type === UTF8) text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(element.data);
    else {
      const stored = this.numbers(element.type === UTF16 ? { ...element, type: 4 } : element);
      text = new TextDecoder('utf-16le', { ignoreBOM: true }).decode(encodeNumbers(convert(stored, Uint16Array)));
    }
    if (shape[0] === 1 || count === 0) return text;
    if (shape.length > 2 || text.length !== count) {
      throw formatError(this.where, element.offset, `${count} characters in rows`, `${text.length}`);
    }
    const [rows, columns] = shape;
    const strings = Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (_, column) => text[column * rows + row]).join(''),
    );
    return { strings, shape: [rows] };
  }

  private numbers(element: MatElement, expected?: NumberType): TensorData {
    const type = ELEMENT_TYPES[element.type];
    if (!type || (expected && type !== expected) || element.data.length % bytesOf(type) !== 0) {
      throw formatError(this.where, element.offset, `numbers of type ${expected ?? 'any'}`, `type ${element.type}`);
    }
    return decodeNumbers(element.data, type, this.littleEndian);
  }

  private latin1(element: MatElement): string {
    return latin1(element.data);
  }
}

function textUntilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return latin1(end < 0 ? bytes : bytes.subarray(0, end));
}

function convert(stored: TensorData, Target: NumberArrayConstructor): TensorData {
  if (stored instanceof Target) return stored;
  const result = new Target(stored.length);
  const toBigint = result instanceof BigInt64Array || result instanceof BigUint64Array;
  for (let i = 0; i < stored.length; i++) {
    const value = stored[i];
    if (toBigint) result[i] = BigInt(typeof value === 'number' ? Math.trunc(value) || 0 : value);
    else result[i] = Number(value);
  }
  return result;
}
