import { asMemoryError } from './memory-error.js';

/** Options that a program is called back by, in every function that has them. */
const NAMES = ['onProgress', 'onNotice', 'onEpoch'] as const;

type Callback = (...values: unknown[]) => unknown;

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}

/**
 * Runs a long call under its callbacks. An exception of a callback stops the call, which throws it; so does the rejection of
 * a promise that a callback returns, when the next callback is due or at the end. No promise is waited for, since one may
 * wait for the call itself (`async () => model.close()`): a rejection after the end is ignored.
 */
export async function withCallbacks<Options extends object, Result>(
  given: Options,
  run: (options: Options) => Promise<Result>,
): Promise<Result> {
  let failure: { error: unknown } | undefined;
  let promised = false;
  const watched: Record<string, unknown> = {};
  for (const name of NAMES) {
    const callback = (given as Record<string, unknown>)[name];
    if (typeof callback !== 'function') continue;
    watched[name] = (...values: unknown[]) => {
      if (failure) throw failure.error;
      const answer: unknown = Reflect.apply(callback as Callback, given, values);
      if (!isPromise(answer)) return;
      promised = true;
      Promise.resolve(answer).catch((error: unknown) => {
        failure ??= { error };
      });
    };
  }
  try {
    const result = await run({ ...given, ...watched });
    // A promise that is rejected by now is heard.
    if (promised) await new Promise((turn) => setTimeout(turn));
    if (failure) throw failure.error;
    return result;
  } catch (error) {
    throw failure ? failure.error : asMemoryError(error);
  }
}

/** A callback of a call that ends before any promise can: what a promise of it rejects with is ignored. */
export function withoutPromise<Values extends unknown[]>(
  callback: ((...values: Values) => unknown) | undefined,
): ((...values: Values) => void) | undefined {
  return (
    callback &&
    ((...values) => {
      const answer = callback(...values);
      if (isPromise(answer)) Promise.resolve(answer).catch(() => {});
    })
  );
}
