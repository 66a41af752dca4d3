import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { createNativeModel } from '../../lib/binding.js';
import { MaskedPoseModel } from '../../lib/models/masked-pose-model.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { chooseCudaDevice, testDevice } from '../helpers/cuda-device.js';
import { nativeConfig, relativeError } from '../helpers/native-model.js';
import { pattern } from '../helpers/pattern.js';
import { refinedClip, refinedMean } from '../helpers/refined-mean.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

// What a caller sees of `device: 'cuda'`: the poses and maps of the CPU, which the goldens hold to the oracle.
const reason = chooseCudaDevice();
if (reason) console.log(`Models on the CUDA device are not tested: ${reason}`);

const size = { width: 640, height: 480 };
const TOLERANCE = 1e-5;

function video(frames: number): Tensor {
  const { data, shape } = pattern('video', frames, 17, 2);
  return { data: data.map((value, i) => (value + 1) * (i % 2 === 0 ? 320 : 240)), shape };
}

describe.skipIf(reason !== undefined)('PoseLifter on the CUDA device', () => {
  let path = '';
  beforeAll(async () => {
    path = await writeSmallModel(join(temporaryFolder(), 'stage2.safetensors'), { stride: 2 });
  });

  it('lifts and shows attention as on the CPU, mirrored or not, for every batch', async () => {
    await using cpu = await PoseLifter.load(path, { device: 'cpu', threads: 1 });
    await using cuda = await PoseLifter.load(path, { device: testDevice() });
    expect(cuda.device).toMatch(/^CUDA device 0, /);
    for (const options of [{ flip: false }, { flip: true, batch: 3 }]) {
      const expected = await cpu.lift(video(7), { ...size, ...options });
      const poses = await cuda.lift(video(7), { ...size, ...options });
      expect(poses.shape).toEqual(expected.shape);
      expect(relativeError(poses.data, expected.data), JSON.stringify(options)).toBeLessThan(TOLERANCE);
    }
    for (const module of ['tem', 'mofa'] as const) {
      const expected = await cpu.attention(video(7), 3, { ...size, module });
      const maps = await cuda.attention(video(7), 3, { ...size, module });
      expect(maps.length).toBe(expected.length);
      maps.forEach((map, i) => {
        expect(map.maps.shape).toEqual(expected[i].maps.shape);
        expect(relativeError(map.maps.data, expected[i].maps.data), `${module} ${i}`).toBeLessThan(TOLERANCE);
      });
    }
  });

  it.each(['auto', 'on'] as const)(
    'refines the mean of a mirrored test once, as the authors do, compiled %s',
    async (compiled) => {
      const config = nativeConfig({ frames: 9, layers: 1, width: 32, hidden: 48, refine: true });
      const model = createNativeModel(config, { device: testDevice(), precision: 'fp32', threads: 1, compiled });
      await model.initialize(5);
      const clip = refinedClip(3);
      const poses = await model.lift({ ...clip, flip: true, first: 0, count: 3, batch: 2 });
      expect(relativeError(poses, await refinedMean(model, config, clip))).toBeLessThan(TOLERANCE);
      await model.close();
    },
  );

  it('is chosen by cuda and by auto, which says so', async () => {
    const notices: string[] = [];
    await using named = await PoseLifter.load(path, { device: 'cuda' });
    await using auto = await PoseLifter.load(path, { device: 'auto', onNotice: (text) => notices.push(text) });
    expect(auto.device).toBe(named.device);
    expect(notices.join()).toMatch(/device auto: the GPU/);
    const poses = await named.lift(video(2), size);
    expect((await auto.lift(video(2), size)).data).toEqual(poses.data);
  });

  it('keeps to the CPU within the tolerance of a precision by tensor cores', async () => {
    await using cpu = await PoseLifter.load(path, { device: 'cpu', threads: 1 });
    const expected = await cpu.lift(video(2), size);
    for (const [precision, tolerance] of [
      ['tf32', 2e-3],
      ['bf16', 2e-2],
    ] as const) {
      await using cuda = await PoseLifter.load(path, { device: testDevice(), precision });
      const error = relativeError((await cuda.lift(video(2), size)).data, expected.data);
      expect(error, precision).toBeLessThan(tolerance);
      expect(error, `${precision} must not be fp32`).toBeGreaterThan(1e-6);
    }
  });
});

describe.skipIf(reason !== undefined)('MaskedPoseModel on the CUDA device', () => {
  it('draws the same masks, reconstructs and shows attention as on the CPU', async () => {
    const overrides = { stage: 1, masking: { temporalRatio: 0.6, joints: 3 } } as const;
    const path = await writeSmallModel(join(temporaryFolder(), 'stage1.safetensors'), overrides);
    await using cpu = await MaskedPoseModel.load(path, { device: 'cpu', threads: 1 });
    await using cuda = await MaskedPoseModel.load(path, { device: testDevice() });
    const masks = cpu.masks(5);
    expect(cuda.masks(5)).toEqual(masks);
    const expected = await cpu.reconstruct(video(9), masks, size);
    const poses = await cuda.reconstruct(video(9), masks, size);
    expect(relativeError(poses.data, expected.data)).toBeLessThan(TOLERANCE);
    for (const module of ['tem', 'decoder'] as const) {
      const wanted = await cpu.attention(video(9), masks, { ...size, module });
      const maps = await cuda.attention(video(9), masks, { ...size, module });
      maps.forEach(({ maps: { data } }, i) => {
        expect(relativeError(data, wanted[i].maps.data), `${module} ${i}`).toBeLessThan(TOLERANCE);
      });
      expect(maps.length).toBe(wanted.length);
    }
  });
});
