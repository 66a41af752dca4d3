/**
 * What formats, keypoints and export use of the system. In a browser `browser.ts` takes this file's place (the field
 * `browser` of package.json): bytes are read as here, files are not.
 */
// Node's modules are taken as they are: importing one also sets up what of it nobody asked for, and a program that lifts waits for that.
const fs = process.getBuiltinModule('node:fs');

export const {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} = fs;
/** Opening to read: a pipe that nobody writes to is not waited for. */
export const READ_NOW = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
export const { basename, dirname, extname, join } = process.getBuiltinModule('node:path');
export const { pid } = process;

/** The name of this machine, for people. */
export function hostname(): string {
  return process.getBuiltinModule('node:os').hostname();
}

/** Names this machine, since its start, and this process's container: the processes whose numbers can be compared. */
export function processSpace(): string {
  const read = (name: string, get: () => string) => {
    try {
      return get();
    } catch {
      return name; // a system without /proc
    }
  };
  const parts = [
    process.getBuiltinModule('node:os').hostname(),
    read('boot', () => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    read('ns', () => fs.readlinkSync('/proc/self/ns/pid')),
  ];
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 8);
}

/** Whether a process of that number runs in this {@link processSpace}. */
export function isRunning(number: number): boolean {
  try {
    process.kill(number, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // there, and somebody else's
  }
}

const zlib = () => process.getBuiltinModule('node:zlib');

export function crc32(bytes: Uint8Array): number {
  return zlib().crc32(bytes);
}

export function deflateRawSync(bytes: Uint8Array): Uint8Array {
  return zlib().deflateRawSync(bytes);
}

/** zlib counts a piece's bytes with 32 bits. */
const largestPiece = 2 ** 31;

/** Unpacks deflated bytes to at most `most` bytes; throws where they are damaged or more. */
export function inflateRaw(packed: Uint8Array, most: number): Uint8Array {
  // One piece, with a byte that stays free: of several, zlib would make a copy. Memory that is not filled is not taken.
  const chunkSize = Math.min(Math.max(zlib().constants.Z_MIN_CHUNK, most + 1), largestPiece);
  return zlib().inflateRawSync(packed, { maxOutputLength: Math.max(1, most), chunkSize });
}

/** What the beginning of deflated bytes unpacks to: at most 1032 times their number. */
export function inflateRawStart(packed: Uint8Array): Uint8Array {
  return zlib().inflateRawSync(packed, { finishFlush: zlib().constants.Z_SYNC_FLUSH });
}

/** Memory in bytes that this process can still take, as far as the system says. */
export function availableMemory(): number {
  return process.availableMemory?.() ?? Number.POSITIVE_INFINITY;
}

/** {@link inflateRaw} of a zlib stream, whose checksum must agree. */
export function inflateZlib(packed: Uint8Array, most: number): Uint8Array {
  return zlib().inflateSync(packed, { maxOutputLength: Math.max(1, most) });
}

/** What the beginning of a zlib stream unpacks to. */
export function inflateStart(packed: Uint8Array): Uint8Array {
  return zlib().inflateSync(packed, { finishFlush: zlib().constants.Z_SYNC_FLUSH });
}
