import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NativeModel, NativeOptions } from '../../binding.js';
import type { PoseError } from '../../lib/base/pose-error.js';
import { createNativeModel } from '../../lib/binding.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { chooseCudaDevice, isEmulated } from '../helpers/cuda-device.js';
import { withEnvironment } from '../helpers/emulation-log.js';
import { randomKeypoints } from '../helpers/lifter-twins.js';
import { nativeConfig, relativeError } from '../helpers/native-model.js';
import { fill } from '../helpers/pattern.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

// What lifts on a GPU where nothing is asked for, and in how large batches.
const reason = chooseCudaDevice() ?? (isEmulated() ? undefined : 'the device is not the emulated one');
if (reason) console.log(`What lifts on a GPU by default is not tested: ${reason}`);

const small = { frames: 9, layers: 1, width: 32, hidden: 48, heads: 4 } as const;
const video = (count: number) => ({
  ...{ keypoints: randomKeypoints(count), stride: 1, flip: true, first: 0, count, batch: 0 },
});

async function model(options: Partial<NativeOptions>): Promise<NativeModel> {
  const common = { device: 'cuda:0', precision: 'fp32', threads: 1, matmul: 'own' } as const;
  const made = createNativeModel(nativeConfig(small), { ...common, ...options });
  for (const { name, shape } of made.tensors) await made.write('value', name, fill(name, shape).data);
  return made;
}

describe.skipIf(reason !== undefined)('the self-test of the compiled lifter', () => {
  it.each(['fp32', 'tf32', 'bf16'] as const)('lets it lift where it passes, in %s', async (precision) => {
    const [auto, on] = [await model({ precision }), await model({ precision, compiled: 'on' })];
    expect(await auto.prepareLifter()).toBe('');
    expect(auto.unsupportedReason).toBe('');
    expect(await auto.lift(video(4))).toEqual(await on.lift(video(4)));
    await auto.close();
    await on.close();
  });

  // The first runs for windows given whole and for videos, the second for videos alone.
  it.each(['PoseElement', 'FirstLayer'])('has the network lift where %s does nothing', async (kernel) => {
    const [auto, off] = [await model({}), await model({ compiled: 'off' })];
    await withEnvironment({ PSTMO_EMULATION_SKIP: kernel }, async () => {
      expect(await auto.prepareLifter()).toMatch(
        /^its self-test on this device failed: a window came out \S+ from the network's, more than 1e-04$/,
      );
    });
    expect(auto.unsupportedReason).toMatch(/^its self-test on this device failed/);
    expect(await auto.lift(video(4))).toEqual(await off.lift(video(4)));
    // Not tried again with other weights.
    await auto.write('value', 'fcn.1.bias', new Float32Array(51).fill(0.5));
    expect(await auto.prepareLifter()).toMatch(/^its self-test/);
    await auto.close();
    await off.close();
  });

  const weights = join(temporaryFolder(), 'model.safetensors');
  beforeAll(() => writeSmallModel(weights));

  it('is told at load where it fails, and not where nothing is wrong', async () => {
    const load = (compiled: 'auto' | 'off') => PoseLifter.load(weights, { device: 'cuda', compiled });
    const failed = await withEnvironment({ PSTMO_EMULATION_SKIP: 'PoseElement' }, () => load('auto'));
    expect(failed.notices).toEqual([
      expect.stringMatching(
        /^compiled auto: CUDA device 0, .* lifts op by op, because its self-test .* failed: .*\d\.$/,
      ),
    ]);
    expect(failed.unsupportedReason).toMatch(/self-test/);
    const passed = await load('auto');
    expect(passed.notices).toEqual([]);
    expect(passed.unsupportedReason).toBe('');
    const off = await load('off');
    expect(off.notices).toEqual([]);
    for (const lifter of [failed, passed, off]) await lifter.close();
  });
});

describe.skipIf(reason !== undefined)('the batch', () => {
  const count = 20;

  it.each(['on', 'off'] as const)('follows the memory that is free: compiled %s', async (compiled) => {
    const roomy = await model({ compiled });
    const expected = await roomy.lift(video(count));
    const most = roomy.memoryBytes;
    await roomy.close();
    const scarce = await model({ compiled });
    await scarce.lift(video(1));
    // The least memory, to a tenth, in which it lifts at all.
    let poses: Float32Array | undefined;
    for (let memory = 300_000; poses === undefined && memory < 2 * most; memory *= 1.1) {
      poses = await withEnvironment({ PSTMO_EMULATION_MEMORY: memory.toFixed(0) }, () =>
        scarce.lift(video(count)).catch((error: PoseError) => {
          expect(error.code).toBe('ERR_CUDA_OOM');
          return undefined;
        }),
      );
    }
    expect(poses).toEqual(expected);
    expect(scarce.memoryBytes).toBeLessThan(0.97 * most);
    await scarce.close();
  });

  it.each(['on', 'off'] as const)('shrinks where free memory lies in pieces: compiled %s', async (compiled) => {
    const made = await model({ compiled });
    const expected = await made.lift(video(count));
    await made.close();
    const again = await model({ compiled });
    await again.lift(video(1));
    await withEnvironment({ PSTMO_EMULATION_LARGEST: '40000' }, async () => {
      const poses = await again.lift(video(count));
      if (compiled === 'on') expect(poses).toEqual(expected);
      expect(relativeError(poses, expected)).toBeLessThan(1e-6);
      // A batch that the caller names is not changed.
      if (compiled === 'off')
        await expect(again.lift({ ...video(count), batch: count })).rejects.toMatchObject({ code: 'ERR_CUDA_OOM' });
    });
    await again.close();
  });

  it('ends with an error where not even one window fits, and goes on with the next call', async () => {
    const made = await model({ compiled: 'on' });
    const expected = await made.lift(video(3));
    await withEnvironment({ PSTMO_EMULATION_LARGEST: '100' }, () =>
      expect(made.lift(video(count))).rejects.toMatchObject({ code: 'ERR_CUDA_OOM' }),
    );
    expect(await made.lift(video(3))).toEqual(expected);
    await made.close();
  });
});
