import { formatError } from '../format-error.js';

/** Type numbers of MATLAB 5 data elements that have a meaning of their own. */
export const MAT_MATRIX = 14;
export const MAT_COMPRESSED = 15;

/** One data element: its type, its bytes, and where they lie. */
export interface MatElement {
  type: number;
  data: Uint8Array;
  offset: number;
}

/** Walks the data elements in a stretch of bytes; each is a tag, its bytes, and padding to a multiple of eight. */
export class MatElements {
  readonly littleEndian: boolean;
  readonly where: string;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly startOffset: number;
  private position = 0;

  constructor(bytes: Uint8Array, littleEndian: boolean, where: string, startOffset: number) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.littleEndian = littleEndian;
    this.where = where;
    this.startOffset = startOffset;
  }

  get remaining(): number {
    return this.bytes.length - this.position;
  }

  error(expected: string, got: string): Error {
    return formatError(this.where, this.startOffset + this.position, expected, got);
  }

  next(): MatElement {
    if (this.remaining < 8) throw this.error('a data element', `${this.remaining} bytes`);
    const first = this.view.getUint32(this.position, this.littleEndian);
    // Up to four bytes share the tag's own eight: their number then stands in the upper half of the type.
    const small = first >>> 16;
    const length = small || this.view.getUint32(this.position + 4, this.littleEndian);
    if (small > 4) throw this.error('at most 4 bytes in a short element', `${small}`);
    const start = this.position + (small ? 4 : 8);
    if (length > this.bytes.length - start) throw this.error(`${length} more bytes`, `${this.bytes.length - start}`);
    const element = {
      type: first & 0xffff,
      data: this.bytes.subarray(start, start + length),
      offset: this.startOffset + start,
    };
    this.position = Math.min(this.bytes.length, small ? this.position + 8 : start + Math.ceil(length / 8) * 8);
    return element;
  }
}
