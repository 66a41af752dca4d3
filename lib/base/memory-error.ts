import { PoseError } from './pose-error.js';

/**
 * What an array throws that the system has no memory for, as a `PoseError` with `ERR_MEMORY`; every other error as it is.
 */
export function asMemoryError(error: unknown): unknown {
  if (
    !(
      (error as Error | undefined)?.name === 'RangeError' &&
      /allocation failed|Invalid typed array length/.test((error as Error).message)
    )
  ) {
    return error;
  }
  return new PoseError(
    'ERR_MEMORY',
    `The machine's memory did not suffice (${(error as Error).message}): take fewer frames a call.`,
    {
      cause: error,
    },
  );
}
