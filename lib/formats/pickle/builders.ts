import { isArrayOf } from '../../base/array-kind.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import type { ByteCursor } from '../bytes/byte-cursor.js';
import { latin1Bytes } from '../bytes/latin1.js';
import type { MemoryBudget } from '../bytes/memory-budget.js';
import { decodeArray, type NumpyDtype, parseDtype } from '../numpy/dtype.js';
import { declaredBytes } from '../numpy/strided.js';
import type { ObjectArray, StringArray } from './value.js';

/** Makes the error for arguments that do not fit. */
export type BadArguments = (expected: string) => Error;

/** What an allowed name does with its arguments. */
export type Builder = (args: unknown[], bad: BadArguments) => unknown;

/** The allow-list: full names, and what they make. */
export type Builders = Record<string, Builder>;

/** A dtype under construction: a pickle gives its byte order after it has named it. */
export class NumpyDtypeRecord {
  dtype: NumpyDtype;

  constructor(dtype: NumpyDtype) {
    this.dtype = dtype;
  }
}

/** Raw bytes, which Python 2 wrote as text. */
function rawBytes(value: unknown): Uint8Array | undefined {
  if (isArrayOf('Uint8Array', value)) return value;
  return typeof value === 'string' ? latin1Bytes(value) : undefined;
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((length) => typeof length === 'number');
}

/** NumPy's arrays, dtypes and scalars as a pickle spells them. */
export class PickledArrays {
  private readonly cursor: ByteCursor;
  private readonly budget: MemoryBudget;
  /** Arrays that were named but have not got their content yet. */
  private readonly unfilled = new WeakSet<object>();

  constructor(cursor: ByteCursor, budget: MemoryBudget) {
    this.cursor = cursor;
    this.budget = budget;
  }

  /** Counts memory that a builder takes. */
  spend(bytes: number): void {
    this.budget.spend(bytes);
  }

  dtype(args: unknown[], bad: BadArguments): NumpyDtypeRecord {
    const [text] = args;
    if (typeof text !== 'string') throw bad('the name of a dtype');
    return new NumpyDtypeRecord(parseDtype(text, this.cursor.where, this.cursor.offset));
  }

  /** An empty array that {@link setState} fills. */
  empty(): Tensor<TensorData> {
    const array = { data: new Uint8Array(0), shape: [0] };
    this.budget.spend(300);
    this.unfilled.add(array);
    return array;
  }

  /** Whether {@link empty} made an array that has not got its content yet. */
  isUnfilled(array: unknown): boolean {
    return typeof array === 'object' && array !== null && this.unfilled.has(array);
  }

  /** An array out of its raw bytes, shape and dtype. */
  decode(raw: unknown, dtype: unknown, shape: unknown, fortran: boolean): Tensor<TensorData> | StringArray {
    const bytes = rawBytes(raw);
    if (!bytes || !(dtype instanceof NumpyDtypeRecord) || !isShape(shape)) {
      throw this.cursor.error('bytes, dtype and shape of an array', 'something else');
    }
    this.budget.spend(300 + bytes.length);
    return decodeArray(bytes, dtype.dtype, shape, fortran, this.cursor.where, this.cursor.offset);
  }

  scalar(args: unknown[], bad: BadArguments): unknown {
    const [dtype, raw] = args;
    if (!(dtype instanceof NumpyDtypeRecord) || dtype.dtype.kind === 'O') throw bad('a number or a text');
    const array = this.decode(raw, dtype, [], false);
    if ('strings' in array) return array.strings[0];
    const value = array.data[0];
    if (dtype.dtype.number === 'b1') return value !== 0;
    return typeof value === 'bigint' && BigInt.asIntN(54, value) === value ? Number(value) : value;
  }

  /** What BUILD does: a dtype learns its byte order, an array its shape, dtype and content. */
  setState(target: unknown, state: unknown): void {
    if (target instanceof NumpyDtypeRecord && Array.isArray(state)) {
      const [, order, subarray, names] = state;
      if (subarray !== null || names !== null) throw this.cursor.error('a plain dtype', 'a structured one');
      target.dtype = { ...target.dtype, littleEndian: order !== '>' };
      return;
    }
    if (!this.isUnfilled(target) || !Array.isArray(state) || state.length !== 5) {
      throw this.cursor.error('an array or dtype to fill', 'something else');
    }
    const [, shape, dtype, fortran, content] = state;
    this.unfilled.delete(target as object);
    const array = target as Partial<Tensor<TensorData> & ObjectArray>;
    if (!(dtype instanceof NumpyDtypeRecord) || dtype.dtype.kind !== 'O') {
      delete array.data;
      Object.assign(array, this.decode(content, dtype, shape, fortran === true || fortran === 1));
      return;
    }
    const { where, offset } = this.cursor;
    if (!isShape(shape) || !Array.isArray(content) || declaredBytes(shape, 1, where, offset) !== content.length) {
      throw this.cursor.error('as many objects as the array has places', 'another number');
    }
    delete array.data;
    // NumPy lists objects row by row whatever the array's order in memory.
    Object.assign(array, { objects: content, shape });
  }
}

/** Names that stand for themselves and are never called. */
function notCalled(_: unknown[], bad: BadArguments): never {
  throw bad('this name only as an argument');
}

/** The plain containers and NumPy's arrays under all names that Python 2 and 3 and NumPy 1 and 2 give them. */
export function builtinBuilders(arrays: PickledArrays): Builders {
  const items = (args: unknown[], bad: BadArguments): unknown[] => {
    if (args.length === 0) return [];
    if (args.length > 1 || !Array.isArray(args[0])) throw bad('one list of items');
    return args[0];
  };
  const bytes: Builder = (args, bad) => {
    const [text, encoding] = args;
    if (args.length === 0) return new Uint8Array(0);
    if (isArrayOf('Uint8Array', text) && args.length === 1) return text;
    if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) throw bad('latin1 text');
    const raw = rawBytes(text)!;
    arrays.spend(raw.length);
    return raw;
  };
  const set: Builder = (args, bad) => new Set(items(args, bad));
  const orderedDict: Builder = (args, bad) => {
    const pairs = items(args, bad);
    if (!pairs.every((pair): pair is [unknown, unknown] => Array.isArray(pair) && pair.length === 2)) {
      throw bad('pairs of key and value');
    }
    return new Map(pairs);
  };
  const builders: Builders = {
    'collections.OrderedDict': orderedDict,
    '_codecs.encode': bytes,
    'numpy.dtype': (args, bad) => arrays.dtype(args, bad),
    'numpy.ndarray': notCalled,
  };
  for (const module of ['builtins', '__builtin__']) {
    builders[`${module}.set`] = set;
    builders[`${module}.frozenset`] = set;
    builders[`${module}.bytes`] = bytes;
    builders[`${module}.bytearray`] = bytes;
  }
  for (const core of ['numpy.core', 'numpy._core']) {
    builders[`${core}.multiarray._reconstruct`] = () => arrays.empty();
    builders[`${core}.multiarray.scalar`] = (args, bad) => arrays.scalar(args, bad);
    builders[`${core}.numeric._frombuffer`] = ([raw, dtype, shape, order]) =>
      arrays.decode(raw, dtype, shape, order === 'F');
  }
  return builders;
}
