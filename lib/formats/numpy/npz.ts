import { READ_OPTIONS } from '../../base/argument-kinds.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import { type ByteSource, memorySource, openSource, type PathOrBytes, withSource } from '../bytes/byte-source.js';
import { checkLimit, type ReadOptions } from '../bytes/memory-budget.js';
import { formatError, printable } from '../format-error.js';
import { isTensor } from '../pickle/value.js';
import { ZipReader } from '../zip/zip.js';
import { checkNpyStart, type NpyValue, npyHeaderBytes, type ObjectStream, openObjects, readNpyFrom } from './npy.js';

/** An open `.npz`: its names at once, each array when it is asked for. */
export class NpzFile {
  /** Names of the arrays, without `.npy`, in the file's order. */
  readonly names: readonly string[];
  private readonly source: ByteSource;
  private readonly zip: ZipReader;
  private readonly limitBytes: number | undefined;

  constructor(source: ByteSource, limitBytes?: number) {
    this.source = source;
    this.zip = new ZipReader(source);
    this.limitBytes = limitBytes;
    this.names = [...this.zip.entries.keys()].filter((name) => name.endsWith('.npy')).map((name) => name.slice(0, -4));
  }

  /** Reads one array; throws `ERR_FORMAT` when there is none of that name. */
  read(name: string): NpyValue {
    checkArguments('read', { name }, 'text');
    this.checkMember(name);
    return readNpyFrom(this.member(name), this.limitBytes);
  }

  /** An array of Python objects, none of which is held; undefined where it is one of numbers or texts. */
  objects(name: string): ObjectStream | undefined {
    checkArguments('objects', { name }, 'text');
    return this.checkMember(name) ? openObjects(this.member(name), this.limitBytes) : undefined;
  }

  /**
   * Throws `ERR_LIMIT` or `ERR_FORMAT` where a member is absent, or larger than the limit or than its header declares; returns
   * whether it holds Python objects.
   */
  private checkMember(name: string): boolean {
    const member = `${name}.npy`;
    const { where } = this.source;
    const entry = this.zip.entries.get(member);
    if (!entry) {
      throw formatError(where, undefined, `an array ${printable(name)}`, `only ${this.names.join(', ') || 'none'}`);
    }
    checkLimit(where, `member ${printable(member)}`, entry.bytes, this.limitBytes);
    const headerBytes = npyHeaderBytes(this.zip.readStart(member, 12), `${where}: ${name}`);
    return checkNpyStart(this.zip.readStart(member, headerBytes), entry.bytes, `${where}: ${name}`);
  }

  /** The bytes of a member: nobody else's. */
  private member(name: string): ByteSource {
    const bytes = this.zip.read(`${name}.npy`, this.limitBytes);
    return memorySource(bytes, `${this.source.where}: ${name}`);
  }

  /** Reads one array of numbers; texts and objects throw `ERR_FORMAT`. */
  tensor(name: string): Tensor<TensorData> {
    checkArguments('tensor', { name }, 'text');
    const value = this.read(name);
    if (!isTensor(value)) {
      throw formatError(`${this.source.where}: ${name}`, undefined, 'an array of numbers', 'texts or Python objects');
    }
    return value;
  }

  /** Unpacked bytes of all arrays together. */
  get totalBytes(): number {
    return this.names.reduce((sum, name) => sum + (this.zip.entries.get(`${name}.npy`)?.bytes ?? 0), 0);
  }

  close(): void {
    this.source.close();
  }
}

/** Opens a `.npz` without reading any array; the caller closes it. */
export function openNpz(source: PathOrBytes, options: ReadOptions = {}): NpzFile {
  checkArguments('openNpz', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('openNpz', options, READ_OPTIONS);
  const opened = openSource(source, options.where);
  try {
    return new NpzFile(opened, options.limitBytes);
  } catch (error) {
    opened.close();
    throw error;
  }
}

/** Reads every array of a `.npz`; `limitBytes` holds for all of them together. */
export function readNpz(source: PathOrBytes, options: ReadOptions = {}): Map<string, NpyValue> {
  checkArguments('readNpz', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readNpz', options, READ_OPTIONS);
  return withSource(source, options.where, (opened) => {
    const file = new NpzFile(opened, options.limitBytes);
    checkLimit(opened.where, 'the sum of all arrays', file.totalBytes, options.limitBytes);
    return new Map(file.names.map((name) => [name, file.read(name)]));
  });
}
