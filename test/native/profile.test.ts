import { describe, expect, it } from 'vitest';
import { createNativeModel, measurePeak } from '../../lib/binding.js';
import { parseModelConfig } from '../../lib/networks/config.js';
import { profileModel } from '../../lib/profiling/profile.js';
import { chooseCudaDevice, isEmulated, testDevice } from '../helpers/cuda-device.js';
import { nativeConfig } from '../helpers/native-model.js';

const reason = chooseCudaDevice();
if (reason !== undefined) console.log(`Profiles on the CUDA device are skipped: ${reason}`);

describe.skipIf(reason !== undefined)('a profile on the CUDA device', () => {
  it('has the same ops and counts as on the CPU, timed by events', async () => {
    const config = parseModelConfig({ frames: 9, width: 32, hidden: 32 });
    const on = (device: ReturnType<typeof testDevice>) =>
      profileModel({ config, device, batch: 1, training: false, seconds: 0.001 });
    const [cuda, cpu] = [await on(testDevice()), await on('cpu')];
    expect(cuda.device).toMatch(/^CUDA device 0/);
    const counts = ({ trace }: typeof cpu) =>
      trace
        .filter(({ op }) => !op.startsWith('copy'))
        .map(({ op, shape, flops, bytes }) => ({ op, shape, flops, bytes }));
    expect(counts(cuda)).toEqual(counts(cpu));
    for (const { seconds } of cuda.trace) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(cuda.opSeconds).toBeGreaterThan(0);
    expect(cuda.peaks.matmul).toBeGreaterThan(0);
    // The lifter's kernels, by the same clock.
    expect(cuda.lift).toMatchObject({ unsupportedReason: '', threads: 1 });
    expect(cuda.lift!.stages.map(({ stage }) => stage).sort()).toEqual([
      ...[
        'attention, output',
        'feed-forward',
        'first layer, Q K V of frames',
        'first layer, windows',
        'head',
        'keypoints',
      ],
      ...['norm, Q K V', 'poses', 'spatial encoder', 'strided convolution', 'strided layer, expand'],
    ]);
  });

  it('measures peaks in every precision', async () => {
    for (const what of ['fp32', 'tf32', 'bf16', 'copy'] as const) {
      expect(await measurePeak(0, what, 0.001, testDevice()), what).toBeGreaterThan(isEmulated() ? 0 : 10);
    }
  });

  it('is refused by a model that was not made for it', async () => {
    const model = createNativeModel(nativeConfig(), { device: testDevice(), precision: 'fp32', threads: 1 });
    await expect(model.startProfile('ops')).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await expect(model.stopProfile()).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await model.close();
  });
});
