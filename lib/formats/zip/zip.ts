import { throwIfMemoryError } from '../../base/memory-error.js';
import { crc32, inflateRaw, inflateRawStart } from '../../base/system/node.js';
import type { ByteSource } from '../bytes/byte-source.js';
import { checkLimit, MemoryBudget } from '../bytes/memory-budget.js';
import { formatError, printable, unsupportedError } from '../format-error.js';

export const ZIP_SIGNATURES = {
  local: 0x04034b50,
  central: 0x02014b50,
  end: 0x06054b50,
  end64: 0x06064b50,
  locator64: 0x07064b50,
} as const;

/** Deflate cannot shrink more than this. */
const HIGHEST_DEFLATE_RATIO = 1032;
const LONGEST_COMMENT = 65535;
/** Of a member whose beginning alone is wanted: they unpack to half a megabyte at most. */
const FIRST_PACKED_BYTES = 512;
const END_BYTES = 22;

/** One member as the central directory lists it; sizes in bytes. */
export interface ZipEntry {
  name: string;
  deflated: boolean;
  crc: number;
  compressedBytes: number;
  bytes: number;
  localOffset: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function safeUint64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

interface Directory {
  offset: number;
  bytes: number;
  entries: number;
}

function findDirectory(source: ByteSource): Directory {
  const { where, size } = source;
  const tailBytes = Math.min(size, END_BYTES + LONGEST_COMMENT);
  const tail = viewOf(source.read(size - tailBytes, tailBytes));
  let at = tailBytes - END_BYTES;
  while (
    at >= 0 &&
    !(tail.getUint32(at, true) === ZIP_SIGNATURES.end && tail.getUint16(at + 20, true) === tailBytes - END_BYTES - at)
  ) {
    at--;
  }
  if (at < 0) {
    const lead = Buffer.from(source.read(0, Math.min(8, size))).toString('latin1');
    if (size === 0) throw formatError(where, undefined, 'a zip archive (npz)', 'an empty file');
    if (!lead.startsWith('PK')) throw formatError(where, 0, 'a zip archive (npz)', printable(lead));
    throw formatError(where, Math.max(0, size - END_BYTES), 'the end record of a zip archive', 'none');
  }
  const endOffset = size - tailBytes + at;
  let directory = {
    entries: tail.getUint16(at + 10, true),
    bytes: tail.getUint32(at + 12, true),
    offset: tail.getUint32(at + 16, true),
  };
  let disks = tail.getUint16(at + 4, true) + tail.getUint16(at + 6, true);
  if (directory.entries === 0xffff || directory.bytes === 0xffffffff || directory.offset === 0xffffffff) {
    const locator = viewOf(source.read(endOffset - 20, 20));
    if (locator.getUint32(0, true) !== ZIP_SIGNATURES.locator64) {
      throw formatError(where, endOffset - 20, 'a zip64 locator', 'none');
    }
    const end64Offset = safeUint64(locator, 8);
    const end64 = viewOf(source.read(end64Offset, 56));
    if (end64.getUint32(0, true) !== ZIP_SIGNATURES.end64) {
      throw formatError(where, end64Offset, 'a zip64 end record', 'none');
    }
    disks = end64.getUint32(16, true) + end64.getUint32(20, true);
    directory = { entries: safeUint64(end64, 32), bytes: safeUint64(end64, 40), offset: safeUint64(end64, 48) };
  }
  if (disks !== 0) throw unsupportedError(where, 'zip archives in several parts are not read');
  if (directory.offset + directory.bytes > endOffset) {
    throw formatError(where, endOffset, 'a central directory in front of the end record', `one at ${directory.offset}`);
  }
  return directory;
}

/** Sizes and offset from the zip64 extra field, which holds only those that do not fit the entry itself. */
function applyZip64(entry: ZipEntry, extra: DataView, where: string, at: number): void {
  for (let next = 0; next + 4 <= extra.byteLength; ) {
    const id = extra.getUint16(next, true);
    const length = extra.getUint16(next + 2, true);
    if (next + 4 + length > extra.byteLength) throw formatError(where, at, 'a whole extra field', 'a cut one');
    if (id === 1) {
      let field = next + 4;
      for (const key of ['bytes', 'compressedBytes', 'localOffset'] as const) {
        if (entry[key] !== 0xffffffff) continue;
        if (field + 8 > next + 4 + length) throw formatError(where, at, 'a zip64 field with all values', 'a short one');
        entry[key] = safeUint64(extra, field);
        field += 8;
      }
    }
    next += 4 + length;
  }
}

function readDirectory(source: ByteSource): Map<string, ZipEntry> {
  const { where } = source;
  const directory = findDirectory(source);
  const bytes = source.read(directory.offset, directory.bytes);
  const view = viewOf(bytes);
  const budget = new MemoryBudget(where, bytes.length);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < directory.entries; i++) {
    const offset = directory.offset + at;
    if (at + 46 > bytes.length || view.getUint32(at, true) !== ZIP_SIGNATURES.central) {
      throw formatError(where, offset, `entry ${i + 1} of ${directory.entries}`, 'something else');
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + 46 + nameBytes + extraBytes + commentBytes;
    if (next > bytes.length) throw formatError(where, offset, 'a whole directory entry', 'a cut one');
    budget.spend(400 + 2 * nameBytes);
    const name = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(at + 46, at + 46 + nameBytes));
    if (view.getUint16(at + 8, true) & 1) throw unsupportedError(where, `member ${printable(name)} is encrypted`);
    const method = view.getUint16(at + 10, true);
    if (method !== 0 && method !== 8) {
      throw unsupportedError(where, `member ${printable(name)} is packed by method ${method}, not stored or deflated`);
    }
    const entry: ZipEntry = {
      name,
      deflated: method === 8,
      crc: view.getUint32(at + 16, true),
      compressedBytes: view.getUint32(at + 20, true),
      bytes: view.getUint32(at + 24, true),
      localOffset: view.getUint32(at + 42, true),
    };
    const extraStart = at + 46 + nameBytes;
    applyZip64(entry, viewOf(bytes.subarray(extraStart, extraStart + extraBytes)), where, offset);
    if (entries.has(name)) throw formatError(where, offset, 'each name once', `${printable(name)} twice`);
    entries.set(name, entry);
    at = next;
  }
  checkLayout([...entries.values()], directory.offset, where);
  return entries;
}

/** Members may not overlap: a small file then cannot unpack to more than deflate's own ratio. */
function checkLayout(entries: ZipEntry[], directoryOffset: number, where: string): void {
  entries.sort((a, b) => a.localOffset - b.localOffset);
  entries.forEach((entry, i) => {
    const end = entries[i + 1]?.localOffset ?? directoryOffset;
    const name = printable(entry.name);
    if (entry.localOffset + 30 + entry.compressedBytes > end) {
      throw formatError(where, entry.localOffset, `member ${name} to end before byte ${end}`, 'an overlap');
    }
    const most = entry.deflated ? (entry.compressedBytes + 1) * HIGHEST_DEFLATE_RATIO : entry.compressedBytes;
    if (entry.bytes > most || (!entry.deflated && entry.bytes !== entry.compressedBytes)) {
      throw formatError(where, entry.localOffset, `a size that member ${name} can have`, `${entry.bytes} bytes`);
    }
  });
}

/**
 * A zip archive (stored and deflated members, zip64) read by its central directory. No size is trusted: members may not
 * overlap, deflated output is bounded by the declared size, and the checksum must agree.
 */
export class ZipReader {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  private readonly source: ByteSource;

  constructor(source: ByteSource) {
    this.source = source;
    this.entries = readDirectory(source);
  }

  /** One member, unpacked; throws `ERR_FORMAT` when it is absent or damaged, `ERR_LIMIT` when it is too large. */
  read(name: string, limitBytes?: number): Uint8Array {
    const { where } = this.source;
    const entry = this.entries.get(name);
    if (!entry) throw formatError(where, undefined, `a member ${printable(name)}`, 'none');
    checkLimit(where, `member ${printable(name)}`, entry.bytes, limitBytes);
    const packed = this.source.read(this.dataOffset(entry), entry.compressedBytes);
    const bytes = entry.deflated ? this.inflate(packed, entry) : packed;
    if (crc32(bytes) !== entry.crc) {
      throw formatError(where, entry.localOffset, `member ${printable(name)} to match its checksum`, 'damaged data');
    }
    return bytes;
  }

  /**
   * The first bytes of a member: at least `least` of them where it has so many. Little more is unpacked, so that a
   * header is known before the memory for its array is taken.
   */
  readStart(name: string, least: number): Uint8Array {
    const { where } = this.source;
    const entry = this.entries.get(name);
    if (!entry) throw formatError(where, undefined, `a member ${printable(name)}`, 'none');
    const offset = this.dataOffset(entry);
    if (!entry.deflated) return this.source.read(offset, Math.min(least, entry.bytes));
    for (let taken = FIRST_PACKED_BYTES; ; taken *= 4) {
      const packed = this.source.read(offset, Math.min(taken, entry.compressedBytes));
      let bytes: Uint8Array;
      try {
        bytes = inflateRawStart(packed);
      } catch (error) {
        throwIfMemoryError(error);
        throw this.damaged(entry, error instanceof Error ? error.message : 'damaged data');
      }
      if (bytes.length >= Math.min(least, entry.bytes) || packed.length === entry.compressedBytes) return bytes;
    }
  }

  private dataOffset(entry: ZipEntry): number {
    const local = viewOf(this.source.read(entry.localOffset, 30));
    if (local.getUint32(0, true) !== ZIP_SIGNATURES.local) {
      throw formatError(this.source.where, entry.localOffset, `member ${printable(entry.name)}`, 'something else');
    }
    return entry.localOffset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  }

  private damaged(entry: ZipEntry, got: string): Error {
    const expected = `member ${printable(entry.name)} to unpack to ${entry.bytes} bytes`;
    return formatError(this.source.where, entry.localOffset, expected, got);
  }

  private inflate(packed: Uint8Array, entry: ZipEntry): Uint8Array {
    let bytes: Uint8Array;
    try {
      bytes = inflateRaw(packed, entry.bytes);
    } catch (error) {
      throwIfMemoryError(error);
      throw this.damaged(entry, error instanceof Error ? error.message : 'damaged data');
    }
    if (bytes.length !== entry.bytes) throw this.damaged(entry, `${bytes.length}`);
    return bytes;
  }
}
