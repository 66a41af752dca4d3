import { formatError } from '../format-error.js';
import { latin1 } from './latin1.js';

/** Reads bytes front to back, little endian; running over the end throws `ERR_FORMAT` with the offset. */
export class ByteCursor {
  position = 0;
  private readonly data: Uint8Array;
  private readonly view: DataView;
  readonly where: string;
  private readonly startOffset: number;

  constructor(data: Uint8Array, where: string, startOffset = 0) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.where = where;
    this.startOffset = startOffset;
  }

  get remaining(): number {
    return this.data.length - this.position;
  }

  /** Where the next byte lies in its file. */
  get offset(): number {
    return this.startOffset + this.position;
  }

  error(expected: string, got: string): Error {
    return formatError(this.where, this.offset, expected, got);
  }

  /** Throws unless `length` more bytes are there. */
  checkLength(length: number): void {
    if (length > this.remaining) throw this.error(`${length} more bytes`, `only ${this.remaining}`);
  }

  private advance(length: number): number {
    this.checkLength(length);
    const at = this.position;
    this.position += length;
    return at;
  }

  uint8(): number {
    return this.view.getUint8(this.advance(1));
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  /** As a number; past 2^53 it is only near the truth, which every length check refuses anyway. */
  uint64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  float64BigEndian(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** The next bytes, as a view. */
  bytes(length: number): Uint8Array {
    const at = this.advance(length);
    return this.data.subarray(at, at + length);
  }

  latin1(length: number): string {
    return latin1(this.bytes(length));
  }

  utf8(length: number): string {
    const bytes = this.bytes(length);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.error('UTF-8 text', 'other bytes');
    }
  }

  /** The text up to the next line feed, which is skipped. */
  line(): string {
    const end = this.data.indexOf(10, this.position);
    if (end < 0) throw this.error('a line', 'the end of the data');
    const text = this.latin1(end - this.position);
    this.position += 1;
    return text;
  }
}
