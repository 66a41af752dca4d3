/*
 * Lists of any length. A call takes each item of a spread list as an argument of its own, and the stack holds some hundred
 * thousand at most: a list with an entry a frame goes through these.
 */

/** The largest of some numbers; -Infinity of none, NaN where one is. */
export function largest(values: Iterable<number>): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** The smallest of some numbers; Infinity of none, NaN where one is. */
export function smallest(values: Iterable<number>): number {
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) least = Math.min(least, value);
  return least;
}

/** Adds items to the end of a list. */
export function pushAll<T>(list: T[], more: Iterable<T>): void {
  for (const one of more) list.push(one);
}

/** Texts joined to pieces of at least `length` letters, but the last. */
export function* inPieces(parts: Iterable<string>, length = 1 << 16): Generator<string> {
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length < length) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
