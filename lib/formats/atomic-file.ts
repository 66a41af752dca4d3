import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { PoseError } from '../pose-error.js';

/** Adds bytes to the end of the file that is being written. */
export type Append = (bytes: Uint8Array) => void;

let serial = 0;

/**
 * Writes a file under a temporary name beside `path`, flushes it to the disk and renames it: at every instant `path` is
 * the old file or the whole new one. Throws `ERR_FILE` when the disk refuses; an error of `write` itself goes on.
 */
export function writeAtomically(path: string, write: (append: Append) => void): void {
  serial += 1;
  const temporary = `${path}.${process.pid}-${serial}.tmp`;
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
  const descriptor = attempt(() => openSync(temporary, 'w'));
  let open = true;
  try {
    write((bytes) => {
      for (let done = 0; done < bytes.length; ) {
        done += attempt(() => writeSync(descriptor, bytes, done, Math.min(bytes.length - done, 1 << 30)));
      }
    });
    attempt(() => {
      fsyncSync(descriptor);
      open = false;
      closeSync(descriptor);
      renameSync(temporary, path);
    });
  } catch (error) {
    if (open) closeSync(descriptor);
    rmSync(temporary, { force: true });
    throw error;
  }
}
