import { afterEach, describe, expect, it } from 'vitest';
import { createNativeModel, opCost, runOp } from '../../lib/binding.js';
import { mergedIds } from '../../lib/cli/parse.js';
import { loadHuman36m } from '../../lib/datasets/human36m/human36m.js';
import { loadMpiInf3dhp } from '../../lib/datasets/mpi-inf-3dhp/mpi-inf-3dhp.js';
import { nativeConfig } from '../helpers/native-model.js';
import { pattern } from '../helpers/pattern.js';

const prototype = Object.prototype as unknown as Record<string, unknown>;

afterEach(() => {
  for (const name of ['colour', 'shuffleSeed', 'profile', 'x']) delete prototype[name];
});

describe('names that an object inherits', () => {
  it('are no options of native calls, whoever wrote to Object.prototype', async () => {
    const config = nativeConfig({ frames: 9, layers: 1, width: 32, hidden: 48 });
    const options = { device: 'cpu', precision: 'fp32', threads: 1 } as const;
    const keypoints = pattern('clip', 12, 34).data;
    const request = { keypoints, stride: 1, flip: true, first: 0, count: 12, batch: 0 };
    const before = createNativeModel(config, options);
    await before.initialize(1);
    const expected = await before.lift(request);
    await before.close();
    Object.assign(prototype, { colour: 'red', shuffleSeed: 3, profile: 'yes', x: 1 });
    const model = createNativeModel(config, options);
    await model.initialize(1);
    expect(await model.lift(request)).toEqual(expected);
    const stream = await model.openStream({ stride: 1, flip: true, lookahead: 0 });
    expect(await model.pushFrame(stream, keypoints.slice(0, 34))).toHaveLength(51);
    await model.close();
    const tensors = { x: Float32Array.of(1, 2), y: Float32Array.of(3, 4) };
    runOp({ ...options, isa: 'auto' }, 'addForward', tensors, { count: 2 });
    expect([...tensors.y]).toEqual([4, 6]);
    expect(opCost('addForward', tensors, { count: 2 }).bytes).toBeGreaterThan(0);
  });

  it('are no names of ours either', async () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      expect(mergedIds(`${name}=7`)[name]).toEqual(['7']);
      const options = JSON.parse(`{"${name}": 1}`) as never;
      await expect((async () => loadHuman36m(options))()).rejects.toMatchObject({ name: 'PoseError' });
      await expect((async () => loadMpiInf3dhp(options))()).rejects.toMatchObject({ name: 'PoseError' });
    }
  });
});
