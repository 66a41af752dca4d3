import { inPieces } from '../../base/lists.js';
import { asMemoryError } from '../../base/memory-error.js';
import { PoseError } from '../../base/pose-error.js';
import {
  closeSync,
  dirname,
  existsSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from '../../base/system/node.js';
import { fileKind } from './file-kind.js';
import { isFolder } from './make-folder.js';
import { temporaryName } from './temporary-file.js';

/** Adds bytes to the end of the file that is being written. */
export type Append = (bytes: Uint8Array) => void;

const GATHER_BYTES = 1 << 16;

/**
 * Writes a file under a temporary name beside `path`, flushes it to the disk and renames it: at every instant `path` is
 * the old file or the whole new one. A replaced file's mode is kept, and a link's target is replaced, not the link. A file
 * or link that already has the temporary name is never opened. What is no file (a pipe, a device) is not replaced. Throws `ERR_FILE` when the disk refuses; an error of
 * `write` itself goes on.
 */
export function writeAtomically(path: string, write: (append: Append) => void): void {
  const fileError = (cause: unknown) =>
    new PoseError('ERR_FILE', `${path}: cannot be written: ${cause instanceof Error ? cause.message : cause}.`, {
      cause,
    });
  const attempt = <Result>(step: () => Result): Result => {
    try {
      return step();
    } catch (cause) {
      throw fileError(cause);
    }
  };
  if (!attempt(() => isFolder(dirname(path)))) {
    throw fileError(`there is no folder ${dirname(path)}`);
  }
  const target = attempt(() => (existsSync(path) ? realpathSync(path) : path));
  const replaced = attempt(() => (existsSync(target) ? statSync(target) : undefined));
  if (replaced && !replaced.isFile()) throw fileError(`expected a file, got ${fileKind(replaced)}`);
  const mode = replaced && replaced.mode & 0o7777;
  const temporary = temporaryName(target);
  const descriptor = attempt(() => openSync(temporary, 'wx', mode));
  let open = true;
  try {
    // Small pieces are gathered, so that an archive of many members takes few calls.
    const gathered = new Uint8Array(GATHER_BYTES);
    let gatheredBytes = 0;
    const put = (bytes: Uint8Array): void => {
      for (let done = 0; done < bytes.length; ) {
        done += attempt(() => writeSync(descriptor, bytes, done, Math.min(bytes.length - done, 1 << 30)));
      }
    };
    const flush = (): void => {
      put(gathered.subarray(0, gatheredBytes));
      gatheredBytes = 0;
    };
    write((bytes) => {
      if (gatheredBytes + bytes.length > GATHER_BYTES) flush();
      if (bytes.length > GATHER_BYTES) {
        put(bytes);
      } else {
        gathered.set(bytes, gatheredBytes);
        gatheredBytes += bytes.length;
      }
    });
    flush();
    attempt(() => {
      if (mode !== undefined) fchmodSync(descriptor, mode);
      fsyncSync(descriptor);
      open = false;
      closeSync(descriptor);
      renameSync(temporary, target);
    });
    syncFolder(dirname(target));
  } catch (error) {
    if (open) closeSync(descriptor);
    rmSync(temporary, { force: true });
    throw asMemoryError(error);
  }
}

/** Writes a text of any length, in parts, as {@link writeAtomically} does. */
export function writeTextAtomically(path: string, parts: Iterable<string>): void {
  const encoder = new TextEncoder();
  writeAtomically(path, (append) => {
    for (const piece of inPieces(parts)) append(encoder.encode(piece));
  });
}

/** Flushes a folder's list of names, so that a rename outlives a power cut. Windows has no such call and needs none. */
function syncFolder(folder: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(folder, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(descriptor);
  } catch {
    // some network file systems refuse; the file itself is flushed
  } finally {
    closeSync(descriptor);
  }
}
