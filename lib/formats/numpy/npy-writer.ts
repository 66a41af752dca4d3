import { checkArguments } from '../../base/check-arguments.js';
import { largest } from '../../base/lists.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import { latin1Bytes } from '../bytes/latin1.js';
import { encodeNumbers, storedTypeOf } from '../bytes/numbers.js';
import { isStringArray, type StringArray } from '../pickle/value.js';

/** The bytes of a `.npy` (version 1, little endian, row-major). Texts are stored as `<U`; objects are refused. */
export function writeNpy(value: Tensor<TensorData> | StringArray): Uint8Array {
  checkArguments('writeNpy', { value }, 'object');
  let descr: string;
  let data: Uint8Array;
  if (isStringArray(value)) {
    const points = value.strings.map((text) => Array.from(text, (letter) => letter.codePointAt(0)!));
    const width = Math.max(1, largest(points.map((text) => text.length)));
    const words = new Uint32Array(points.length * width);
    points.forEach((text, i) => {
      words.set(text, i * width);
    });
    descr = `<U${width}`;
    data = encodeNumbers(words);
  } else {
    const type = storedTypeOf('writeNpy', value);
    descr = `${type.endsWith('1') ? '|' : '<'}${type}`;
    data = encodeNumbers(value.data);
  }
  const shape = value.shape.length === 1 ? `(${value.shape[0]},)` : `(${value.shape.join(', ')})`;
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  // NumPy pads the header so that the data start at a multiple of 64 bytes.
  const headerLength = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + headerLength + data.length);
  bytes.set(latin1Bytes('\x93NUMPY'));
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, headerLength, true);
  bytes.set(latin1Bytes(`${dict.padEnd(headerLength - 1)}\n`), 10);
  bytes.set(data, 10 + headerLength);
  return bytes;
}
