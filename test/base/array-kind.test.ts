import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { arrayKind, isArrayOf } from '../../lib/base/array-kind.js';
import type { Tensor, TensorData } from '../../lib/base/tensor.js';
import { readNpy } from '../../lib/formats/numpy/npy.js';
import { writeNpy } from '../../lib/formats/numpy/npy-writer.js';
import { readNpz } from '../../lib/formats/numpy/npz.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const foreign = (code: string) => runInNewContext(code);
/** Writers of tensors, and what a reader finds in the file. */
const WRITERS: [string, (value: Tensor<TensorData>) => unknown][] = [
  ['npy', (value) => readNpy(writeNpy(value))],
  [
    'npz',
    (value) => {
      writeNpz(join(folder, 'a.npz'), foreign('(value) => new Map([["a", value]])')(value));
      return readNpz(join(folder, 'a.npz')).get('a');
    },
  ],
  [
    'safetensors',
    (value) => {
      writeSafetensors(join(folder, 'a.safetensors'), foreign('(value) => new Map([["a", value]])')(value));
      return readSafetensors(join(folder, 'a.safetensors')).tensors.get('a');
    },
  ],
];

describe('arrays of another realm, as native code and Jest give them', () => {
  it('are known by their kind', () => {
    expect(arrayKind(foreign('new Float32Array(2)'))).toBe('Float32Array');
    expect(isArrayOf('Uint8Array', Buffer.from('a'))).toBe(true);
    for (const value of [[1], new DataView(new ArrayBuffer(1)), { [Symbol.toStringTag]: 'Uint8Array' }, null]) {
      expect(arrayKind(value)).toBeUndefined();
    }
  });

  it.each(WRITERS)('are written to %s with their numbers', (_, written) => {
    const data = foreign('Float32Array.of(1, 2, 3)');
    expect(written({ data, shape: [3] })).toEqual({ data: Float32Array.of(1, 2, 3), shape: [3] });
  });

  it('are lifted', async () => {
    const model = await writeSmallModel(join(folder, 'small.safetensors'), { outputUnit: 'm' });
    await using lifter = await PoseLifter.load(model, { device: 'cpu', threads: 1 });
    const options = { width: 100, height: 100 };
    const lift = (data: Float32Array) => lifter.lift({ data, shape: [2, 17, 2] }, options);
    expect(await lift(foreign('new Float32Array(68).fill(5)'))).toEqual(await lift(new Float32Array(68).fill(5)));
  });
});

describe.each(WRITERS)('a tensor for %s that no file holds', (_, written) => {
  it.each([
    ['a list', [1, 2], [2], /expected data in a typed array .*, got a list of 2/],
    ['clamped bytes', new Uint8ClampedArray(2), [2], /got a Uint8ClampedArray/],
    ['nothing', undefined, [0], /got nothing/],
    ['a shape of other values', new Float32Array(2), [3], /expected a shape of 2 values, got \(3\)/],
    ['a negative shape', new Float32Array(2), [-1, -2], /got \(-1, -2\)/],
    ['a text for shape', new Float32Array(2), 'two', /got the string 'two'/],
  ])('is refused: %s', (_name, data, shape, message) => {
    const write = () => written({ data, shape } as never);
    expect(write).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) }));
  });
});
