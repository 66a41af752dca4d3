/**
 * What formats, keypoints and export use of the system. In a browser `browser.ts` takes this file's place (the field
 * `browser` of package.json): bytes are read as here, files are not.
 */
import { inflateRawSync, inflateSync, constants as zlib } from 'node:zlib';

export {
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
} from 'node:fs';
export { basename, dirname, extname, join } from 'node:path';
export { pid } from 'node:process';
export { crc32, deflateRawSync } from 'node:zlib';

/** Unpacks deflated bytes to at most `most` bytes; throws where they are damaged or more. */
export function inflateRaw(packed: Uint8Array, most: number): Uint8Array {
  return inflateRawSync(packed, { maxOutputLength: Math.max(1, most) });
}

/** {@link inflateRaw} of a zlib stream, whose checksum must agree. */
export function inflateZlib(packed: Uint8Array, most: number): Uint8Array {
  return inflateSync(packed, { maxOutputLength: Math.max(1, most) });
}

/** What the beginning of a zlib stream unpacks to. */
export function inflateStart(packed: Uint8Array): Uint8Array {
  return inflateSync(packed, { finishFlush: zlib.Z_SYNC_FLUSH });
}
