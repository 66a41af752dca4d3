/** Symbols 257 and on: how many bytes are copied, then how many more bits say the rest (RFC 1951, 3.2.5). */
const lengths = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const lengthBits = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/** In which order a block tells the lengths of the codes for code lengths (3.2.7). */
const orderOfLengths = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const longestCode = 15;
const endOfBlock = 256;

/** Thrown where the bits end; no damage where only a beginning is wanted. */
class EndOfInput extends Error {}

/** A canonical Huffman code: how many codes there are of each length, and the symbols in the order of their codes. */
interface Code {
  counts: Uint16Array;
  symbols: Uint16Array;
}

function codeOf(bitLengths: ArrayLike<number>): Code {
  const counts = new Uint16Array(longestCode + 1);
  for (let symbol = 0; symbol < bitLengths.length; symbol++) counts[bitLengths[symbol]]++;
  counts[0] = 0;
  const starts = new Uint16Array(longestCode + 2);
  let room = 1;
  for (let bits = 1; bits <= longestCode; bits++) {
    starts[bits + 1] = starts[bits] + counts[bits];
    room = 2 * room - counts[bits];
    if (room < 0) throw new Error('more codes than their lengths allow');
  }
  const symbols = new Uint16Array(starts[longestCode + 1]);
  for (let symbol = 0; symbol < bitLengths.length; symbol++) {
    if (bitLengths[symbol] > 0) symbols[starts[bitLengths[symbol]]++] = symbol;
  }
  return { counts, symbols };
}

const fixedLengths = Uint8Array.from({ length: 288 }, (_, symbol) =>
  symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
);

/** Unpacks one deflated stream (RFC 1951); every length is checked before it is used. */
class Inflater {
  private readonly packed: Uint8Array;
  private readonly most: number;
  private out = new Uint8Array(1 << 12);
  private length = 0;
  private at = 0;
  private bits = 0;
  private held = 0;

  constructor(packed: Uint8Array, most: number) {
    this.packed = packed;
    this.most = most;
  }

  run(): Uint8Array {
    for (let last = false; !last; ) {
      last = this.take(1) === 1;
      const kind = this.take(2);
      if (kind === 0) this.stored();
      else if (kind === 1) this.coded(codeOf(fixedLengths), codeOf(new Uint8Array(30).fill(5)));
      else if (kind === 2) this.dynamic();
      else throw new Error('a block of no known kind');
    }
    return this.result();
  }

  result(): Uint8Array {
    return this.out.slice(0, this.length);
  }

  private take(count: number): number {
    while (this.held < count) {
      if (this.at === this.packed.length) throw new EndOfInput('the data end in the middle');
      this.bits |= this.packed[this.at++] << this.held;
      this.held += 8;
    }
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.held -= count;
    return value;
  }

  private symbol({ counts, symbols }: Code): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let bits = 1; bits <= longestCode; bits++) {
      code |= this.take(1);
      if (code - first < counts[bits]) return symbols[index + code - first];
      index += counts[bits];
      first = (first + counts[bits]) << 1;
      code <<= 1;
    }
    throw new Error('a code that means nothing');
  }

  private put(byte: number): void {
    if (this.length === this.most) throw new Error(`more than ${this.most} bytes`);
    if (this.length === this.out.length) {
      const larger = new Uint8Array(2 * this.out.length);
      larger.set(this.out);
      this.out = larger;
    }
    this.out[this.length++] = byte;
  }

  private stored(): void {
    this.bits = 0;
    this.held = 0;
    const length = this.take(16);
    if (this.take(16) !== (~length & 0xffff)) throw new Error('a stored block whose length is damaged');
    for (let i = 0; i < length; i++) this.put(this.take(8));
  }

  private dynamic(): void {
    const literals = this.take(5) + 257;
    const distances = this.take(5) + 1;
    const told = new Uint8Array(19);
    const count = this.take(4) + 4;
    for (let i = 0; i < count; i++) told[orderOfLengths[i]] = this.take(3);
    const lengthCode = codeOf(told);
    const all = new Uint8Array(literals + distances);
    for (let at = 0; at < all.length; ) {
      const symbol = this.symbol(lengthCode);
      if (symbol < 16) {
        all[at++] = symbol;
        continue;
      }
      if (symbol === 16 && at === 0) throw new Error('a length repeated before there is one');
      const value = symbol === 16 ? all[at - 1] : 0;
      const times = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
      if (at + times > all.length) throw new Error('more code lengths than codes');
      all.fill(value, at, at + times);
      at += times;
    }
    this.coded(codeOf(all.subarray(0, literals)), codeOf(all.subarray(literals)));
  }

  private coded(literals: Code, distances: Code): void {
    for (let symbol = this.symbol(literals); symbol !== endOfBlock; symbol = this.symbol(literals)) {
      if (symbol < endOfBlock) {
        this.put(symbol);
        continue;
      }
      const kind = symbol - 257;
      if (kind >= lengths.length) throw new Error('a length of no known kind');
      const length = lengths[kind] + this.take(lengthBits[kind]);
      const far = this.symbol(distances);
      if (far >= 30) throw new Error('a distance of no known kind');
      const more = far < 4 ? 0 : (far >> 1) - 1;
      const distance = far < 4 ? far + 1 : ((2 + (far & 1)) << more) + 1 + this.take(more);
      if (distance > this.length) throw new Error('a copy from before the beginning');
      for (let i = 0; i < length; i++) this.put(this.out[this.length - distance]);
    }
  }
}

/** Unpacks deflated bytes to at most `most` bytes; throws where they are damaged, cut or more. */
export function inflate(packed: Uint8Array, most: number): Uint8Array {
  return new Inflater(packed, most).run();
}

/** What the beginning of deflated bytes unpacks to. */
export function inflateBeginning(packed: Uint8Array): Uint8Array {
  const inflater = new Inflater(packed, Number.POSITIVE_INFINITY);
  try {
    return inflater.run();
  } catch (error) {
    if (error instanceof EndOfInput) return inflater.result();
    throw error;
  }
}

/**
 * Unpacks a zlib stream (RFC 1950): the whole of it to at most `most` bytes, its checksum agreeing, or without `most` what
 * its beginning unpacks to.
 */
export function inflateStream(packed: Uint8Array, most?: number): Uint8Array {
  if (packed.length < 2 || (packed[0] & 15) !== 8 || ((packed[0] << 8) | packed[1]) % 31 !== 0 || packed[1] & 32) {
    throw new Error('no zlib stream');
  }
  if (most === undefined) return inflateBeginning(packed.subarray(2));
  const bytes = inflate(packed.subarray(2, Math.max(2, packed.length - 4)), most);
  const sum = packed.subarray(-4).reduce((value, byte) => value * 256 + byte, 0);
  if (adler32(bytes) !== sum) throw new Error('a checksum that disagrees');
  return bytes;
}

function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (const byte of bytes) {
    low = (low + byte) % 65521;
    high = (high + low) % 65521;
  }
  return high * 65536 + low;
}
