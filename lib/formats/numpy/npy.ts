import { READ_OPTIONS } from '../../base/argument-kinds.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import { type ByteSource, memorySource, type PathOrBytes, withSource } from '../bytes/byte-source.js';
import { latin1 } from '../bytes/latin1.js';
import { checkLimit, type ReadOptions } from '../bytes/memory-budget.js';
import { formatError, printable, unsupportedError } from '../format-error.js';
import { pickledObjects } from '../pickle/pickle.js';
import type { ObjectArray, PickleValue, StringArray } from '../pickle/value.js';
import { decodeArray, type NumpyDtype, parseDtype } from './dtype.js';
import { declaredBytes } from './strided.js';

/** What one `.npy` holds: numbers, texts, or Python objects. Truth values are 0 and 1; float16 becomes float32. */
export type NpyValue = Tensor<TensorData> | StringArray | ObjectArray;

const MAGIC = '\x93NUMPY';
const LONGEST_HEADER = 1 << 20;

interface NpyHeader {
  dtype: NumpyDtype;
  fortran: boolean;
  shape: number[];
  dataOffset: number;
}

/** Reads the header's Python dict: the three keys in any order, nothing else. */
function parseHeader(text: string, where: string, offset: number): Omit<NpyHeader, 'dataOffset'> {
  if (/^\{.*['"]descr['"]\s*:\s*\[/s.test(text)) throw unsupportedError(where, 'structured arrays are not read');
  const found = new Map<string, string>();
  const entry = /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d\sL,]*\))\s*(,|\})/y;
  const bad = () => formatError(where, offset, 'a header with descr, fortran_order and shape', printable(text));
  entry.lastIndex = text.indexOf('{') + 1;
  let closed = false;
  while (!closed) {
    const match = entry.exec(text);
    if (!match || found.has(match[2])) throw bad();
    found.set(match[2], match[3]);
    closed = match[4] === '}' || /^\s*\}/.test(text.slice(entry.lastIndex));
  }
  const [descr, order, shapeText] = ['descr', 'fortran_order', 'shape'].map((key) => found.get(key) ?? '');
  const dense = shapeText.replace(/\s/g, '');
  const isShape = /^\((\d+L?(,\d+L?)*,?)?\)$/.test(dense) && !/[\dL]\s+[\dL]/.test(shapeText);
  if (!/^['"]/.test(descr) || !/^[TF]/.test(order) || !isShape) throw bad();
  const shape = (dense.match(/\d+/g) ?? []).map(Number);
  return { dtype: parseDtype(descr.slice(1, -1), where, offset), fortran: order === 'True', shape };
}

/** How many bytes of a `.npy` its header takes, as its first 12 say. */
export function npyHeaderBytes(lead: Uint8Array, where: string): number {
  const magic = latin1(lead.subarray(0, 6));
  if (lead.length < 10 || magic !== MAGIC) throw formatError(where, 0, 'the NumPy signature', printable(magic));
  const version = lead[6];
  if (version < 1 || version > 3) throw formatError(where, 6, 'version 1, 2 or 3', `${version}`);
  const start = version === 1 ? 10 : 12;
  const view = new DataView(lead.buffer, lead.byteOffset, lead.length);
  const length = version === 1 ? view.getUint16(8, true) : lead.length < 12 ? 0 : view.getUint32(8, true);
  if (length > LONGEST_HEADER) throw formatError(where, 8, `a header under ${LONGEST_HEADER} bytes`, `${length}`);
  return start + length;
}

/**
 * Checks the beginning of a `.npy` of `bytes` bytes against what its header declares, before the whole is read: throws
 * `ERR_FORMAT` where an array of numbers does not fill it. Returns whether it holds Python objects, which have no declared
 * size.
 */
export function checkNpyStart(start: Uint8Array, bytes: number, where: string): boolean {
  const source = memorySource(start, where);
  const { dtype, shape, dataOffset } = readHeader(source);
  if (dtype.kind === 'O') return true;
  const needed = declaredBytes(shape, dtype.itemBytes, where, dataOffset);
  if (dataOffset + needed !== bytes) {
    throw formatError(where, dataOffset, `${needed} bytes of data`, `${bytes - dataOffset}`);
  }
  return false;
}

function readHeader(source: ByteSource): NpyHeader {
  const { where } = source;
  const lead = source.read(0, Math.min(12, source.size));
  const dataOffset = npyHeaderBytes(lead, where);
  const start = lead[6] === 1 ? 10 : 12;
  const header = source.read(start, dataOffset - start);
  const text = lead[6] === 3 ? new TextDecoder().decode(header) : latin1(header);
  return { ...parseHeader(text, where, start), dataOffset };
}

/**
 * Reads a NumPy `.npy` (versions 1 to 3): numbers of every byte order in row-major form, texts, or Python objects
 * through the allow-list of {@link readPickle}. Throws `ERR_FORMAT` on rubbish, `ERR_UNSUPPORTED` for structured,
 * complex and date arrays, `ERR_LIMIT` over the limit.
 */
export function readNpy(source: PathOrBytes, options: ReadOptions = {}): NpyValue {
  checkArguments('readNpy', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readNpy', options, READ_OPTIONS);
  return withSource(source, options.where, (opened) => readNpyFrom(opened, options.limitBytes));
}

/** {@link readNpy} of an open source, whose numbers are read into the array itself: an hour of six people has 290 MB. */
export function readNpyFrom(source: ByteSource, limitBytes?: number): NpyValue {
  const { where } = source;
  const { dtype, fortran, shape, dataOffset } = readHeader(source);
  const rest = source.size - dataOffset;
  checkLimit(where, 'the array', Math.max(rest, declaredBytes(shape, dtype.itemBytes, where)), limitBytes);
  if (dtype.kind !== 'O') {
    const needed = declaredBytes(shape, dtype.itemBytes, where, dataOffset);
    if (needed !== rest) throw formatError(where, dataOffset, `${needed} bytes of data`, `${rest}`);
    return decodeArray(source.read(dataOffset, rest), dtype, shape, fortran, where, dataOffset, source.fresh);
  }
  const { objects } = openObjects(source, limitBytes)!;
  return { objects: [...objects], shape };
}

/** An array of Python objects that are made one after the other, once. */
export interface ObjectStream {
  shape: readonly number[];
  objects: Iterable<PickleValue>;
}

/** The objects of a `.npy`, none of which is held; undefined where it holds numbers or texts. */
export function openObjects(source: ByteSource, limitBytes?: number): ObjectStream | undefined {
  const { where } = source;
  const { dtype, shape, dataOffset } = readHeader(source);
  if (dtype.kind !== 'O') return undefined;
  const rest = source.size - dataOffset;
  checkLimit(where, 'the array', Math.max(rest, declaredBytes(shape, dtype.itemBytes, where)), limitBytes);
  return { shape, objects: pickledObjects(source.read(dataOffset, rest), shape, { where, startOffset: dataOffset }) };
}
