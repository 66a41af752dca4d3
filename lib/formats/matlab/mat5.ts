import { READ_OPTIONS } from '../../base/argument-kinds.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { throwIfMemoryError } from '../../base/memory-error.js';
import { PoseError } from '../../base/pose-error.js';
import { inflateStart, inflateZlib } from '../../base/system/node.js';
import { type ByteSource, type PathOrBytes, withSource } from '../bytes/byte-source.js';
import { checkLimit, MemoryBudget } from '../bytes/memory-budget.js';
import { formatError, printable, unsupportedError } from '../format-error.js';
import type { MatOptions, MatValue } from './mat-value.js';
import { MAT_COMPRESSED, type MatElement, MatElements } from './mat5-elements.js';
import { MatMatrixReader } from './mat5-matrix.js';

const HEADER_BYTES = 128;
const TAG_BYTES = 8;
/** Zlib cannot shrink more than this. */
const HIGHEST_RATIO = 1032;
/** Compressed bytes that surely unpack to the first tag: the code tables in front of it take up to 300. */
const PEEK_BYTES = 512;

function readByteOrder(source: ByteSource): boolean {
  const header = source.read(0, HEADER_BYTES);
  const mark = String.fromCharCode(header[126], header[127]);
  if (mark !== 'IM' && mark !== 'MI') {
    throw formatError(source.where, 126, 'a MATLAB 5 file with its mark "IM" or "MI"', printable(mark));
  }
  const littleEndian = mark === 'IM';
  const version = new DataView(header.buffer, header.byteOffset).getUint16(124, littleEndian);
  if (version === 0x0200) throw unsupportedError(source.where, 'this is a MATLAB 7.3 file, not a MATLAB 5 one');
  if (version !== 0x0100) throw formatError(source.where, 124, 'version 0x0100', `0x${version.toString(16)}`);
  return littleEndian;
}

/** Unpacks a compressed element; the size of what is inside stands in its own first tag. */
function inflateElement(element: MatElement, littleEndian: boolean, where: string, limitBytes?: number): Uint8Array {
  const bad = (expected: string, got: unknown) =>
    formatError(where, element.offset, expected, got instanceof Error ? got.message : String(got));
  try {
    const peek = inflateStart(element.data.subarray(0, PEEK_BYTES));
    if (peek.length < TAG_BYTES) throw bad('a packed tag', `${peek.length} bytes`);
    const length = new DataView(peek.buffer, peek.byteOffset).getUint32(4, littleEndian);
    if (TAG_BYTES + length > (element.data.length + 1) * HIGHEST_RATIO) {
      throw bad(`a size that ${element.data.length} packed bytes can have`, length);
    }
    checkLimit(where, 'a variable', length, limitBytes);
    const bytes = inflateZlib(element.data, TAG_BYTES + length);
    if (bytes.length !== TAG_BYTES + length) throw bad(`${TAG_BYTES + length} bytes unpacked`, bytes.length);
    return bytes;
  } catch (error) {
    throwIfMemoryError(error);
    if (error instanceof PoseError) throw error;
    throw bad('packed data', error);
  }
}

/**
 * Reads a MATLAB 5 file (versions 5 to 7.2, both byte orders, packed or not): numbers of all classes, texts, cells and
 * structs, row-major with MATLAB's shapes. Sparse, complex and class objects throw `ERR_UNSUPPORTED`, rubbish `ERR_FORMAT`.
 */
export function readMat5(source: PathOrBytes, options: MatOptions = {}): Map<string, MatValue> {
  checkArguments('readMat5', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readMat5', options, { variables: 'list', ...READ_OPTIONS });
  return withSource(source, options.where, (opened) => {
    const { where } = opened;
    const littleEndian = readByteOrder(opened);
    const variables = new Map<string, MatValue>();
    for (let at = HEADER_BYTES; at < opened.size; ) {
      const tag = opened.read(at, TAG_BYTES);
      const length = new DataView(tag.buffer, tag.byteOffset).getUint32(4, littleEndian);
      checkLimit(where, 'a variable', length, options.limitBytes);
      const whole = opened.read(at, TAG_BYTES + length);
      let element = new MatElements(whole, littleEndian, where, at).next();
      at += whole.length;
      if (element.type === MAT_COMPRESSED) {
        const bytes = inflateElement(element, littleEndian, where, options.limitBytes);
        element = new MatElements(bytes, littleEndian, where, element.offset).next();
      }
      const budget = new MemoryBudget(where, element.data.length);
      const variable = new MatMatrixReader(where, littleEndian, budget).read(element, options.variables);
      // MATLAB keeps what belongs to its objects in a variable without a name.
      if (variable?.name) variables.set(variable.name, variable.value);
    }
    return variables;
  });
}
