import type { JobControl } from '../../binding.js';
import { throwIfAborted } from '../base/abort.js';
import { withCallbacks } from '../base/callbacks.js';
import { PoseError } from '../base/pose-error.js';

/** How a long call is watched and stopped. */
export interface JobOptions {
  /** Stops the call after the batch under way; it then throws `ERR_ABORTED`. */
  signal?: AbortSignal | undefined;
  /**
   * Called now and then with what is done so far, and at the end. An exception or a rejected promise of it stops the call,
   * which rejects with it; its promises are not waited for.
   */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

const REPORT_EVERY_MS = 100;

/**
 * Runs native work of `total` pieces under an AbortSignal and a progress callback. An exception of the callback stops the
 * work and is what the call then throws; a promise that it returns and that is rejected does the same.
 */
export async function runJob<Result>(
  total: number,
  { signal, onProgress }: JobOptions,
  work: (control: JobControl) => Promise<Result>,
): Promise<Result> {
  return withCallbacks({ signal, onProgress }, (options) => runWatched(total, options, work));
}

async function runWatched<Result>(
  total: number,
  { signal, onProgress }: JobOptions,
  work: (control: JobControl) => Promise<Result>,
): Promise<Result> {
  throwIfAborted(signal);
  const control = new Int32Array(new SharedArrayBuffer(8));
  const stop = () => Atomics.store(control, 0, 1);
  let thrown: { error: unknown } | undefined;
  const report = () => {
    if (thrown) return;
    try {
      onProgress?.(Atomics.load(control, 1), total);
    } catch (error) {
      thrown = { error };
      stop();
    }
  };
  signal?.addEventListener('abort', stop, { once: true });
  const timer = onProgress && setInterval(report, REPORT_EVERY_MS);
  try {
    const result = await work(control);
    if (!thrown) onProgress?.(total, total);
    if (thrown) throw thrown.error;
    return result;
  } catch (error) {
    if (thrown) throw thrown.error;
    // The native call knows that it was stopped, and not why.
    if (error instanceof PoseError && error.code === 'ERR_ABORTED') throwIfAborted(signal);
    throw error;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', stop);
  }
}
