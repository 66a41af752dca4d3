import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NativeConfig, NativeOptions } from '../../binding.js';
import { createNativeModel } from '../../lib/binding.js';
import { chooseCudaDevice, isEmulated, testDevice } from '../helpers/cuda-device.js';
import { goldenTensor, loadGolden } from '../helpers/golden.js';
import { closeAll, randomKeypoints, twins } from '../helpers/lifter-twins.js';
import { nativeConfig, relativeError } from '../helpers/native-model.js';
import { fill, pattern } from '../helpers/pattern.js';
import { lifterCases, lifterTolerance, runLifterCase } from './lifter-cases.js';

const reason = chooseCudaDevice();
if (reason !== undefined) console.log(`The compiled lifter on CUDA is not tested: ${reason}`);

const device = reason === undefined ? testDevice() : 'cpu';
const small = { frames: 9, layers: 1, width: 32, hidden: 48, heads: 4 };

/** Compiled, with the deterministic weights of the goldens. */
async function goldenModel(overrides: Partial<NativeConfig>, options: Partial<NativeOptions> = {}) {
  const model = createNativeModel(nativeConfig(overrides), {
    ...{ device, precision: 'fp32', threads: 1, compiled: 'on' },
    ...options,
  });
  for (const { name, shape } of model.tensors) await model.write('value', name, fill(name, shape).data);
  return model;
}

/** Runs with the emulated GPU of another compute capability. */
async function onArchitecture(capability: string, run: () => Promise<void>): Promise<void> {
  process.env.PSTMO_EMULATION_ARCH = capability;
  try {
    await run();
  } finally {
    delete process.env.PSTMO_EMULATION_ARCH;
  }
}

describe.skipIf(reason !== undefined)('the compiled lifter on CUDA', () => {
  const cases = lifterCases.flatMap((lifterCase) =>
    lifterCase.precisions.map((precision) => [lifterCase.about, precision, lifterCase] as const),
  );

  it.each(cases)('gives what the opByOp gives, and the same bits twice: %s, %s', async (_, precision, lifterCase) => {
    const { first, second, error } = await runLifterCase(lifterCase, device, precision);
    expect(error).toBeLessThan(lifterTolerance[precision]);
    expect(second).toEqual(first);
  });

  it('gives the poses of the oracle', async () => {
    const golden = loadGolden('forward_n9_l3_d64');
    const model = await goldenModel({ frames: 9 });
    const poses = await model.liftWindows({ keypoints: pattern('input', 2, 9, 17, 2).data, batch: 2 });
    expect(relativeError(poses, goldenTensor(golden, 'single').data)).toBeLessThan(1e-5);
    await model.close();
  });

  it("errs in bf16 at most twice as much as PyTorch's autocast", async () => {
    const fixture = new URL('../fixtures/lifter/bf16-error.json', import.meta.url);
    const [torch] = JSON.parse(readFileSync(fixture, 'utf8')).cases;
    // The published width takes the emulated device a minute; what bf16 keeps of a number does not depend on it.
    const shape = { frames: torch.frames, layers: torch.layers, ...(isEmulated() ? {} : { width: 256, hidden: 512 }) };
    const batch = isEmulated() ? 1 : torch.batch;
    const windows = { keypoints: pattern('input', torch.batch, torch.frames, 17, 2).data, batch };
    windows.keypoints = windows.keypoints.slice(0, batch * torch.frames * 34);
    const exact = await goldenModel(shape, { device: 'cpu', compiled: 'off' });
    const compiled = await goldenModel(shape, { precision: 'bf16' });
    const error = relativeError(await compiled.liftWindows(windows), await exact.liftWindows(windows));
    expect(error).toBeGreaterThan(1e-5);
    expect(error).toBeLessThan(2 * torch.relativeError);
    await closeAll(compiled, exact);
  });

  it('takes the feed-forward and the spatial encoder through one kernel and through more to the same bits', async () => {
    for (const [fold, precision, shape, batch] of [
      ['feedForward', 'fp32', { width: 16, hidden: 16 }, 8],
      ['feedForward', 'tf32', { width: 16, hidden: 16 }, 8],
      ['feedForward', 'bf16', { width: 16, hidden: 16 }, 8],
      ['feedForward', 'fp32', { width: 64, hidden: 300 }, 1],
      ['feedForward', 'tf32', { width: 64, hidden: 300 }, 1],
      ['feedForward', 'bf16', { width: 64, hidden: 300 }, 1],
      ['encoder', 'bf16', { width: 16, hidden: 16 }, 15],
      ['encoder', 'bf16', { width: 104, heads: 4, mlpBlocks: 2 }, 1],
      ['encoder', 'bf16', { width: 256, hidden: 64, heads: 8, layers: 1 }, 1],
    ] as const) {
      const poses = [];
      for (const withoutFolds of [[], [fold]]) {
        const model = await goldenModel({ ...small, ...shape }, { precision, withoutFolds });
        const keypoints = pattern('input', batch, 9, 17, 2).data;
        poses.push(await model.liftWindows({ keypoints, batch }));
        await model.close();
      }
      expect(poses[0], `${fold}, ${precision}, width ${shape.width}`).toEqual(poses[1]);
    }
  });

  it("adds up a frame's and a position's first Q, K and V where windows share frames", async () => {
    const lift = { keypoints: randomKeypoints(3), stride: 1, flip: false, first: 0, count: 3, batch: 0 };
    const shared = await twins(small, { device });
    const single = await twins(small, { device, withoutFolds: ['firstLayer'] });
    const [poses, others] = [await shared.compiled.lift(lift), await single.compiled.lift(lift)];
    // Other sums, of which something is left in the last bits.
    expect(poses).not.toEqual(others);
    expect(relativeError(poses, others)).toBeLessThan(lifterTolerance.fp32);
    await closeAll(shared.compiled, shared.opByOp, single.compiled, single.opByOp);
  });

  it('streams what it lifts, bit for bit', async () => {
    const { compiled, opByOp } = await twins(small, { device });
    const frames = 7;
    const keypoints = randomKeypoints(frames);
    const expected = await compiled.lift({ keypoints, stride: 1, flip: true, first: 0, count: frames, batch: 0 });
    const stream = await compiled.openStream({ stride: 1, flip: true, lookahead: 4 });
    const poses: number[] = [];
    for (let frame = 0; frame < frames; frame++) {
      poses.push(...(await compiled.pushFrame(stream, keypoints.slice(frame * 34, (frame + 1) * 34))));
    }
    poses.push(...(await compiled.endStream(stream)));
    expect(Float32Array.from(poses)).toEqual(expected);
    await closeAll(compiled, opByOp);
  });

  it('follows the weights', async () => {
    const { compiled, opByOp } = await twins(small, { device });
    const windows = { keypoints: randomKeypoints(9), batch: 1 };
    const before = await compiled.liftWindows(windows);
    for (const model of [compiled, opByOp]) await model.write('value', 'fcn.1.bias', new Float32Array(51).fill(0.5));
    const after = await compiled.liftWindows(windows);
    expect(after).not.toEqual(before);
    expect(relativeError(after, await opByOp.liftWindows(windows))).toBeLessThan(lifterTolerance.fp32);
    await closeAll(compiled, opByOp);
  });

  it('runs where it is asked for, and says why where it does not', async () => {
    const model = (overrides: Partial<NativeConfig>, compiled: 'auto' | 'on' | 'off') =>
      createNativeModel(nativeConfig(overrides), { device, precision: 'fp32', threads: 1, compiled });
    const reasonOf = async (overrides: Partial<NativeConfig>, compiled: 'auto' | 'on' | 'off') => {
      const made = model(overrides, compiled);
      await made.close();
      return made.unsupportedReason;
    };
    expect(await reasonOf(small, 'on')).toBe('');
    expect(await reasonOf(small, 'auto')).toBe('');
    expect(await reasonOf(small, 'off')).toContain('off');
    const refused = { code: 'ERR_UNSUPPORTED' };
    for (const [overrides, text] of [
      [{ backbone: 'fc' }, /compiled "on".*spatial encoder/],
      [{ aggregate: false }, /compiled "on".*frame aggregator/],
      [{ stage: 1 }, /compiled "on".*Stage I/],
      [{ width: 258, heads: 2 }, /compiled "on".*wider than 128/],
    ] as const) {
      expect(() => model({ ...small, ...overrides }, 'on')).toThrow(
        expect.objectContaining({ ...refused, message: expect.stringMatching(text) }),
      );
    }
  });

  it.runIf(isEmulated())(
    'takes smaller blocks where there is less shared memory, or says that it needs more',
    async () => {
      for (const precision of ['fp32', 'bf16'] as const) {
        // At this width the blocks of an H200 do not fit.
        const wide = { ...small, width: 256, heads: 8, hidden: 64 };
        const windows = { keypoints: pattern('input', 1, 9, 17, 2).data, batch: 1 };
        const exact = await goldenModel(wide, { device: 'cpu', compiled: 'off' });
        const expected = await exact.liftWindows(windows);
        await onArchitecture('86', async () => {
          const compiled = await goldenModel(wide, { precision });
          expect(relativeError(await compiled.liftWindows(windows), expected)).toBeLessThan(lifterTolerance[precision]);
          await closeAll(compiled, exact);
        });
      }
      await onArchitecture('86', async () => {
        const wide = nativeConfig({ ...small, width: 512, heads: 8 });
        const options = { device, precision: 'fp32', threads: 1, compiled: 'on' } as const;
        expect(() => createNativeModel(wide, options)).toThrow(/need \d+ bytes of shared memory a block.*has 101376/);
      });
    },
  );
});
