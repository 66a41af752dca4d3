import type { Tensor, TensorData } from '../../../lib/base/tensor.js';
import { encodeNumbers, storedTypeOf } from '../../../lib/formats/bytes/numbers.js';
import { writeAtomically } from '../../../lib/formats/files/atomic-file.js';
import { ZipWriter } from '../../../lib/formats/zip/zip-writer.js';

/** What the writer can pickle: the shapes that data sets in npz files are made of. */
export type Picklable =
  | null
  | number
  | string
  | readonly Picklable[]
  | Tensor<TensorData>
  | { [key: string]: Picklable };

/** Writes an npz whose arrays are 0-d object arrays, as `np.savez(path, key=some_dict)` does. */
export function writeObjectNpz(path: string, arrays: Record<string, Picklable>): void {
  writeAtomically(path, (append) => {
    const zip = new ZipWriter(append);
    for (const [name, value] of Object.entries(arrays)) zip.add(`${name}.npy`, objectNpy(value), true);
    zip.finish();
  });
}

/** Writes an npz whose arrays are 1-d object arrays of the values of a list. */
export function writeListNpz(path: string, arrays: Record<string, readonly Picklable[]>): void {
  writeAtomically(path, (append) => {
    const zip = new ZipWriter(append);
    for (const [name, list] of Object.entries(arrays)) zip.add(`${name}.npy`, objectNpy(list, [list.length]), true);
    zip.finish();
  });
}

/** A pickle of a value, as `pickle.dumps(value, 3)` gives. */
export function pickled(value: Picklable): Uint8Array {
  const writer = new PickleWriter();
  writer.value(value);
  return writer.finish();
}

function objectNpy(value: Picklable, shape: readonly number[] = []): Uint8Array {
  const dict = `{'descr': '|O', 'fortran_order': False, 'shape': (${shape.map((length) => `${length},`).join('')}), }`;
  const header = Buffer.alloc(128, 0x20);
  header.write('\x93NUMPY\x01\x00', 0, 'latin1');
  header.writeUInt16LE(118, 8);
  header.write(dict, 10, 'latin1');
  header[127] = 0x0a;
  const writer = new PickleWriter();
  writer.array(shape, 'O8', '|', 63, () => writer.list(shape.length > 0 ? (value as readonly Picklable[]) : [value]));
  return Buffer.concat([header, writer.finish()]);
}

/** Items that Python appends to a list together. */
const batchItems = 1000;

/** Python's pickle, protocol 3. As Python does, it puts every text, list, dict and array aside under a number. */
class PickleWriter {
  private remembered = 0;
  private readonly memory = new GrowingBytes();

  constructor() {
    this.code('\x80\x03');
  }

  finish(): Buffer {
    this.code('.');
    return this.memory.taken();
  }

  value(value: Picklable): void {
    if (value === null) this.code('N');
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'string') this.text(value);
    else if (Array.isArray(value)) this.list(value);
    else if (isTensor(value)) this.tensor(value);
    else this.dict(value as Record<string, Picklable>);
  }

  list(items: readonly Picklable[]): void {
    this.code(']');
    this.remember();
    for (let first = 0; first < items.length; first += batchItems) {
      this.code('(');
      for (const item of items.slice(first, first + batchItems)) this.value(item);
      this.code('e');
    }
  }

  /** numpy.core.multiarray._reconstruct(ndarray, (0,), b'b'), then its state; `data` writes the elements. */
  array(shape: readonly number[], dtype: string, order: string, flags: number, data: () => void): void {
    this.code('cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n');
    this.number(0);
    this.code('\x85');
    this.bytes(Buffer.from('b'));
    this.code('\x87R');
    this.remember();
    this.code('(');
    this.number(1);
    this.code('(');
    for (const length of shape) this.number(length);
    this.code('t');
    this.remember();
    this.code('cnumpy\ndtype\n');
    this.text(dtype);
    this.code('\x89\x88\x87R(');
    this.number(3);
    this.text(order);
    this.code('NNN');
    this.number(-1);
    this.number(-1);
    this.number(flags);
    this.code('tb\x89');
    data();
    this.code('tb');
  }

  private tensor({ data, shape }: Tensor<TensorData>): void {
    const type = storedTypeOf('pickle', { data, shape });
    this.array(shape, type, type.endsWith('1') ? '|' : '<', 0, () => this.bytes(encodeNumbers(data)));
  }

  private dict(entries: Record<string, Picklable>): void {
    this.code('}');
    this.remember();
    this.code('(');
    for (const [key, value] of Object.entries(entries)) {
      this.text(key);
      this.value(value);
    }
    this.code('u');
  }

  private number(value: number): void {
    if (Number.isInteger(value)) {
      this.code('J');
      this.memory.room(4).writeInt32LE(value);
    } else {
      this.code('G');
      this.memory.room(8).writeDoubleBE(value);
    }
  }

  private text(value: string): void {
    this.sized('X', Buffer.from(value, 'utf8'));
  }

  private bytes(value: Uint8Array): void {
    this.sized('B', value);
  }

  private sized(code: string, value: Uint8Array): void {
    this.code(code);
    this.memory.room(4).writeUInt32LE(value.length);
    this.memory.room(value.length).set(value);
    this.remember();
  }

  private remember(): void {
    this.code('r');
    this.memory.room(4).writeUInt32LE(this.remembered++);
  }

  private code(text: string): void {
    this.memory.room(text.length).write(text, 'latin1');
  }
}

class GrowingBytes {
  private bytes = Buffer.alloc(1 << 16);
  private length = 0;

  /** The next bytes, to be filled. */
  room(length: number): Buffer {
    if (this.length + length > this.bytes.length) {
      const larger = Buffer.alloc(2 * (this.length + length));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.length += length;
    return this.bytes.subarray(this.length - length, this.length);
  }

  taken(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
}

function isTensor(value: object): value is Tensor<TensorData> {
  return 'data' in value && ArrayBuffer.isView((value as { data: unknown }).data);
}
