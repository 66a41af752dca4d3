// Schemas are zod's, in the form that is put together of functions: it takes a third of the time to read and to set up, which every program
// that loads a model waits for.
import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

z.config(en());

export * from 'zod/mini';

/** A whole number from `low` on, up to `high` where there is one. */
export function whole(low: number, high?: number) {
  return z.int().check(...limits(low, high));
}

/** A number, from `low` on and up to `high` where they are given. */
export function number(low?: number, high?: number) {
  return low === undefined ? z.number() : z.number().check(...limits(low, high));
}

/** All at once: each call of `check` makes another schema, and every program that loads a model waits for each. */
function limits(low: number, high: number | undefined) {
  return high === undefined ? [z.minimum(low)] : [z.minimum(low), z.maximum(high)];
}

/** A number above 0. */
export function positive() {
  return z.number().check(z.positive());
}
