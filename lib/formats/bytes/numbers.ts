import { arrayKind, isArrayOf } from '../../base/array-kind.js';
import { PoseError } from '../../base/pose-error.js';
import { sizeOf, type Tensor, type TensorData } from '../../base/tensor.js';
import { valueText } from '../../base/value-text.js';
import { decodeBfloat16, decodeHalf } from './half.js';

/** A stored number: NumPy's letters and bytes, and `bf2` for bfloat16. `b1` is a truth value in one byte. */
export type NumberType = 'b1' | 'i1' | 'i2' | 'i4' | 'i8' | 'u1' | 'u2' | 'u4' | 'u8' | 'f2' | 'bf2' | 'f4' | 'f8';

const HOST_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Bytes that one number of this type takes. */
export function bytesOf(type: NumberType): number {
  return Number(type.at(-1));
}

const TYPES = new Map<string | undefined, NumberType>([
  ['Float32Array', 'f4'],
  ['Float64Array', 'f8'],
  ['Int8Array', 'i1'],
  ['Int16Array', 'i2'],
  ['Int32Array', 'i4'],
  ['BigInt64Array', 'i8'],
  ['Uint8Array', 'u1'],
  ['Uint16Array', 'u2'],
  ['Uint32Array', 'u4'],
  ['BigUint64Array', 'u8'],
]);

/**
 * The stored type that holds a tensor's values as they are. Throws `ERR_ARGUMENT` for data that no file holds, and for a
 * shape that is not theirs; `name` is the tensor's in the message.
 */
export function storedTypeOf(name: string, tensor: Tensor<TensorData> | undefined): NumberType {
  const { data, shape } = tensor ?? {};
  const type = TYPES.get(arrayKind(data));
  if (type === undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${name}: expected data in a typed array (${[...TYPES.keys()].join(', ')}), got ${valueText(data)}.`,
    );
  }
  const lengths = Array.isArray(shape) && shape.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (!lengths || sizeOf(shape) !== data!.length) {
    const came = Array.isArray(shape) ? `(${shape.map(String).join(', ')})` : valueText(shape);
    throw new PoseError('ERR_ARGUMENT', `${name}: expected a shape of ${data!.length} values, got ${came}.`);
  }
  return type;
}

function swapBytes(bytes: Uint8Array, itemBytes: number): void {
  for (let at = 0; at < bytes.length; at += itemBytes) bytes.subarray(at, at + itemBytes).reverse();
}

/**
 * Stored numbers as a typed array of their own; float16 and bfloat16 become float32. `bytes` must hold whole numbers; where
 * they are `fresh`, nobody else's, the array may stand in their memory.
 */
export function decodeNumbers(bytes: Uint8Array, type: NumberType, littleEndian: boolean, fresh = false): TensorData {
  const copy =
    fresh && bytes.byteLength === bytes.buffer.byteLength ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  if (littleEndian !== HOST_LITTLE_ENDIAN) swapBytes(copy, bytesOf(type));
  const buffer = copy.buffer;
  switch (type) {
    case 'b1':
    case 'u1':
      return copy;
    case 'i1':
      return new Int8Array(buffer);
    case 'i2':
      return new Int16Array(buffer);
    case 'i4':
      return new Int32Array(buffer);
    case 'i8':
      return new BigInt64Array(buffer);
    case 'u2':
      return new Uint16Array(buffer);
    case 'u4':
      return new Uint32Array(buffer);
    case 'u8':
      return new BigUint64Array(buffer);
    case 'f2':
      return decodeHalf(new Uint16Array(buffer));
    case 'bf2':
      return decodeBfloat16(new Uint16Array(buffer));
    case 'f4':
      return new Float32Array(buffer);
    case 'f8':
      return new Float64Array(buffer);
  }
}

/** A typed array's bytes, little endian; a view where the machine is little endian itself. */
export function encodeNumbers(data: TensorData | Uint16Array): Uint8Array {
  const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (HOST_LITTLE_ENDIAN) return view;
  const copy = view.slice();
  swapBytes(copy, data.BYTES_PER_ELEMENT);
  return copy;
}

/** The same numbers as float32 (rounded where they must be); a float32 tensor comes back itself. */
export function asFloat32(source: Tensor<TensorData>): Tensor {
  if (isArrayOf('Float32Array', source.data)) return { data: source.data, shape: source.shape };
  const data = new Float32Array(source.data.length);
  for (let i = 0; i < data.length; i++) data[i] = Number(source.data[i]);
  return { data, shape: source.shape };
}
