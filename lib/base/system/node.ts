/**
 * What formats, keypoints and export use of the system. In a browser `browser.ts` takes this file's place (the field
 * `browser` of package.json): bytes are read as here, files are not.
 */
// Node's modules are taken as they are: importing one also sets up what of it nobody asked for, and a program that lifts waits for that.
const fs = process.getBuiltinModule('node:fs');

export const {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} = fs;
export const { basename, dirname, extname, join } = process.getBuiltinModule('node:path');
export const { pid } = process;

const zlib = () => process.getBuiltinModule('node:zlib');

export function crc32(bytes: Uint8Array): number {
  return zlib().crc32(bytes);
}

export function deflateRawSync(bytes: Uint8Array): Uint8Array {
  return zlib().deflateRawSync(bytes);
}

/** Unpacks deflated bytes to at most `most` bytes; throws where they are damaged or more. */
export function inflateRaw(packed: Uint8Array, most: number): Uint8Array {
  return zlib().inflateRawSync(packed, { maxOutputLength: Math.max(1, most) });
}

/** {@link inflateRaw} of a zlib stream, whose checksum must agree. */
export function inflateZlib(packed: Uint8Array, most: number): Uint8Array {
  return zlib().inflateSync(packed, { maxOutputLength: Math.max(1, most) });
}

/** What the beginning of a zlib stream unpacks to. */
export function inflateStart(packed: Uint8Array): Uint8Array {
  return zlib().inflateSync(packed, { finishFlush: zlib().constants.Z_SYNC_FLUSH });
}
