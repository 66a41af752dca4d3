import { describe, expect, it } from 'vitest';
import type { Fold, NativeConfig, NativeModel, NativeOptions } from '../../binding.js';
import { createRandom } from '../../lib/base/random.js';
import { createNativeModel, machine } from '../../lib/binding.js';
import { cpuDevice } from '../helpers/cpu-device.js';
import { closeAll, twins } from '../helpers/lifter-twins.js';
import { nativeConfig, relativeError } from '../helpers/native-model.js';

const { isas } = machine(cpuDevice);
const fp32Tolerance = 1e-5;

function keypointsOf(...shape: number[]): Float32Array {
  const random = createRandom(5, shape.join());
  return Float32Array.from({ length: shape.reduce((a, b) => a * b) * 34 }, () => 2 * random.uniform() - 1);
}

async function windowError(overrides: Partial<NativeConfig>, batch: number, options: Partial<NativeOptions> = {}) {
  const { compiled, opByOp, config } = await twins(overrides, options);
  const windows = { keypoints: keypointsOf(batch, config.frames), batch };
  const error = relativeError(await compiled.liftWindows(windows), await opByOp.liftWindows(windows));
  await closeAll(compiled, opByOp);
  return error;
}

async function videoError(
  overrides: Partial<NativeConfig>,
  request: { frames: number; stride: number; flip: boolean; first?: number; count?: number },
  options: Partial<NativeOptions> = {},
) {
  const { compiled, opByOp } = await twins(overrides, options);
  const { frames, stride, flip, first = 0, count = frames } = request;
  const lift = { keypoints: keypointsOf(frames), stride, flip, first, count, batch: 0 };
  const error = relativeError(await compiled.lift(lift), await opByOp.lift(lift));
  await closeAll(compiled, opByOp);
  return error;
}

describe('whole windows', () => {
  it.each([9, 27, 81, 243, 351])('of %i frames come out as op by op', async (frames) => {
    expect(await windowError({ frames }, 3)).toBeLessThan(fp32Tolerance);
  });

  it.each([
    ['the published width', { width: 256, hidden: 512, layers: 3 }, 11],
    ['the full model', { width: 256, hidden: 512, layers: 4 }, 1],
    ['two residual blocks', { mlpBlocks: 2 }, 10],
    ['three residual blocks', { mlpBlocks: 3 }, 1],
    ['odd widths', { width: 63, hidden: 101, heads: 3, joints: 17 }, 5],
    ['one head', { width: 40, hidden: 24, heads: 1 }, 2],
    ['other joints', { outputJoints: 17, width: 96, heads: 6 }, 20],
  ] as const)('with %s too', async (_, overrides, batch) => {
    expect(await windowError(overrides, batch)).toBeLessThan(fp32Tolerance);
  });

  it.each(isas)('on %s', async (isa) => {
    expect(await windowError({ frames: 81, width: 64 }, 5, { isa })).toBeLessThan(fp32Tolerance);
    expect(await windowError({ width: 256, hidden: 512 }, 10, { isa })).toBeLessThan(fp32Tolerance);
  });
});

describe('a video', () => {
  it.each([
    [27, { frames: 200, stride: 1, flip: true }],
    [27, { frames: 30, stride: 3, flip: true, first: 4, count: 17 }],
    [27, { frames: 5, stride: 1, flip: false }],
    [9, { frames: 1, stride: 2, flip: true }],
    [81, { frames: 120, stride: 2, flip: false }],
    [243, { frames: 40, stride: 1, flip: true }],
    [351, { frames: 12, stride: 7, flip: false }],
  ] as const)('lifted with windows of %i comes out as op by op: %o', async (frames, request) => {
    expect(await videoError({ frames, width: 64 }, request)).toBeLessThan(fp32Tolerance);
  });

  it.each(isas)('on %s too', async (isa) => {
    expect(await videoError({ width: 256, hidden: 512 }, { frames: 50, stride: 1, flip: true }, { isa })).toBeLessThan(
      fp32Tolerance,
    );
    expect(
      await videoError({ width: 63, hidden: 101, heads: 3 }, { frames: 30, stride: 1, flip: true }, { isa }),
    ).toBeLessThan(fp32Tolerance);
  });

  it('comes out the same in one piece, in parts and among other clips, bit for bit', async () => {
    const { compiled, opByOp } = await twins({});
    const lengths = Int32Array.of(40, 1, 150, 7);
    const keypoints = keypointsOf(198);
    const common = { stride: 2, flip: true, batch: 0 };
    const together = await compiled.lift({ keypoints, ...common, first: 0, count: 198, lengths });
    const expected = new Float32Array(together.length);
    let start = 0;
    for (const count of lengths) {
      const clip = keypoints.subarray(34 * start, 34 * (start + count)).slice();
      expected.set(await compiled.lift({ keypoints: clip, ...common, first: 0, count }), 51 * start);
      if (count === 150) {
        const part = await compiled.lift({ keypoints: clip, ...common, first: 90, count: 11 });
        expect(part).toEqual(expected.slice(51 * (start + 90), 51 * (start + 101)));
      }
      start += count;
    }
    expect(together).toEqual(expected);
    expect(
      relativeError(together, await opByOp.lift({ keypoints, ...common, first: 0, count: 198, lengths })),
    ).toBeLessThan(fp32Tolerance);
    await closeAll(compiled, opByOp);
  });
});

describe('the compiled lifter', () => {
  it.each([27, 243])('gives the same bits for %i frames with any number of threads and any batch', async (frames) => {
    const results = [];
    for (const threads of [1, 2, 3, 5]) {
      const { compiled, opByOp } = await twins({ frames }, { threads });
      const all = await compiled.liftWindows({ keypoints: keypointsOf(13, frames), batch: 13 });
      const one = await compiled.liftWindows({ keypoints: keypointsOf(13, frames).slice(0, frames * 34), batch: 1 });
      expect(one).toEqual(all.slice(0, 51));
      const video = { keypoints: keypointsOf(45), stride: 1, flip: true, first: 0, count: 45, batch: 0 };
      results.push([...all, ...(await compiled.lift(video))]);
      await closeAll(compiled, opByOp);
    }
    for (const other of results.slice(1)) expect(other).toEqual(results[0]);
  });

  it('does without each of its folds, with the same result', async () => {
    const folds: Fold[] = ['firstLayer', 'feedForward', 'encoder'];
    const shape = { mlpBlocks: 2, width: 48, hidden: 72, heads: 3 };
    for (const withoutFolds of [...folds.map((fold) => [fold]), folds]) {
      for (const frames of [9, 27, 351]) {
        expect(await windowError({ ...shape, frames }, 2, { withoutFolds }), withoutFolds.join()).toBeLessThan(
          fp32Tolerance,
        );
      }
      const video = { frames: 40, stride: 1, flip: true };
      expect(await videoError(shape, video, { withoutFolds }), withoutFolds.join()).toBeLessThan(fp32Tolerance);
    }
    const wrong = () =>
      createNativeModel(nativeConfig(), {
        device: cpuDevice,
        precision: 'fp32',
        threads: 1,
        withoutFolds: ['x' as Fold],
      });
    expect(wrong).toThrow(/withoutFolds.*firstLayer.*"x"/);
  });

  it('holds where scores are far from zero: the bound fails and the greatest score is searched for', async () => {
    const { compiled, opByOp } = await twins({ width: 64 });
    for (const { name } of opByOp.tensors.filter((tensor) => /linears\.[01]\.weight/.test(tensor.name))) {
      const values = (await opByOp.read('value', name)).map((value) => value * 12);
      await opByOp.write('value', name, values);
      await compiled.write('value', name, values);
    }
    const windows = { keypoints: keypointsOf(9, 27), batch: 9 };
    const expected = await opByOp.liftWindows(windows);
    expect(expected.every(Number.isFinite)).toBe(true);
    expect(relativeError(await compiled.liftWindows(windows), expected)).toBeLessThan(10 * fp32Tolerance);
    await closeAll(compiled, opByOp);
  });

  it('follows the weights: written, initialized, trained', async () => {
    const { compiled, opByOp } = await twins({});
    const windows = { keypoints: keypointsOf(2, 27), batch: 2 };
    const agree = async () =>
      expect(relativeError(await compiled.liftWindows(windows), await opByOp.liftWindows(windows))).toBeLessThan(
        fp32Tolerance,
      );
    await agree();
    const trained = async (model: NativeModel) => {
      await model.setSequences({ keypoints: keypointsOf(40), poses: keypointsOf(60), lengths: Int32Array.of(40) });
      const train = {
        batch: 2,
        stride: 1,
        shuffleFrames: false,
        learningRate: 1e-2,
        seed: 1,
        firstStep: 0,
        update: true,
        flip: false,
      };
      await model.train({ samples: Int32Array.of(0, 5, 0, 0, 9, 1), ...train });
    };
    for (const change of [
      (model: NativeModel) => model.write('value', 'fcn.1.bias', new Float32Array(51).fill(0.5)),
      (model: NativeModel) => model.initialize(3),
      ...(cpuDevice === 'wasm' ? [] : [trained]),
    ]) {
      const before = await compiled.liftWindows(windows);
      await change(compiled);
      await change(opByOp);
      expect(await compiled.liftWindows(windows)).not.toEqual(before);
      await agree();
    }
    await closeAll(compiled, opByOp);
  });

  it('says why a network is not supported, and lifts it op by op', async () => {
    const reasons: [Partial<NativeConfig>, string][] = [
      [{ backbone: 'fc' }, 'spatial encoder'],
      [{ aggregate: false }, 'frame aggregator'],
      [{ temporal: false }, 'temporal encoder'],
      [{ stage: 1 }, 'Stage I'],
    ];
    for (const [overrides, text] of reasons) {
      const model = createNativeModel(nativeConfig(overrides), { device: cpuDevice, precision: 'fp32', threads: 1 });
      expect(model.unsupportedReason).toContain(text);
      if (overrides.stage !== 1) {
        await model.initialize(1);
        const windows = { keypoints: keypointsOf(2, 27), batch: 2 };
        expect(await model.liftWindows(windows)).toEqual((await model.forward(windows)).single);
      }
      await model.close();
    }
  });
});
