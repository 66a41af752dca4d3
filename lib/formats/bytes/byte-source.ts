import { withMemoryErrors } from '../../base/memory-error.js';
import { PoseError } from '../../base/pose-error.js';
import { closeSync, fstatSync, openSync, READ_NOW, readSync } from '../../base/system/node.js';
import { fileKind } from '../files/file-kind.js';
import { formatError } from '../format-error.js';

/** Bytes with random access: a file that stays on disk, or memory. Every read is checked against `size`. */
export interface ByteSource {
  /** How messages name it: the path, or what the caller said. */
  readonly where: string;
  readonly size: number;
  /** True where every read gives bytes of its own, which the reader may keep and change. */
  readonly fresh: boolean;
  /** The open file; absent for memory. */
  readonly descriptor?: number;
  /** Exactly `length` bytes from `offset`; throws `ERR_FORMAT` when the source ends before them. */
  read(offset: number, length: number): Uint8Array;
  close(): void;
}

/** What every reader takes: a path, or the bytes themselves. */
export type PathOrBytes = string | Uint8Array;

const READ_PIECE_BYTES = 1 << 30;

function checkRange(source: ByteSource, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw formatError(source.where, undefined, 'a valid byte range', `${length} bytes from ${offset}`);
  }
  if (offset + length > source.size) {
    throw formatError(source.where, offset, `${length} more bytes`, `the end of the file at byte ${source.size}`);
  }
}

/** The bytes themselves as a source; reads are views, not copies. */
export function memorySource(bytes: Uint8Array, where: string): ByteSource {
  const source: ByteSource = {
    where,
    size: bytes.length,
    fresh: false,
    read(offset, length) {
      checkRange(source, offset, length);
      return bytes.subarray(offset, offset + length);
    },
    close() {},
  };
  return source;
}

/** A file as a source, read piece by piece; throws `ERR_FILE` when it cannot be opened. */
export function fileSource(path: string): ByteSource {
  const fileError = (cause: unknown) =>
    new PoseError('ERR_FILE', `${path}: cannot be read: ${cause instanceof Error ? cause.message : cause}.`, { cause });
  let descriptor: number;
  try {
    descriptor = openSync(path, READ_NOW);
  } catch (cause) {
    throw fileError(cause);
  }
  const status = fstatSync(descriptor);
  if (!status.isFile()) {
    closeSync(descriptor);
    throw new PoseError('ERR_FILE', `${path}: expected a file, got ${fileKind(status)}.`);
  }
  const source: ByteSource = {
    where: path,
    descriptor,
    size: status.size,
    fresh: true,
    read(offset, length) {
      checkRange(source, offset, length);
      const bytes = withMemoryErrors(() => new Uint8Array(length));
      let done = 0;
      while (done < length) {
        let count: number;
        try {
          count = readSync(descriptor, bytes, done, Math.min(length - done, READ_PIECE_BYTES), offset + done);
        } catch (cause) {
          throw fileError(cause);
        }
        if (count === 0) {
          throw formatError(path, offset + done, `${length - done} more bytes`, 'the end of the file');
        }
        done += count;
      }
      return bytes;
    },
    close() {
      closeSync(descriptor);
    },
  };
  return source;
}

/** Opens a path or wraps bytes; `where` names bytes in messages. */
export function openSource(source: PathOrBytes, where = 'the given bytes'): ByteSource {
  return typeof source === 'string' ? fileSource(source) : memorySource(source, where);
}

/** Opens, uses and closes a source. */
export function withSource<Result>(
  source: PathOrBytes,
  where: string | undefined,
  use: (opened: ByteSource) => Result,
): Result {
  const opened = openSource(source, where);
  try {
    return withMemoryErrors(() => use(opened));
  } finally {
    opened.close();
  }
}
