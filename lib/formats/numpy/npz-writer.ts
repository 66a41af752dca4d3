import { entriesOf } from '../../base/array-kind.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import { writeAtomically } from '../files/atomic-file.js';
import type { StringArray } from '../pickle/value.js';
import { ZipWriter } from '../zip/zip-writer.js';
import { writeNpy } from './npy-writer.js';

/** Writes a `.npz` under a temporary name and renames it; `compress` deflates the arrays. */
export function writeNpz(
  path: string,
  arrays: ReadonlyMap<string, Tensor<TensorData> | StringArray> | Record<string, Tensor<TensorData> | StringArray>,
  options: { compress?: boolean } = {},
): void {
  checkArguments('writeNpz', { path, arrays, options }, 'text', 'Map|object', 'object?');
  checkOptionKinds('writeNpz', options, { compress: 'boolean' });
  const entries = entriesOf(arrays);
  writeAtomically(path, (append) => {
    const zip = new ZipWriter(append);
    for (const [name, value] of entries) zip.add(`${name}.npy`, writeNpy(value), options.compress);
    zip.finish();
  });
}
