import { PoseError } from './pose-error.js';

/** How JavaScript, Node's buffers and zlib say that the system has no memory for an array. */
const REFUSED = /allocation failed|Invalid typed array length|Failed to allocate memory|insufficient memory/i;

/** What is thrown where the system has no memory for an array, as a `PoseError` with `ERR_MEMORY`; every other error as it is. */
export function asMemoryError(error: unknown): unknown {
  const { name, code, message } = (error ?? {}) as { name?: unknown; code?: unknown; message?: unknown };
  const kind = name === 'RangeError' || code === 'Z_MEM_ERROR' || code === 'ERR_MEMORY_ALLOCATION_FAILED';
  if (!kind || !REFUSED.test(String(message))) return error;
  return new PoseError(
    'ERR_MEMORY',
    `The machine's memory did not suffice (${message}): take fewer frames a call or a smaller file, or allow the process more (ulimit -v).`,
    { cause: error },
  );
}

/** Runs what makes large arrays: {@link asMemoryError} of what it throws. */
export function withMemoryErrors<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw asMemoryError(error);
  }
}

/** Throws `ERR_MEMORY` where that is what was thrown: scarce memory is no damage of a file. */
export function throwIfMemoryError(error: unknown): void {
  const known = asMemoryError(error);
  if (known instanceof PoseError && known.code === 'ERR_MEMORY') throw known;
}
