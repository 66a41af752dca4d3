import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { NativeConfig, NativeOptions } from '../../binding.js';
import { createNativeModel, machine } from '../../lib/binding.js';
import { readKeypoints } from '../../lib/keypoints/read-keypoints.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { nativeConfig, relativeError } from '../helpers/native-model.js';
import { fill, pattern } from '../helpers/pattern.js';

const fixture = fileURLToPath(new URL('../fixtures/lifter/bf16-error.json', import.meta.url));
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as {
  cases: { frames: number; layers: number; batch: number; relativeError: number }[];
};
const hasBf16 = machine().bf16;

const filled = new Map<string, Float32Array>();

function weightOf(name: string, shape: readonly number[]): Float32Array {
  const key = `${name} ${shape}`;
  let data = filled.get(key);
  if (data === undefined) {
    data = fill(name, shape).data;
    filled.set(key, data);
  }
  return data;
}

async function goldenModel(overrides: Partial<NativeConfig>, options: Partial<NativeOptions>) {
  const config = nativeConfig({ width: 256, hidden: 512, ...overrides });
  const model = createNativeModel(config, { device: 'cpu', precision: 'bf16', threads: 2, ...options });
  for (const { name, shape } of model.tensors) await model.write('value', name, weightOf(name, shape));
  return model;
}

/** Mean distance in millimetres between two lists of poses in metres. */
function distanceMm(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 3) sum += Math.hypot(a[i] - b[i], a[i + 1] - b[i + 1], a[i + 2] - b[i + 2]);
  return (sum / (a.length / 3)) * 1000;
}

describe.skipIf(!hasBf16)('the compiled lifter in bf16 (skipped where the processor lacks it)', () => {
  it.each(cases)(
    "errs at most twice as much as PyTorch's autocast: %o",
    async ({ frames, layers, batch, ...torch }) => {
      const exact = await goldenModel({ frames, layers }, { precision: 'fp32', compiled: 'off' });
      const compiled = await goldenModel({ frames, layers }, {});
      expect(compiled.unsupportedReason).toBe('');
      const windows = { keypoints: pattern('input', batch, frames, 17, 2).data, batch };
      const error = relativeError(await compiled.liftWindows(windows), await exact.liftWindows(windows));
      expect(error).toBeGreaterThan(1e-5);
      expect(error).toBeLessThan(2 * torch.relativeError);
      const video = {
        keypoints: pattern('video', 60, 17, 2).data,
        stride: 1,
        flip: true,
        first: 0,
        count: 60,
        batch: 0,
      };
      const videoError = relativeError(await compiled.lift(video), await exact.lift(video));
      expect(videoError).toBeGreaterThan(1e-5);
      expect(videoError).toBeLessThan(2 * torch.relativeError);
      await Promise.all([compiled.close(), exact.close()]);
    },
  );

  it.each([
    { width: 64, hidden: 128 },
    { width: 60, hidden: 70, heads: 5, mlpBlocks: 2, frames: 81 },
    { width: 128, hidden: 64, heads: 2, frames: 9 },
  ])('takes other widths: %o', async (overrides) => {
    const exact = await goldenModel(overrides, { precision: 'fp32', compiled: 'off' });
    const { frames } = nativeConfig(overrides);
    const windows = { keypoints: pattern('input', 11, frames, 17, 2).data, batch: 11 };
    const expected = await exact.liftWindows(windows);
    for (const withoutFolds of [[], ['firstLayer']] as const) {
      const compiled = await goldenModel(overrides, { withoutFolds: [...withoutFolds] });
      expect(compiled.unsupportedReason).toBe('');
      expect(relativeError(await compiled.liftWindows(windows), expected)).toBeLessThan(0.012);
      await compiled.close();
    }
    await exact.close();
  });

  it('gives the same bits with any number of threads and any batch', async () => {
    const results = [];
    for (const threads of [1, 2, 3]) {
      const compiled = await goldenModel({ frames: 81, width: 64, hidden: 128 }, { threads });
      const keypoints = pattern('input', 7, 81, 17, 2).data;
      const all = await compiled.liftWindows({ keypoints, batch: 7 });
      expect(await compiled.liftWindows({ keypoints: keypoints.slice(0, 81 * 34), batch: 1 })).toEqual(
        all.slice(0, 51),
      );
      const video = {
        keypoints: pattern('video', 45, 17, 2).data,
        stride: 1,
        flip: true,
        first: 0,
        count: 45,
        batch: 0,
      };
      results.push([...all, ...(await compiled.lift(video))]);
      await compiled.close();
    }
    for (const other of results.slice(1)) expect(other).toEqual(results[0]);
  });

  it('is within half a millimetre of fp32 on the trained model and the bundled clip', async () => {
    const track = readKeypoints(fileURLToPath(new URL('../../examples/walking.json', import.meta.url)));
    const frames = 60;
    const keypoints = { data: track.keypoints.slice(0, frames * track.joints * 2), shape: [frames, track.joints, 2] };
    const options = { width: 1920, height: 1080, fps: 50, layout: track.layout };
    const lift = async (precision: 'fp32' | 'bf16', compiled: 'auto' | 'off') => {
      await using lifter = await PoseLifter.load('pstmo-s-27', { device: 'cpu', precision, compiled });
      return (await lifter.lift(keypoints, options)).data;
    };
    const exact = await lift('fp32', 'off');
    expect(relativeError(await lift('fp32', 'auto'), exact)).toBeLessThan(1e-5);
    const distance = distanceMm(await lift('bf16', 'auto'), await lift('fp32', 'auto'));
    expect(distance).toBeGreaterThan(1e-4);
    expect(distance).toBeLessThan(0.5);
  });
});
