import { PoseError } from '../../../base/pose-error.js';
import type { ByteSource } from '../../../formats/bytes/byte-source.js';
import { parseJson } from './json-value.js';

/** Bytes that are read, and of a list that are parsed, at a time. */
const pieceBytes = 1 << 20;

const [space, quote, comma, backslash] = [0x20, 0x22, 0x2c, 0x5c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Parses JSON of any length piece by piece: V8's strings end at 512 MB. Lists at the top, and in an object at the top, are
 * parsed a million bytes at a time; JSON lines become a list of their values. Gives what `parseJson` gives. Throws
 * `ERR_FORMAT`.
 */
export function parseJsonStream({ where, size, read }: ByteSource): unknown {
  const splitter = new ListSplitter(where);
  for (let at = 0; at < size; at += pieceBytes) splitter.take(read(at, Math.min(pieceBytes, size - at)));
  return splitter.end();
}

/** Takes the bytes of a text apart into long lists and what is about them. */
export class ListSplitter {
  readonly #where: string;
  readonly #values: unknown[] = [];
  /** The text about the lists of the value under way, each of which is "[]" in it, and the lists. */
  #frame: Uint8Array[] = [];
  #lists: unknown[][] = [];
  /** The list under way: its bytes since the last that were parsed. */
  #list: unknown[] | undefined;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #depth = 0;
  /** Depth of the items of the list under way. */
  #itemDepth = 0;
  #rootIsObject = false;
  #inString = false;
  #escaped = false;

  constructor(where: string) {
    this.#where = where;
  }

  take(bytes: Uint8Array): void {
    let from = 0;
    // What lies between `from` and a mark goes to the list under way, else to the text about it.
    const upTo = (to: number) => {
      if (to <= from) return;
      if (this.#list) {
        this.#pending.push(bytes.slice(from, to));
        this.#pendingBytes += to - from;
      } else this.#frame.push(bytes.slice(from, to));
      from = to;
    };
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === backslash) this.#escaped = true;
        else if (byte === quote) this.#inString = false;
        continue;
      }
      if (byte === quote) this.#inString = true;
      else if (byte === openList || byte === openObject) {
        if (this.#depth === 0) this.#rootIsObject = byte === openObject;
        this.#depth++;
        const splits = byte === openList && !this.#list && this.#depth === (this.#rootIsObject ? 2 : 1);
        if (splits) {
          upTo(at + 1);
          this.#list = [];
          this.#itemDepth = this.#depth;
        }
      } else if (byte === closeList || byte === closeObject) {
        if (this.#list && this.#depth === this.#itemDepth) {
          upTo(at);
          this.#parsePending();
          this.#lists.push(this.#list);
          this.#list = undefined;
        }
        this.#depth--;
        if (this.#depth === 0) {
          upTo(at + 1);
          this.#endValue();
        }
      } else if (
        byte === comma &&
        this.#list &&
        this.#depth === this.#itemDepth &&
        this.#pendingBytes + at - from > pieceBytes
      ) {
        upTo(at);
        this.#parsePending();
        from = at + 1;
      }
    }
    upTo(bytes.length);
  }

  end(): unknown {
    if (this.#list || this.#depth !== 0 || this.#inString || this.#values.length === 0) {
      throw new PoseError('ERR_FORMAT', `${this.#where}: expected JSON, got a text that ends inside of a value.`);
    }
    if (this.#frame.some((part) => part.some((byte) => byte > space))) this.#endValue();
    return this.#values.length === 1 ? this.#values[0] : this.#values;
  }

  /** Parses the items that came of the list under way. */
  #parsePending(): void {
    const text = textOf(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    if (text.trim() === '') return;
    for (const item of parseJson(this.#where, `[${text}]`) as unknown[]) this.#list!.push(item);
  }

  /** Parses the text about the lists and puts these into it. */
  #endValue(): void {
    const value = parseJson(this.#where, textOf(this.#frame).replace(/^\ufeff/, ''));
    const lists = this.#lists;
    this.#frame = [];
    this.#lists = [];
    if (Array.isArray(value)) this.#values.push(lists[0] ?? value);
    else {
      const object = value as Record<string, unknown>;
      let next = 0;
      for (const [name, item] of Object.entries(object)) if (Array.isArray(item)) object[name] = lists[next++];
      this.#values.push(object);
    }
  }
}

function textOf(parts: readonly Uint8Array[]): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return parts.map((part) => decoder.decode(part, { stream: true })).join('') + decoder.decode();
}
