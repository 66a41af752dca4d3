/** `node.ts` for a browser: bytes are unpacked here, and files are not there. */
import { inflate, inflateBeginning, inflateStream } from './inflate.js';

function noFiles(): never {
  throw new Error("a browser has no files; pass the content's bytes");
}

export const closeSync = noFiles;
export const existsSync = noFiles;
export const fchmodSync = noFiles;
export const fstatSync = noFiles;
export const fsyncSync = noFiles;
export const hostname = noFiles;
export const linkSync = noFiles;
export const mkdirSync = noFiles;
export const openSync = noFiles;
export const readdirSync = noFiles;
export const readFileSync = noFiles;
export const readSync = noFiles;
export const realpathSync = noFiles;
export const renameSync = noFiles;
export const rmSync = noFiles;
export const statSync = noFiles;
export const writeSync = noFiles;
/** Only files are packed. */
export const deflateRawSync = noFiles;
export const READ_NOW = 0;
export const pid = 0;
export const processSpace = noFiles;
export const isRunning = noFiles;

export { crc32 } from './crc32.js';

export function basename(path: string, ending = ''): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return ending !== '' && name !== ending && name.endsWith(ending) ? name.slice(0, -ending.length) : name;
}

export function dirname(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function extname(path: string): string {
  const name = basename(path);
  const dot = name.lastIndexOf('.');
  return dot > 0 ? name.slice(dot) : '';
}

export function join(...parts: string[]): string {
  return parts.join('/');
}

export function inflateRaw(packed: Uint8Array, most: number): Uint8Array {
  return inflate(packed, most);
}

export function inflateRawStart(packed: Uint8Array): Uint8Array {
  return inflateBeginning(packed);
}

/** A browser does not say. */
export function availableMemory(): number {
  return Number.POSITIVE_INFINITY;
}

export function inflateZlib(packed: Uint8Array, most: number): Uint8Array {
  return inflateStream(packed, most);
}

export function inflateStart(packed: Uint8Array): Uint8Array {
  return inflateStream(packed);
}
