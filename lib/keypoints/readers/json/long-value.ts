/*
 * Values of a JSON text that are too long to be held in memory. They are read and parsed again, piece by piece, each time
 * somebody goes through them.
 */

/** A list of a JSON text: at least two items. */
export class LongList implements Iterable<unknown> {
  readonly #items: () => Iterable<unknown>;
  #length: number | undefined;
  #flat: LongList | undefined;

  constructor(items: () => Iterable<unknown>, length?: number) {
    this.#items = items;
    this.#length = length;
  }

  [Symbol.iterator](): Iterator<unknown> {
    return this.#items()[Symbol.iterator]();
  }

  get length(): number {
    if (this.#length === undefined) {
      let count = 0;
      for (const _ of this) count++;
      this.#length = count;
    }
    return this.#length;
  }

  /** The items of lists among the items in their place. */
  flat(): LongList {
    const items = this.#items;
    this.#flat ??= new LongList(function* () {
      for (const item of items()) {
        if (Array.isArray(item) || item instanceof LongList) yield* item;
        else yield item;
      }
    });
    return this.#flat;
  }
}

/** An object of a JSON text with many fields, in the order of the text. */
export class LongObject {
  readonly #fields: () => Iterable<[string, unknown]>;

  constructor(fields: () => Iterable<[string, unknown]>) {
    this.#fields = fields;
  }

  fields(): Iterable<[string, unknown]> {
    return this.#fields();
  }
}

/** A list of a JSON text, long or not. */
export type JsonList = readonly unknown[] | LongList;

export function isList(value: unknown): value is JsonList {
  return Array.isArray(value) || value instanceof LongList;
}

export function everyItem(items: Iterable<unknown>, test: (item: unknown) => boolean): boolean {
  for (const item of items) if (!test(item)) return false;
  return true;
}

/** The first item that passes a test, with its place. */
export function findItem(
  items: Iterable<unknown>,
  test: (item: unknown) => boolean,
): { item: unknown; index: number } | undefined {
  let index = 0;
  for (const item of items) {
    if (test(item)) return { item, index };
    index++;
  }
  return undefined;
}

/** A sequence that is made anew each time somebody goes through it. */
export function made<T>(make: () => Iterator<T>): Iterable<T> {
  return { [Symbol.iterator]: make };
}
