import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { NativeConfig, NativeModel, NativeOptions } from '../../binding.js';
import { createNativeModel, cudaDevice, cudaMatmul, machine, measurePeak, runOp } from '../../lib/binding.js';
import { chooseCudaDevice, emulatedCublasLt, isEmulated } from '../helpers/cuda-device.js';
import { emulationLog, withEnvironment } from '../helpers/emulation-log.js';
import { closeAll, randomKeypoints } from '../helpers/lifter-twins.js';
import { nativeConfig } from '../helpers/native-model.js';
import { fill, pattern } from '../helpers/pattern.js';

// Several devices in one process, as the emulated machine pretends them.
const reason = chooseCudaDevice() ?? (isEmulated() ? undefined : 'the device is not the emulated one');
if (reason) console.log(`Several GPUs are not tested: ${reason}`);

const program = fileURLToPath(new URL('../../build/emulated/device-cases', import.meta.url));
const small = { frames: 9, layers: 1, width: 32, hidden: 48, heads: 4 } as const;
const lift = { keypoints: randomKeypoints(4), stride: 1, flip: true, first: 0, count: 4, batch: 0 };

async function model(overrides: Partial<NativeConfig>, options: Partial<NativeOptions>): Promise<NativeModel> {
  const common = { device: 'cuda:0', precision: 'fp32', threads: 1, matmul: 'own' } as const;
  const made = createNativeModel(nativeConfig({ ...small, ...overrides }), { ...common, ...options });
  for (const { name, shape } of made.tensors) await made.write('value', name, fill(name, shape).data);
  return made;
}

/** Poses of a lift and the weights after two steps of training, on a device. */
async function liftAndTrain(device: `cuda:${number}`, compiled: 'on' | 'off', precision: 'fp32' | 'bf16') {
  const made = await model({}, { device, compiled, precision, profile: true });
  const poses = await made.lift(lift);
  const windows = await made.liftWindows({ keypoints: randomKeypoints(18), batch: 2 });
  await made.startProfile('ops');
  await made.setSequences({
    keypoints: pattern('keypoints', 21, 17, 2).data,
    poses: pattern('poses', 21, 17, 3).data,
    lengths: Int32Array.of(21),
  });
  const losses = await made.train({
    ...{ samples: Int32Array.from([0, 3, 0, 0, 9, 1, 0, 5, 0]), batch: 1, stride: 1 },
    ...{ shuffleFrames: false, learningRate: 1e-3, seed: 7, firstStep: 0, update: true, flip: false },
  });
  const profiled = (await made.stopProfile()).length;
  const weights = await made.read('value', 'fcn.1.bias');
  await made.close();
  return { poses, windows, losses, profiled, weights };
}

describe.skipIf(reason !== undefined || !existsSync(program))('two devices in one process', () => {
  const said: Record<string, RegExp> = {
    timesWhileAnotherDeviceWorks: /^passes$/,
    takesTwoSizesAtOnce: /^passes$/,
    freesFromAnotherDevice: /^passes$/,
    launchesInAnotherDevicesStream: /"invalid resource handle" while starting a kernel/,
    readsAnotherDevicesMemory: /stopped a kernel: it runs on device 1 and was given memory of device 0/,
    takesMoreThanItAskedFor: /"invalid argument" while starting a kernel/,
  };

  it('are kept apart by the backend, and a wrong one is an error', () => {
    const lines = execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
    const verdicts = new Map(lines.map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]));
    expect([...verdicts.keys()]).toEqual(Object.keys(said));
    for (const [name, pattern] of Object.entries(said)) expect(verdicts.get(name), name).toMatch(pattern);
  });
});

describe.skipIf(reason !== undefined)('a second GPU', () => {
  it.each([
    ['on', 'fp32'],
    ['off', 'fp32'],
    ['on', 'bf16'],
  ] as const)('lifts and trains as the first, which cannot be used: compiled %s, %s', async (compiled, precision) => {
    const expected = await liftAndTrain('cuda:0', compiled, precision);
    const [found, log] = await emulationLog(() =>
      withEnvironment({ PSTMO_EMULATION_UNUSABLE: '0' }, () => liftAndTrain('cuda:1', compiled, precision)),
    );
    expect(found).toEqual(expected);
    expect(log.filter((line) => line.startsWith('refused'))).toEqual([]);
  });

  it('is asked in place of the first', async () => {
    const gone = { PSTMO_EMULATION_UNUSABLE: '0', PSTMO_CUBLASLT: emulatedCublasLt };
    const [, log] = await emulationLog(() =>
      withEnvironment(gone, async () => {
        expect(machine().cuda).toMatchObject({ found: true, devices: 2, device: 1, code: '' });
        expect(cudaDevice(1)).toMatchObject({ found: true, code: '' });
        expect(cudaDevice(0)).toMatchObject({
          ...{ found: false, code: 'ERR_CUDA_DRIVER' },
          reason: 'GPU 0 of 2 cannot be used: CUDA-capable device(s) is/are busy or unavailable.',
        });
        expect(cudaDevice(2).reason).toBe('There is no CUDA device 2: this machine has 2, counted from 0.');
        expect(() => cudaDevice(-1)).toThrow(/device/);
        expect(cudaMatmul(1)).toMatch(/^cuBLASLt 13/);
        expect(await measurePeak(1, 'copy', 0.001, 'cuda:1')).toBeGreaterThan(0);
        expect(await measurePeak(1, 'fp32', 0.001, 'cuda:1')).toBeGreaterThan(0);
        const y = new Float32Array(4);
        const device = { device: 'cuda:1', precision: 'fp32', threads: 1, isa: 'auto' } as const;
        const tensors = { x: new Float32Array(4).fill(2), weight: new Float32Array(4).fill(1), y };
        runOp(device, 'linearForward', tensors, { rows: 2, in: 2, out: 2 });
        expect([...y]).toEqual([4, 4, 4, 4]);
      }),
    );
    expect(log.filter((line) => line.startsWith('refused'))).toEqual([]);
  });

  it('has its own shared memory, which its blocks keep to', async () => {
    // At this width the blocks of an H200 do not fit on the second.
    await withEnvironment({ PSTMO_EMULATION_ARCH: '90,86' }, async () => {
      const wide = { width: 256, heads: 8, hidden: 64 };
      const [first, second] = [
        await model(wide, { device: 'cuda:0', compiled: 'on' }),
        await model(wide, { device: 'cuda:1', compiled: 'on' }),
      ];
      const windows = { keypoints: randomKeypoints(9), batch: 1 };
      expect(await second.liftWindows(windows)).toEqual(await first.liftWindows(windows));
      await closeAll(first, second);
      expect(() =>
        createNativeModel(nativeConfig({ ...small, width: 512, heads: 8 }), {
          ...{ device: 'cuda:1', precision: 'fp32', threads: 1, compiled: 'on' },
        }),
      ).toThrow(/this GPU has 101376/);
    });
  });

  it('and the first lift at once, two widths on each', async () => {
    const models = await Promise.all(
      (['cuda:0', 'cuda:0', 'cuda:1', 'cuda:1'] as const).map((device, i) =>
        model({ width: i % 2 ? 128 : 64 }, { device, compiled: 'on' }),
      ),
    );
    const together = await Promise.all(models.map((one) => one.lift(lift)));
    for (const [i, one] of models.entries()) expect(await one.lift(lift)).toEqual(together[i]);
    expect(together[2]).toEqual(together[0]);
    expect(together[3]).toEqual(together[1]);
    await closeAll(...models);
  });
});
