// Schemas are zod's, in the form that is put together of functions: it takes a third of the time to read and to set up, which every program
// that loads a model waits for.
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

z.config(en());

export * from 'zod/mini';

/** A whole number from `low` on, up to `high` where there is one. */
export function whole(low: number, high?: number) {
  const from = z.int().check(z.minimum(low));
  return high === undefined ? from : from.check(z.maximum(high));
}

/** A number, from `low` on and up to `high` where they are given. */
export function number(low?: number, high?: number) {
  const from = low === undefined ? z.number() : z.number().check(z.minimum(low));
  return high === undefined ? from : from.check(z.maximum(high));
}

/** A number above 0. */
export function positive() {
  return z.number().check(z.positive());
}
