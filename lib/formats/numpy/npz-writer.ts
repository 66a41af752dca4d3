import { entriesOf } from '../../base/array-kind.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import { writeAtomically } from '../files/atomic-file.js';
import { printable } from '../format-error.js';
import type { StringArray } from '../pickle/value.js';
import { ZipWriter } from '../zip/zip-writer.js';
import { writeNpy } from './npy-writer.js';

/** A zip archive counts the bytes of a member's name in 16 bits. */
const LONGEST_NAME = 0xffff;

/** Writes a `.npz` under a temporary name and renames it; `compress` deflates the arrays. */
export function writeNpz(
  path: string,
  arrays: ReadonlyMap<string, Tensor<TensorData> | StringArray> | Record<string, Tensor<TensorData> | StringArray>,
  options: { compress?: boolean } = {},
): void {
  checkArguments('writeNpz', { path, arrays, options }, 'text', 'Map|object', 'object?');
  checkOptionKinds('writeNpz', options, { compress: 'boolean' });
  const entries = [...entriesOf(arrays)];
  for (const [name] of entries) {
    const bytes = Buffer.byteLength(`${name}.npy`);
    if (bytes <= LONGEST_NAME) continue;
    throw new PoseError(
      'ERR_LIMIT',
      `${path}: expected names of at most ${LONGEST_NAME - 4} bytes, which a zip archive takes, got ${bytes - 4}: ${printable(name)}.`,
    );
  }
  writeAtomically(path, (append) => {
    const zip = new ZipWriter(append);
    for (const [name, value] of entries) zip.add(`${name}.npy`, writeNpy(value), options.compress);
    zip.finish();
  });
}
