import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { asFloat32 } from '../../lib/formats/bytes/numbers.js';
import { readNpz } from '../../lib/formats/numpy/npz.js';
import { isTensor } from '../../lib/formats/pickle/value.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { relativeError } from '../helpers/native-model.js';

/** Small cases are kept here; `make.py` writes the large ones to the folder that PSTMO_PTH names. */
const folders = [fileURLToPath(new URL('../fixtures/pth', import.meta.url)), process.env.PSTMO_PTH ?? ''];
const cases = folders
  .filter((folder) => existsSync(folder))
  .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
  .filter((path) => path.endsWith('.pth'));

function arraysOf(path: string): (name: string) => Tensor {
  const arrays = readNpz(path);
  return (name) => {
    const value = arrays.get(name);
    if (!value || !isTensor(value)) throw new Error(`${path} has no array ${name}.`);
    return asFloat32(value);
  };
}

describe('a checkpoint written by PyTorch', () => {
  it('is kept with the tests in both forms', () => {
    expect(cases.filter((path) => path.includes('tiny')).length).toBeGreaterThanOrEqual(2);
  });

  it.each(cases.map((path) => [basename(path), path]))('%s lifts a whole video as PyTorch does', async (_, path) => {
    const array = arraysOf(path.replace(/pth$/, 'npz'));
    const [width, height] = array('size').data;
    const [stride] = array('stride').data;
    await using lifter = await PoseLifter.load(path, { device: 'cpu', threads: 2, config: { stride } });
    expect(lifter.notices.join()).toMatch(/holds tensors only.*heads 8/);
    const poses = await lifter.lift(array('keypoints'), { width, height });
    const expected = array('poses');
    expect(poses.shape).toEqual(expected.shape);
    expect(relativeError(poses.data, expected.data)).toBeLessThan(1e-5);
  });
});
