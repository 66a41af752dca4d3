import type { Dataset, Entity, File, Group } from 'h5wasm/node';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import type { TensorData } from '../../base/tensor.js';
import { fileSource } from '../bytes/byte-source.js';
import { checkLimit } from '../bytes/memory-budget.js';
import { formatError, printable, unsupportedError } from '../format-error.js';
import { declaredBytes, fromFortran } from '../numpy/strided.js';
import type { MatOptions, MatValue } from './mat-value.js';

/** HDF5's numbers for the classes of types that MATLAB writes. */
const INTEGER = 0;
const FLOAT = 1;
const REFERENCE = 7;
/** Deflate cannot shrink more than this. */
const HIGHEST_RATIO = 1032;
/** HDF5 holds one piece of a packed dataset in memory as a whole. */
const LARGEST_CHUNK_BYTES = 16_000_000;
const DEEPEST_NESTING = 16;
/** Groups of MATLAB's own: what cells refer to, and objects. */
const INTERNAL = /^#.*#$/;

type H5wasm = typeof import('h5wasm/node');

/** Reads the variables of one open file; every size is checked before HDF5 is asked for the content. */
class Mat73Reader {
  private readonly file: File;
  private readonly hdf5: H5wasm;
  private readonly where: string;
  private readonly limitBytes: number | undefined;
  /** What the file may still unpack to. */
  private backedBytes: number;

  constructor(file: File, hdf5: H5wasm, where: string, fileBytes: number, limitBytes?: number) {
    this.file = file;
    this.hdf5 = hdf5;
    this.where = where;
    this.limitBytes = limitBytes;
    this.backedBytes = fileBytes * HIGHEST_RATIO;
  }

  read(names: readonly string[] | undefined): Map<string, MatValue> {
    const present = this.file.keys().filter((name) => !INTERNAL.test(name));
    const wanted = present.filter((name) => names?.includes(name) ?? true);
    return new Map(wanted.map((name) => [name, this.value(this.file.get(name), name, 0)]));
  }

  private value(entity: Entity | null, name: string, depth: number): MatValue {
    const { where } = this;
    if (entity instanceof this.hdf5.Group) throw unsupportedError(where, `${printable(name)} is a struct or an object`);
    if (!(entity instanceof this.hdf5.Dataset)) throw formatError(where, undefined, `data for ${name}`, 'a link');
    if (depth > DEEPEST_NESTING) throw formatError(where, undefined, `${DEEPEST_NESTING} levels of cells`, 'more');
    const { metadata } = entity;
    const { shape, type, size, signed, littleEndian, chunks } = metadata;
    if (!shape) throw formatError(where, undefined, `a shape for ${printable(name)}`, 'none');
    const bytes = declaredBytes(shape, size, where);
    checkLimit(where, `variable ${printable(name)}`, bytes, this.limitBytes);
    this.backedBytes -= bytes;
    if (this.backedBytes < 0)
      throw formatError(where, undefined, `${printable(name)} to fit the file`, `${bytes} bytes`);
    if (chunks) checkLimit(where, 'a chunk', declaredBytes(chunks, size, where), Math.max(bytes, LARGEST_CHUNK_BYTES));
    // HDF5 keeps the last dimension together, MATLAB the first: the same numbers under the reversed shape.
    const matShape = shape.toReversed();
    if (type === REFERENCE && metadata.ref_type === 'object') return this.cells(entity, name, matShape, depth);
    const isNumber = (type === INTEGER && [1, 2, 4, 8].includes(size)) || (type === FLOAT && [4, 8].includes(size));
    if (!isNumber || (type === INTEGER && signed === undefined) || (size > 1 && !littleEndian)) {
      throw unsupportedError(where, `${printable(name)} holds numbers of a kind that is not read`);
    }
    const data = bytes === 0 ? new Float64Array(0) : (entity.value as TensorData);
    if (data.length * data.BYTES_PER_ELEMENT !== bytes) {
      throw formatError(where, undefined, `${bytes} bytes of ${printable(name)}`, `${data.byteLength}`);
    }
    if (this.attribute(entity, 'MATLAB_empty')) return { data: new Float64Array(0), shape: Array.from(data, Number) };
    if (this.attribute(entity, 'MATLAB_class') === 'char' && matShape[0] === 1) {
      return Buffer.from(Uint16Array.from(data as Uint16Array).buffer).toString('utf16le');
    }
    return { data: fromFortran(data, matShape), shape: matShape };
  }

  private cells(dataset: Dataset, name: string, shape: number[], depth: number): MatValue {
    const references = dataset.value;
    if (!Array.isArray(references)) throw formatError(this.where, undefined, `cells in ${name}`, 'something else');
    const cells = references.map((reference, i) => {
      if (!(reference instanceof this.hdf5.Reference)) throw unsupportedError(this.where, `${name} has a bad cell`);
      return this.value(dataset.dereference(reference) as unknown as Entity | null, `${name}{${i + 1}}`, depth + 1);
    });
    return { cells: fromFortran(cells, shape), shape };
  }

  private attribute(group: Dataset | Group, name: string): unknown {
    const attribute = group.attrs[name];
    // MATLAB's own attributes are short and of fixed length; a text on HDF5's heap may send the library round in circles.
    const usable = attribute && !attribute.metadata.vlen && (attribute.metadata.total_size ?? 0) <= 1024;
    const value = usable ? attribute.value : undefined;
    return typeof value === 'object' && value !== null ? Number((value as ArrayLike<number>)[0]) : value;
  }
}

/** The innermost line of HDF5's own report. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text.split('\n').filter((line) => /^\s*#\d+:/.test(line));
  return (lines.at(-1) ?? text).replace(/^.*\(\): /, '').slice(0, 120);
}

/**
 * Reads a MATLAB 7.3 file (HDF5) through h5wasm, which is loaded when the first such file is opened: numbers, texts and
 * cells, row-major under MATLAB's own shapes (HDF5 lists them reversed). Structs and objects throw `ERR_UNSUPPORTED` unless
 * `variables` passes them over; rubbish throws `ERR_FORMAT`.
 */
export async function readMat73(path: string, options: Omit<MatOptions, 'where'> = {}): Promise<Map<string, MatValue>> {
  checkArguments('readMat73', { path, options }, 'text', 'object?');
  checkOptionKinds('readMat73', options, { variables: 'list', limitBytes: 'number' });
  const source = fileSource(path);
  const { size } = source;
  source.close();
  const hdf5 = await import('h5wasm/node');
  const module = await hdf5.ready;
  // Errors of the library become exceptions instead of lines on stderr.
  module.activate_throwing_error_handler();
  try {
    const file = new hdf5.File(path, 'r');
    try {
      return new Mat73Reader(file, hdf5, path, size, options.limitBytes).read(options.variables);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof PoseError) throw error;
    throw formatError(path, undefined, 'a readable MATLAB 7.3 file', reasonOf(error));
  }
}
