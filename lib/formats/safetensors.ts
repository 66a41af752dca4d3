import { READ_OPTIONS } from '../base/argument-kinds.js';
import { entriesOf } from '../base/array-kind.js';
import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { parseJsonText } from '../base/json-text.js';
import { withMemoryErrors } from '../base/memory-error.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor, TensorData } from '../base/tensor.js';
import { type ByteSource, openSource, type PathOrBytes } from './bytes/byte-source.js';
import { encodeHalf } from './bytes/half.js';
import { checkLimit, MemoryBudget, type ReadOptions } from './bytes/memory-budget.js';
import { bytesOf, decodeNumbers, encodeNumbers, type NumberType, storedTypeOf } from './bytes/numbers.js';
import { writeAtomically } from './files/atomic-file.js';
import { formatError, printable, unsupportedError } from './format-error.js';
import { declaredBytes } from './numpy/strided.js';

/** How safetensors names its number types. */
const TYPES: Record<string, NumberType> = {
  BOOL: 'b1',
  U8: 'u1',
  I8: 'i1',
  U16: 'u2',
  I16: 'i2',
  F16: 'f2',
  BF16: 'bf2',
  U32: 'u4',
  I32: 'i4',
  F32: 'f4',
  U64: 'u8',
  I64: 'i8',
  F64: 'f8',
};

const NAMES = new Map(Object.entries(TYPES).map(([name, type]) => [type, name]));
const METADATA_KEY = '__metadata__';
const LONGEST_HEADER = 100_000_000;
const SHORT_HEADER = 1_000_000;
const PIECE_BYTES = 4 << 20;
/** A half holds no larger number. */
const LARGEST_HALF = 65504;

/** One tensor as the header lists it. */
export interface SafetensorsEntry {
  /** The stored type as the file names it: `F32`, `F16`, `BF16`, `I64`... */
  dtype: string;
  shape: readonly number[];
  /** First byte in the file. */
  offset: number;
  bytes: number;
}

export type TensorMap = ReadonlyMap<string, Tensor<TensorData>>;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Refuses headers whose brackets and commas would grow into far more memory than the text takes; a short one cannot. */
function checkHeaderMemory(header: Uint8Array, where: string): void {
  if (header.length < SHORT_HEADER) return;
  const budget = new MemoryBudget(where, 2 * header.length);
  let marks = 0;
  for (const byte of header) if (byte === 0x5b || byte === 0x7b || byte === 0x2c) marks += 1;
  budget.spend(32 * marks);
}

function parseHeader(source: ByteSource): { header: Record<string, unknown>; dataOffset: number } {
  const { where } = source;
  if (source.size === 0) throw formatError(where, undefined, 'a safetensors file', 'an empty file');
  const lead = source.read(0, 8);
  const length = Number(new DataView(lead.buffer, lead.byteOffset, 8).getBigUint64(0, true));
  if (length > LONGEST_HEADER || length < 2 || 8 + length > source.size) {
    const longest = Math.min(LONGEST_HEADER, source.size - 8);
    throw formatError(where, 0, `a safetensors file with a header of 2 to ${longest} bytes`, `${length}`);
  }
  const bytes = source.read(8, length);
  if (bytes[0] !== 0x7b) throw formatError(where, 8, 'a header that starts with "{"', `0x${bytes[0].toString(16)}`);
  checkHeaderMemory(bytes, where);
  let header: unknown;
  try {
    header = parseJsonText(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw formatError(where, 8, 'a JSON header', error instanceof Error ? error.message : 'something else');
  }
  if (!isObject(header)) throw formatError(where, 8, 'a JSON object as header', 'something else');
  return { header, dataOffset: 8 + length };
}

function parseMetadata(value: unknown, where: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string')) {
    throw formatError(where, 8, `texts in ${METADATA_KEY}`, 'something else');
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, value: unknown, dataOffset: number, where: string): SafetensorsEntry {
  const bad = (expected: string, got: string) => formatError(where, 8, `${expected} for ${printable(name)}`, got);
  if (!isObject(value)) throw bad('dtype, shape and data_offsets', 'something else');
  const { dtype, shape, data_offsets: range } = value;
  if (Object.keys(value).length !== 3 || typeof dtype !== 'string' || !Array.isArray(shape) || !Array.isArray(range)) {
    throw bad('dtype, shape and data_offsets', 'other keys');
  }
  if (!Object.hasOwn(TYPES, dtype)) {
    throw unsupportedError(where, `tensor ${printable(name)} has the unknown dtype ${printable(dtype)}`);
  }
  const [begin, end] = range;
  if (range.length !== 2 || !Number.isSafeInteger(begin) || !Number.isSafeInteger(end) || begin < 0 || end < begin) {
    throw bad('data_offsets [begin, end]', printable(JSON.stringify(range)));
  }
  const bytes = declaredBytes(shape, bytesOf(TYPES[dtype]), where, 8);
  if (bytes !== end - begin) throw bad(`${bytes} bytes of data`, `${end - begin}`);
  return { dtype, shape, offset: dataOffset + begin, bytes };
}

/** Every byte behind the header must belong to exactly one tensor. */
function checkCoverage(entries: SafetensorsEntry[], dataOffset: number, source: ByteSource): void {
  entries.sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  let end = dataOffset;
  for (const entry of entries) {
    if (entry.offset !== end) {
      throw formatError(source.where, end, 'the next tensor without gap or overlap', `one at byte ${entry.offset}`);
    }
    end += entry.bytes;
  }
  if (end !== source.size)
    throw formatError(source.where, end, 'the end of the file', `${source.size - end} more bytes`);
}

/** An open safetensors file: its header at once, each tensor when it is asked for. */
export class SafetensorsFile {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Record<string, string>;
  private readonly source: ByteSource;
  private readonly limitBytes: number | undefined;

  constructor(source: ByteSource, limitBytes?: number) {
    this.source = source;
    this.limitBytes = limitBytes;
    const { header, dataOffset } = parseHeader(source);
    this.metadata = parseMetadata(header[METADATA_KEY], source.where);
    const entries = new Map<string, SafetensorsEntry>();
    for (const [name, value] of Object.entries(header)) {
      if (name !== METADATA_KEY) entries.set(name, parseEntry(name, value, dataOffset, source.where));
    }
    checkCoverage([...entries.values()], dataOffset, source);
    this.entries = entries;
  }

  private entry(name: string): SafetensorsEntry {
    const entry = this.entries.get(name);
    if (!entry) throw formatError(this.source.where, undefined, `a tensor ${printable(name)}`, 'none of that name');
    checkLimit(this.source.where, `tensor ${printable(name)}`, entry.bytes, this.limitBytes);
    return entry;
  }

  /** One tensor; F16 and BF16 come as float32, BOOL as bytes. Throws `ERR_FORMAT` when there is none of that name. */
  read(name: string): Tensor<TensorData> {
    checkArguments('read', { name }, 'text');
    const { dtype, shape } = this.entry(name);
    const data = withMemoryErrors(() => decodeNumbers(this.readRaw(name), TYPES[dtype], true, this.source.fresh));
    return { data, shape };
  }

  /** {@link read}, in pieces: a large tensor on a slow disk takes minutes. `between` runs between two of them. */
  async readInPieces(name: string, between: () => Promise<void>): Promise<Tensor<TensorData>> {
    checkArguments('readInPieces', { name, between }, 'text', 'function');
    const { dtype, shape, offset, bytes } = this.entry(name);
    const raw = withMemoryErrors(() => new Uint8Array(bytes));
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      raw.set(this.source.read(offset + at, Math.min(PIECE_BYTES, bytes - at)), at);
      await between();
    }
    return { data: withMemoryErrors(() => decodeNumbers(raw, TYPES[dtype], true, true)), shape };
  }

  /** The stored bytes of one tensor, little endian; a view when the file was opened from bytes. */
  readRaw(name: string): Uint8Array {
    checkArguments('readRaw', { name }, 'text');
    const { offset, bytes } = this.entry(name);
    return this.source.read(offset, bytes);
  }

  /** The open file, for who reads values of it himself; absent for bytes. */
  get descriptor(): number | undefined {
    return this.source.descriptor;
  }

  close(): void {
    this.source.close();
  }
}

/** Opens a safetensors file and checks its header; the caller closes it. */
export function openSafetensors(source: PathOrBytes, options: ReadOptions = {}): SafetensorsFile {
  checkArguments('openSafetensors', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('openSafetensors', options, READ_OPTIONS);
  const opened = openSource(source, options.where);
  try {
    return new SafetensorsFile(opened, options.limitBytes);
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** Reads a whole safetensors file; throws `ERR_FORMAT` where it departs from the published format. */
export function readSafetensors(
  source: PathOrBytes,
  options: ReadOptions = {},
): { tensors: Map<string, Tensor<TensorData>>; metadata: Record<string, string> } {
  checkArguments('readSafetensors', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readSafetensors', options, READ_OPTIONS);
  const file = openSafetensors(source, options);
  try {
    const tensors = new Map([...file.entries.keys()].map((name) => [name, file.read(name)]));
    return { tensors, metadata: file.metadata };
  } finally {
    file.close();
  }
}

function toHalf(name: string, data: Float32Array): Uint16Array {
  for (const value of data) {
    if (Math.abs(value) > LARGEST_HALF && Number.isFinite(value)) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `Tensor "${name}" holds ${value}, more than a half (${LARGEST_HALF}) can hold.`,
      );
    }
  }
  return encodeHalf(data);
}

/**
 * Writes a safetensors file under a temporary name and renames it. Tensors keep their own type; with `half` float32 ones
 * are stored as F16 (`ERR_ARGUMENT` where a value is too large for it). Data are aligned to eight bytes, widest first.
 */
export function writeSafetensors(
  path: string,
  tensors: TensorMap | Readonly<Record<string, Tensor<TensorData>>>,
  metadata: Record<string, string> = {},
  options: { half?: boolean } = {},
): void {
  checkArguments('writeSafetensors', { path, tensors, metadata, options }, 'text', 'Map|object', 'object?', 'object?');
  checkOptionKinds('writeSafetensors', options, { half: 'boolean' });
  const named = entriesOf(tensors);
  const items = named.map(([name, tensor]) => {
    if (name === METADATA_KEY) {
      throw new PoseError('ERR_ARGUMENT', `Tensor "${name}": expected another name; this one is the metadata's.`);
    }
    const own = storedTypeOf(`Tensor "${name}"`, tensor);
    const type = options.half && own === 'f4' ? 'f2' : own;
    const { data, shape } = tensor;
    return { name, data, shape, type, bytes: data.length * bytesOf(type) };
  });
  items.sort((a, b) => bytesOf(b.type) - bytesOf(a.type));
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [[METADATA_KEY, metadata]] : [];
  let end = 0;
  for (const { name, type, shape, bytes } of items) {
    entries.push([name, { dtype: NAMES.get(type), shape, data_offsets: [end, end + bytes] }]);
    end += bytes;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)), 'utf8');
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  writeAtomically(path, (append) => {
    append(header);
    for (const { name, data, type } of items) {
      append(encodeNumbers(type === 'f2' ? toHalf(name, data as Float32Array) : data));
    }
  });
}
