import { crc32, deflateRawSync } from '../../base/system/node.js';
import type { Append } from '../files/atomic-file.js';
import { ZIP_SIGNATURES } from './zip.js';

const FULL_32 = 0xffffffff;
const FULL_16 = 0xffff;
/** 1980-01-01, the first day that a zip knows: the same content always gives the same file. */
const DATE = 0x21;
const UTF8_NAMES = 0x0800;

interface WrittenEntry {
  name: Buffer;
  method: number;
  crc: number;
  compressedBytes: number;
  bytes: number;
  localOffset: number;
}

/** Writes a zip archive front to back; zip64 records come in only where a size, an offset or the count needs them. */
export class ZipWriter {
  private readonly append: Append;
  private readonly entries: WrittenEntry[] = [];
  private written = 0;

  constructor(append: Append) {
    this.append = append;
  }

  /** Adds one member, stored or deflated. */
  add(name: string, bytes: Uint8Array, deflate = false): void {
    const packed = deflate ? deflateRawSync(bytes) : bytes;
    const entry: WrittenEntry = {
      name: Buffer.from(name, 'utf8'),
      method: deflate ? 8 : 0,
      crc: crc32(bytes),
      compressedBytes: packed.length,
      bytes: bytes.length,
      localOffset: this.written,
    };
    const large = entry.bytes >= FULL_32 || entry.compressedBytes >= FULL_32;
    const extra = large ? zip64Extra([entry.bytes, entry.compressedBytes]) : Buffer.alloc(0);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(ZIP_SIGNATURES.local, 0);
    header.writeUInt16LE(large ? 45 : 20, 4);
    writeCommon(header, 6, entry, large, extra.length);
    this.put(header, entry.name, extra, packed);
    this.entries.push(entry);
  }

  /** Writes the central directory; nothing can be added after it. */
  finish(): void {
    const start = this.written;
    for (const entry of this.entries) {
      const values = [entry.bytes, entry.compressedBytes, entry.localOffset];
      const large = values.some((value) => value >= FULL_32);
      const extra = large ? zip64Extra(values) : Buffer.alloc(0);
      const header = Buffer.alloc(46);
      header.writeUInt32LE(ZIP_SIGNATURES.central, 0);
      header.writeUInt16LE(large ? 45 : 20, 4);
      header.writeUInt16LE(large ? 45 : 20, 6);
      writeCommon(header, 8, entry, large, extra.length);
      header.writeUInt32LE(large ? FULL_32 : entry.localOffset, 42);
      this.put(header, entry.name, extra);
    }
    const count = this.entries.length;
    const bytes = this.written - start;
    if (count >= FULL_16 || bytes >= FULL_32 || start >= FULL_32) this.putEnd64(count, bytes, start);
    const end = Buffer.alloc(22);
    end.writeUInt32LE(ZIP_SIGNATURES.end, 0);
    end.writeUInt16LE(Math.min(count, FULL_16), 8);
    end.writeUInt16LE(Math.min(count, FULL_16), 10);
    end.writeUInt32LE(Math.min(bytes, FULL_32), 12);
    end.writeUInt32LE(Math.min(start, FULL_32), 16);
    this.put(end);
  }

  private putEnd64(count: number, bytes: number, start: number): void {
    const end64Offset = this.written;
    const end64 = Buffer.alloc(56);
    end64.writeUInt32LE(ZIP_SIGNATURES.end64, 0);
    end64.writeBigUInt64LE(44n, 4);
    end64.writeUInt16LE(45, 12);
    end64.writeUInt16LE(45, 14);
    [count, count, bytes, start].forEach((value, i) => {
      end64.writeBigUInt64LE(BigInt(value), 24 + 8 * i);
    });
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(ZIP_SIGNATURES.locator64, 0);
    locator.writeBigUInt64LE(BigInt(end64Offset), 8);
    locator.writeUInt32LE(1, 16);
    this.put(end64, locator);
  }

  private put(...pieces: Uint8Array[]): void {
    for (const piece of pieces) {
      this.append(piece);
      this.written += piece.length;
    }
  }
}

/** The fields that local and central headers share, from the flags to the length of the extra field. */
function writeCommon(header: Buffer, at: number, entry: WrittenEntry, large: boolean, extraBytes: number): void {
  header.writeUInt16LE(UTF8_NAMES, at);
  header.writeUInt16LE(entry.method, at + 2);
  header.writeUInt16LE(DATE, at + 6);
  header.writeUInt32LE(entry.crc, at + 8);
  header.writeUInt32LE(large ? FULL_32 : entry.compressedBytes, at + 12);
  header.writeUInt32LE(large ? FULL_32 : entry.bytes, at + 16);
  header.writeUInt16LE(entry.name.length, at + 20);
  header.writeUInt16LE(extraBytes, at + 22);
}

function zip64Extra(values: number[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => {
    extra.writeBigUInt64LE(BigInt(value), 4 + 8 * i);
  });
  return extra;
}
