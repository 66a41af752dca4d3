/** A seeded source of random numbers: the same seed and keys give the same numbers on every platform. */
export interface Random {
  /** Uniform in [0, 1), or in [low, high). */
  uniform(low?: number, high?: number): number;
  /** Standard normal, or with the given mean and standard deviation. */
  normal(mean?: number, std?: number): number;
  /** Whole number in [0, below). */
  integer(below: number): number;
  /** One of the items. */
  choice<Item>(items: readonly Item[]): Item;
  /** Puts the items in random order, in place, and returns them. */
  shuffle<Item>(items: Item[]): Item[];
  /** An independent source: what it gives depends on the seed and on all keys, not on what was drawn before. */
  split(...keys: (string | number)[]): Random;
}

const PHILOX_M0 = 0xd2511f53;
const PHILOX_M1 = 0xcd9e8d57;
const PHILOX_W0 = 0x9e3779b9;
const PHILOX_W1 = 0xbb67ae85;

/** High 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const other = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) >>> 0;
}

/** Philox 4x32 with ten rounds: four 32-bit words from a counter (four words) and a key (two words), in place. */
export function philox4x32(counter: Uint32Array, keyLow: number, keyHigh: number): void {
  let [c0, c1, c2, c3] = counter;
  let k0 = keyLow >>> 0;
  let k1 = keyHigh >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(PHILOX_M0, c0);
    const low0 = Math.imul(PHILOX_M0, c0) >>> 0;
    const high1 = multiplyHigh(PHILOX_M1, c2);
    const low1 = Math.imul(PHILOX_M1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + PHILOX_W0) >>> 0;
    k1 = (k1 + PHILOX_W1) >>> 0;
  }
  counter[0] = c0;
  counter[1] = c1;
  counter[2] = c2;
  counter[3] = c3;
}

/** Folds text into a 64-bit key (two words): FNV-1a with two offsets and a final mix. */
function hashKeys(keys: readonly (string | number)[]): [number, number] {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  const text = keys.map((key) => `${typeof key}:${key}`).join('\u0000');
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(i), 0x85ebca6b);
    high ^= high >>> 13;
  }
  const mixed = new Uint32Array([low, high, text.length, 0]);
  philox4x32(mixed, 0, 0);
  return [mixed[0], mixed[1]];
}

/** Makes a source from a seed (any finite number or text) and further keys. */
export function createRandom(seed: number | string, ...keys: (string | number)[]): Random {
  const path = [seed, ...keys];
  const [keyLow, keyHigh] = hashKeys(path);
  const words = new Uint32Array(4);
  let block = 0;
  let left = 0;
  let spare = Number.NaN;

  function nextWord(): number {
    if (left === 0) {
      words[0] = block >>> 0;
      words[1] = Math.floor(block / 0x100000000);
      words[2] = 0;
      words[3] = 0;
      philox4x32(words, keyLow, keyHigh);
      block++;
      left = 4;
    }
    left--;
    return words[left];
  }

  /** 53 random bits, in [0, 1). */
  function unit(): number {
    return ((nextWord() >>> 5) * 0x4000000 + (nextWord() >>> 6)) / 0x20000000000000;
  }

  function uniform(low = 0, high = 1): number {
    return low + (high - low) * unit();
  }

  /** Box and Muller's pairs: the second of a pair is kept for the next call. */
  function normal(mean = 0, std = 1): number {
    if (!Number.isNaN(spare)) {
      const value = spare;
      spare = Number.NaN;
      return mean + std * value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - unit()));
    const angle = 2 * Math.PI * unit();
    spare = radius * Math.sin(angle);
    return mean + std * radius * Math.cos(angle);
  }

  function integer(below: number): number {
    return Math.floor(unit() * below);
  }

  function choice<Item>(items: readonly Item[]): Item {
    return items[integer(items.length)];
  }

  function shuffle<Item>(items: Item[]): Item[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = integer(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }

  function split(...more: (string | number)[]): Random {
    return createRandom(seed, ...keys, ...more);
  }

  return { uniform, normal, integer, choice, shuffle, split };
}
