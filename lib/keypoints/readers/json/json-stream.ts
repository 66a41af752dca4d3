import { DEEPEST, tooDeep } from '../../../base/json-text.js';
import { PoseError } from '../../../base/pose-error.js';
import type { ByteSource } from '../../../formats/bytes/byte-source.js';
import { isRecord, parseJson } from './json-value.js';
import { LongList, LongObject } from './long-value.js';

/** Bytes that are read, and of a long value that are parsed, at a time. */
const pieceBytes = 1 << 20;
/** Lists and objects with more bytes than this, without those of long ones in them, are long. */
const longBytes = 16 << 20;

const [space, quote, comma, backslash] = [0x20, 0x22, 0x2c, 0x5c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Bytes that are parsed together, from `start` up to `end`; the long values in them are cut out. */
interface Piece {
  start: number;
  end: number;
  cut: Cut[];
  /** Ends of the values that stand one after the other without commas: JSON lines. */
  ends?: number[];
}

/** A long value and where it stands. */
interface Cut {
  start: number;
  end: number;
  value: LongList | LongObject;
}

/** A list or object whose end has not come. */
class Open {
  list = false;
  start = 0;
  /** Commas between its items. */
  commas = 0;
  /** Bytes of the pieces that are complete, and of long values in the piece under way. */
  ownBytes = 0;
  cutBytes = 0;
  pieces: Piece[] = [];
  piece: Piece = { start: 0, end: 0, cut: [] };

  begin(start: number, list: boolean): void {
    this.list = list;
    this.start = start;
    this.commas = 0;
    this.ownBytes = 0;
    this.cutBytes = 0;
    if (this.pieces.length > 0) this.pieces = [];
    if (this.piece.cut.length > 0) this.piece = { start, end: 0, cut: [] };
    this.piece.start = start;
  }

  /** Ends the piece under way; the next begins after `skipped` bytes. */
  endPiece(end: number, skipped: number): void {
    const { start, cut, ends } = this.piece;
    this.ownBytes += end - start - this.cutBytes;
    this.cutBytes = 0;
    this.pieces.push(ends ? { start, end, cut, ends } : { start, end, cut });
    this.piece = { start: end + skipped, end: 0, cut: [], ...(ends && { ends: [] }) };
  }

  /** Whether the piece under way has more bytes than `most`. */
  isFull(at: number, most: number): boolean {
    return at - this.piece.start - this.cutBytes > most;
  }
}

/**
 * Parses JSON of any length: V8's strings end at 512 MB, and what is parsed takes several times its text. Lists and objects
 * of more than 16 MB become {@link LongList} and {@link LongObject}, which read the source when somebody goes through them, as
 * long as it is open. JSON lines become a list of their values. Else gives what `parseJson` gives. Throws `ERR_FORMAT`.
 */
export function parseJsonStream(source: ByteSource, long = longBytes, piece = pieceBytes): unknown {
  const outline = new Outline(source, long, piece);
  for (let at = 0; at < source.size; at += piece) outline.take(source.read(at, Math.min(piece, source.size - at)), at);
  return outline.end();
}

/** Finds the long values of a text and where they can be taken apart. */
class Outline {
  readonly #source: ByteSource;
  readonly #long: number;
  readonly #piece: number;
  /** The text itself, and by depth the lists and objects that are open. */
  readonly #open: Open[] = [new Open()];
  #depth = 0;
  #inString = false;
  #escaped = false;
  #values = 0;

  constructor(source: ByteSource, long: number, piece: number) {
    this.#source = source;
    this.#long = long;
    this.#piece = piece;
    this.#open[0].begin(0, true);
    this.#open[0].piece.ends = [];
  }

  /** Takes the bytes that stand at `offset`. */
  take(bytes: Uint8Array, offset: number): void {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) this.#inString = false;
      } else if (byte === quote) this.#inString = true;
      else if (byte === comma) {
        const open = this.#open[this.#depth];
        open.commas++;
        if (this.#depth > 0 && open.isFull(offset + at, this.#piece)) open.endPiece(offset + at, 1);
      } else if (byte === openList || byte === openObject) {
        this.#depth++;
        if (this.#depth > DEEPEST) {
          throw new PoseError('ERR_FORMAT', `${this.#source.where}: expected JSON, got ${tooDeep}.`);
        }
        this.#open[this.#depth] ??= new Open();
        this.#open[this.#depth].begin(offset + at + 1, byte === openList);
      } else if (byte === closeList || byte === closeObject) this.#close(offset + at, byte === closeList);
    }
  }

  end(): unknown {
    const { where, size } = this.#source;
    const [text] = this.#open;
    if (this.#depth !== 0 || this.#inString || this.#values === 0) {
      throw new PoseError('ERR_FORMAT', `${where}: expected JSON, got a text that ends inside of a value.`);
    }
    text.endPiece(size, 0);
    const { pieces } = text;
    const values = this.#each(pieces, (piece) => this.#valuesOf(piece));
    if (this.#values > 1 && this.#isLong(text)) return new LongList(values, this.#values);
    const all = [...values()];
    return all.length === 1 ? all[0] : all;
  }

  #close(at: number, list: boolean): void {
    const open = this.#open[this.#depth];
    if (this.#depth === 0 || open.list !== list) {
      const bracket = list ? ']' : '}';
      throw new PoseError(
        'ERR_FORMAT',
        `${this.#source.where}: expected JSON, got ${bracket} at byte ${at}, which closes nothing.`,
      );
    }
    this.#depth--;
    const outer = this.#open[this.#depth];
    if (open.pieces.length > 0) open.endPiece(at, 0);
    const long = this.#isLong(open) ? this.#longValue(open, open.commas + 1) : undefined;
    if (long) {
      outer.piece.cut.push({ start: open.start - 1, end: at + 1, value: long });
      outer.cutBytes += at + 2 - open.start;
    } else {
      const pieces = open.pieces.length > 0 ? open.pieces : [open.piece];
      for (const { cut } of pieces) {
        for (const one of cut) {
          outer.piece.cut.push(one);
          outer.cutBytes += one.end - one.start;
        }
      }
    }
    if (this.#depth > 0) return;
    this.#values++;
    outer.piece.ends!.push(at + 1);
    if (outer.isFull(at + 1, this.#piece)) outer.endPiece(at + 1, 0);
  }

  #isLong({ pieces, ownBytes }: Open): boolean {
    return pieces.length > 1 && ownBytes > this.#long;
  }

  #longValue({ list, pieces }: Open, length: number): LongList | LongObject {
    if (list)
      return new LongList(
        this.#each(pieces, (piece) => this.#itemsOf(piece)),
        length,
      );
    return new LongObject(this.#each(pieces, (piece) => Object.entries(this.#parse(piece, '{', '}') as object)));
  }

  #itemsOf(piece: Piece): unknown[] {
    const items = this.#parse(piece, '[', ']') as unknown[];
    if (items.length > 0) return items;
    throw new PoseError(
      'ERR_FORMAT',
      `${this.#source.where}: expected JSON, got a comma too many at byte ${piece.end}.`,
    );
  }

  #each<T>(pieces: readonly Piece[], valuesOf: (piece: Piece) => readonly T[]): () => Iterable<T> {
    return function* () {
      for (const piece of pieces) yield* valuesOf(piece);
    };
  }

  /** The values of a piece that stand one after the other. */
  #valuesOf({ start, end, cut, ends = [] }: Piece): unknown[] {
    const values: unknown[] = [];
    let from = start;
    for (const to of ends) {
      const own = cut.filter((one) => one.start >= from && one.end <= to);
      values.push(this.#parse({ start: from, end: to, cut: own }, '', ''));
      from = to;
    }
    const rest = this.#source.read(from, end - from);
    if (rest.some((byte) => byte > space)) values.push(this.#parse({ start: from, end, cut: [] }, '', ''));
    return values;
  }

  #parse({ start, end, cut }: Piece, before: string, after: string): unknown {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: start > 0 });
    let text = before;
    let from = start;
    for (const [index, one] of cut.entries()) {
      text += `${decoder.decode(this.#source.read(from, one.start - from))}{"${mark}":${index}}`;
      from = one.end;
    }
    text += decoder.decode(this.#source.read(from, end - from)) + after;
    const value = parseJson(this.#source.where, text);
    return cut.length === 0 ? value : restored(value, cut);
  }
}

/** Field of the object that stands for a long value: no name that a program writes. */
const mark = '\\u0000 long';

/** A value with the long ones put back. */
function restored(value: unknown, cut: readonly Cut[]): unknown {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = restored(value[index], cut);
  } else if (isRecord(value)) {
    const index = value[JSON.parse(`"${mark}"`)];
    if (typeof index === 'number' && cut[index] !== undefined) return cut[index].value;
    for (const name of Object.keys(value)) value[name] = restored(value[name], cut);
  }
  return value;
}
