import { PoseError } from './pose-error.js';

/** Throws `ERR_ABORTED`, whose cause is the signal's reason, when the signal was given. */
export function throwIfAborted(signal: AbortSignal | undefined, message = 'The call was stopped by its signal.'): void {
  if (signal?.aborted) {
    throw new PoseError('ERR_ABORTED', message, { cause: signal.reason });
  }
}
