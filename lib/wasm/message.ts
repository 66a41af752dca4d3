/**
 * JavaScript's values as bytes, in which they go into the WebAssembly module and come out of it: native/wasm/values.h
 * says how they lie, and reads and writes the same.
 */

import { arrayKind } from '../base/array-kind.js';

const TAGS = {
  undefined: 0,
  null: 1,
  boolean: 2,
  number: 3,
  text: 4,
  list: 5,
  object: 6,
  function: 7,
  repeated: 8,
  array: 16,
  sharedArray: 32,
} as const;

export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** In the order of `napi_typedarray_type`. */
const ARRAYS = [
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array],
] as const;

/** What a typed array is, whatever properties of its own it was given. */
const typedArray = Object.getPrototypeOf(Int8Array.prototype) as object;
const getterOf = (name: string) => Object.getOwnPropertyDescriptor(typedArray, name)!.get as (this: object) => unknown;
const bufferGetter = getterOf('buffer');
const offsetGetter = getterOf('byteOffset');
const bytesGetter = getterOf('byteLength');

/** Whether the array lies in memory that threads share. */
export function isShared(array: TypedArray): boolean {
  return Object.prototype.toString.call(bufferGetter.call(array)) === '[object SharedArrayBuffer]';
}

/** The array's bytes where they lie. */
export function bytesOf(array: TypedArray): Uint8Array {
  const length = bytesGetter.call(array) as number;
  // Memory that was handed to somebody else has none.
  if (length === 0) return new Uint8Array();
  return new Uint8Array(bufferGetter.call(array) as ArrayBuffer, offsetGetter.call(array) as number, length);
}

/** The numbers as they are now. */
function copyOf(array: TypedArray): TypedArray {
  const Type = ARRAYS[typeOf(array)];
  const bytes = bytesOf(array).slice();
  return new Type(bytes.buffer);
}

/** An object with its arrays as they are now: whoever made it may write to them. Its getters run here, once. */
export function withOwnArrays<Fields>(fields: Fields): Fields {
  if (typeof fields !== 'object' || fields === null || isArray(fields)) return fields;
  const entries = Object.entries({ ...fields });
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isArray(value) ? copyOf(value) : value]),
  ) as unknown as Fields;
}

/** Which of {@link ARRAYS} it is, whatever realm it comes from. */
const typeOf = (array: TypedArray) => ARRAYS.findIndex(({ name }) => name === arrayKind(array));

const HEADER = 8;
const padded = (bytes: number) => Math.ceil(bytes / 8) * 8;
export const isArray = (value: unknown): value is TypedArray =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

/** A typed array, its bytes, and where their copy stands in a message. */
interface Placed {
  array: TypedArray;
  bytes: Uint8Array;
  start: number;
}

/** A message, and where each typed array of it lies. */
export interface Message {
  bytes: Uint8Array<ArrayBuffer>;
  arrays: Placed[];
}

class Writer {
  readonly arrays: Placed[] = [];
  #buffer = new ArrayBuffer(1024);
  #end = 0;

  /** The message so far. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#buffer, 0, this.#end);
  }

  value(value: unknown): void {
    if (value === undefined) this.#header(TAGS.undefined, 0);
    else if (value === null) this.#header(TAGS.null, 0);
    else if (typeof value === 'boolean') this.#header(TAGS.boolean, Number(value));
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'function') this.#header(TAGS.function, 0);
    else if (Array.isArray(value)) this.list(value);
    else if (isArray(value)) this.#array(value);
    else this.#object(value);
  }

  list(values: readonly unknown[]): void {
    this.#header(TAGS.list, values.length);
    for (const value of values) this.value(value);
  }

  #number(value: number): void {
    this.#header(TAGS.number, 0);
    const start = this.#take(8);
    new DataView(this.#buffer).setFloat64(start, value, true);
  }

  #text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.#header(TAGS.text, bytes.length);
    const start = this.#take(bytes.length);
    new Uint8Array(this.#buffer).set(bytes, start);
  }

  /** The own properties that can be listed: one on a prototype is no option. Their getters run here. */
  #object(value: object): void {
    const entries = Object.entries(value);
    this.#header(TAGS.object, entries.length);
    for (const [name, field] of entries) {
      this.#text(name);
      this.value(field);
    }
  }

  #array(array: TypedArray): void {
    const bytes = bytesOf(array);
    const type = typeOf(array);
    const same = this.arrays.find(
      ({ array: other, bytes: theirs }) =>
        theirs.buffer === bytes.buffer &&
        theirs.byteOffset === bytes.byteOffset &&
        theirs.length === bytes.length &&
        typeOf(other) === type,
    );
    if (same !== undefined) {
      this.#header(TAGS.repeated, (same.start - HEADER) / 8);
      return;
    }
    const tag = isShared(array) ? TAGS.sharedArray : TAGS.array;
    this.#header(tag + type, bytes.length / ARRAYS[type].BYTES_PER_ELEMENT);
    const start = this.#take(bytes.length);
    new Uint8Array(this.#buffer).set(bytes, start);
    this.arrays.push({ array, bytes, start });
  }

  #header(tag: number, count: number): void {
    const start = this.#take(HEADER);
    const view = new DataView(this.#buffer);
    view.setUint32(start, tag, true);
    view.setUint32(start + 4, count, true);
  }

  /** Room for so many bytes. */
  #take(bytes: number): number {
    const start = this.#end;
    this.#end += padded(bytes);
    if (this.#end > this.#buffer.byteLength) {
      const grown = new Uint8Array(Math.max(2 * this.#buffer.byteLength, this.#end));
      grown.set(new Uint8Array(this.#buffer));
      this.#buffer = grown.buffer;
    }
    return start;
  }
}

/** The message of a list of values. */
export function writeMessage(values: readonly unknown[]): Message {
  const writer = new Writer();
  writer.list(values);
  return { bytes: writer.bytes, arrays: writer.arrays };
}

/** The value of a message that stands at the beginning of its buffer. */
export function readMessage(bytes: Uint8Array<ArrayBuffer>): unknown {
  const view = new DataView(bytes.buffer);
  let next = 0;
  const take = (size: number): number => {
    const start = next;
    next += padded(size);
    return start;
  };
  const text = (length: number): string =>
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(take(length), next).subarray(0, length));
  const value = (): unknown => {
    const header = take(HEADER);
    const tag = view.getUint32(header, true);
    const count = view.getUint32(header + 4, true);
    if (tag === TAGS.undefined) return undefined;
    if (tag === TAGS.null) return null;
    if (tag === TAGS.boolean) return count !== 0;
    if (tag === TAGS.number) return view.getFloat64(take(8), true);
    if (tag === TAGS.text) return text(count);
    if (tag === TAGS.list) return Array.from({ length: count }, value);
    if (tag === TAGS.object) {
      return Object.fromEntries(Array.from({ length: count }, () => [value() as string, value()]));
    }
    const type = ARRAYS[tag - TAGS.array];
    return new type(bytes.buffer.slice(take(count * type.BYTES_PER_ELEMENT), next), 0, count);
  };
  return value();
}
