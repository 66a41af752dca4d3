import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { machine } from '../../lib/binding.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { resolveDevice } from '../../lib/networks/device.js';
import { runHere } from '../helpers/cli.js';
import { chooseCudaDevice, emulatedCublasLt, isEmulated } from '../helpers/cuda-device.js';
import { withEnvironment } from '../helpers/emulation-log.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

// Machines with a GPU and without, as the emulated device pretends them.
const reason = chooseCudaDevice() ?? (isEmulated() ? undefined : 'the device is not the emulated one');
if (reason) console.log(`Machines of every kind are not tested: ${reason}`);

const refusals = [
  ['no driver', { PSTMO_EMULATION_DRIVER: '0' }, 'ERR_NO_CUDA', /No NVIDIA driver was found.*use device "cpu"/],
  ['a driver without a GPU', { PSTMO_EMULATION_DEVICES: '0' }, 'ERR_NO_CUDA', /found no GPU.*use device "cpu"/],
  [
    'too old a driver',
    { PSTMO_EMULATION_DRIVER: '12040' },
    'ERR_CUDA_DRIVER',
    /driver here knows CUDA 12\.4; this build needs a driver for CUDA 13\.0 or newer/,
  ],
  ['too old a GPU', { PSTMO_EMULATION_ARCH: '75' }, 'ERR_CUDA_ARCH', /compute capability 7\.5.*no code.*8\.0 or newer/],
] as const;

describe.skipIf(reason !== undefined)('a machine with', () => {
  it.each(refusals)('%s says so, and nothing falls back', async (_, environment, code, message) => {
    await withEnvironment(environment, async () => {
      expect(machine().cuda).toMatchObject({ built: true, found: false, code });
      expect(() => resolveDevice('cuda')).toThrow(
        expect.objectContaining({ code, message: expect.stringMatching(message) }),
      );
      const told: string[] = [];
      expect(resolveDevice('auto', (text) => told.push(text))).toBe('cpu');
      expect(told).toEqual([expect.stringMatching(/^device auto: the CPU, since no GPU can be used\. /)]);
    });
  });

  it('a GPU has it chosen by auto, which says so', () => {
    const told: string[] = [];
    expect(resolveDevice('auto', (text) => told.push(text))).toBe('cuda:0');
    expect(told).toEqual([
      expect.stringMatching(/^device auto: the GPU, emulated on the host, compute capability 9\.0/),
    ]);
  });
});

describe.skipIf(reason !== undefined)('several GPUs', () => {
  const keypoints = (frames: number) => ({
    data: Float32Array.from({ length: frames * 34 }, (_, i) => 500 + 200 * Math.sin(i)),
    shape: [frames, 17, 2],
  });
  const image = { width: 1000, height: 1000 };
  const folder = temporaryFolder();
  const weights = join(folder, 'model.safetensors');
  beforeAll(() => writeSmallModel(weights, { layers: 1, heads: 4 }));

  it.each(['auto', 'off'] as const)('lift to the same bits as one, compiled %s', async (compiled) => {
    const one = await PoseLifter.load(weights, { device: 'cuda', compiled, matmul: 'own' });
    const all = await PoseLifter.load(weights, { device: 'cuda:all', compiled, matmul: 'own' });
    expect(all.device).toMatch(/^CUDA device 0, .*; CUDA device 1, /);
    expect(all.memoryBytes).toBeGreaterThan(1.9 * one.memoryBytes);
    const seen: number[] = [];
    const options = { ...image, onProgress: (done: number) => seen.push(done) };
    for (const frames of [3, 19]) {
      const expected = await one.lift(keypoints(frames), image);
      expect(await all.lift(keypoints(frames), options), `${frames} frames`).toEqual(expected);
      expect(seen.at(-1)).toBe(frames);
    }
    const clips = [5, 1, 6].map((frames) => ({ keypoints: keypoints(frames), ...image }));
    const poses = [];
    for await (const clip of all.liftMany(clips)) poses.push(clip);
    const expected = [];
    for await (const clip of one.liftMany(clips)) expected.push(clip);
    expect(poses).toEqual(expected);
    const frame = { data: keypoints(1).data, shape: [17, 2] };
    const [stream, alone] = [await all.stream(image), await one.stream(image)];
    expect(await stream.push(frame)).toEqual(await alone.push(frame));
    expect(await stream.end()).toEqual(await alone.end());
    await one.close();
    await all.close();
  });

  it('stop together where one of them fails or is stopped', async () => {
    const all = await PoseLifter.load(weights, { device: 'cuda:all' });
    const signal = AbortSignal.abort();
    await expect(all.lift(keypoints(18), { ...image, signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await withEnvironment({ PSTMO_EMULATION_MEMORY: '8589934592,1' }, async () => {
      await expect(all.lift(keypoints(18), image)).rejects.toMatchObject({ code: 'ERR_CUDA_OOM' });
    });
    expect((await all.lift(keypoints(18), image)).shape).toEqual([18, 17, 3]);
    await all.close();
  });

  it('are refused where there are none, one, or one that cannot be used, and for training', async () => {
    const load = () => PoseLifter.load(weights, { device: 'cuda:all' });
    await withEnvironment({ PSTMO_EMULATION_DEVICES: '1' }, () =>
      expect(load()).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringMatching(/^device cuda:all: expected two GPUs or more, found one \(emulated.*"cuda"\.$/),
      }),
    );
    await withEnvironment({ PSTMO_EMULATION_DEVICES: '0' }, () =>
      expect(load()).rejects.toMatchObject({ code: 'ERR_NO_CUDA', message: expect.stringMatching(/found no GPU/) }),
    );
    await withEnvironment({ PSTMO_EMULATION_UNUSABLE: '1' }, () =>
      expect(load()).rejects.toMatchObject({
        code: 'ERR_CUDA_DRIVER',
        message: expect.stringMatching(/GPU 1 of 2 cannot be used.*CUDA_VISIBLE_DEVICES/),
      }),
    );
    expect(() => resolveDevice('cuda:all')).toThrow(/training and profiling run on one GPU.*expected cuda or cuda:N/);
    const { code, err } = await runHere(['lift', 'x.json', '--device', 'cuda:some']);
    expect(code).toBe(2);
    expect(err).toMatch(/Expected auto, cpu, wasm, cuda, cuda:<number> or cuda:all\./);
    const trained = await runHere(['finetune', 'x.npz', '--out', join(folder, 'out'), '--device', 'cuda:all']);
    expect(trained.err).toMatch(/device cuda:all: training and profiling run on one GPU/);
  });
});

describe.skipIf(reason !== undefined)('doctor', () => {
  it('explains the GPU and what multiplies on it', async () => {
    const without = await runHere(['doctor']);
    expect(without.out).toMatch(
      /^GPU cuda:0: emulated on the host, compute capability 9\.0.* It lifts compiled, which passed its self-test\.$/m,
    );
    expect(without.out).toMatch(/^GPU cuda:1: emulated on the host/m);
    expect(without.out).toMatch(
      /^Matrix .+ on the GPU: own kernels, since no cuBLASLt could be opened \(.+\), \S+ GFLOP\/s in fp32$/m,
    );
    const environment = { PSTMO_CUBLASLT: emulatedCublasLt };
    const { out } = await withEnvironment(environment, () => runHere(['doctor', '--json']));
    const { gpuMatmul, gpus } = JSON.parse(out);
    expect(gpus).toMatchObject([
      { device: 'cuda:0', found: true },
      { device: 'cuda:1', found: true },
    ]);
    expect(gpuMatmul.using).toBe(`cuBLASLt 13.0.0 (${emulatedCublasLt})`);
    expect(gpuMatmul.gflops.auto).toBeGreaterThan(0);
    expect(gpuMatmul.gflops.own).toBeGreaterThan(0);
  });

  it('asks the GPU that can be used, and says which cannot', async () => {
    const { out } = await withEnvironment({ PSTMO_EMULATION_UNUSABLE: '0' }, () => runHere(['doctor']));
    expect(out).toMatch(/^GPU cuda:0: not usable\. GPU 0 of 2 cannot be used: CUDA-capable device\(s\) is\/are busy/m);
    expect(out).toMatch(/^GPU cuda:1: emulated .* It lifts compiled/m);
    expect(out).toMatch(/^Matrix .+ on the GPU: own kernels/m);
  });

  it.each([
    [{ PSTMO_EMULATION_DRIVER: '0' }, 'No NVIDIA driver was found on this machine.'],
    [
      { PSTMO_EMULATION_DRIVER: '12040' },
      'The NVIDIA driver here knows CUDA 12.4; this build needs a driver for CUDA 13.0 or newer.',
    ],
    [
      { PSTMO_EMULATION_DEVICES: '0' },
      'The NVIDIA driver found no GPU that can be used: no CUDA-capable device is detected.',
    ],
  ])('explains a machine without a GPU that can be used: %o', async (environment, why) => {
    const { out } = await withEnvironment(environment, () => runHere(['doctor']));
    expect(out).toContain(`\nGPU: none. ${why}\n`);
    expect(out).not.toContain('Matrix products on the GPU');
  });
});

describe.skipIf(reason !== undefined)('a kernel that touches a wrong address', () => {
  it('ends the GPU for its process, which says so and goes on on the CPU', () => {
    const child = fileURLToPath(new URL('./lost-context.mjs', import.meta.url));
    const { stdout, stderr, status } = spawnSync(process.execPath, [child], {
      encoding: 'utf8',
      env: { ...process.env, PSTMO_EMULATION_FAULT: '5' },
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { first, second, cpu } = JSON.parse(stdout) as Record<
      string,
      { code?: string; message?: string; poses?: number }
    >;
    expect(first.code).toBe('ERR_CUDA_DRIVER');
    expect(first.message).toMatch(
      /illegal memory access.*lost its CUDA context: models on the CPU go on, those on the GPU need a new process/,
    );
    expect(second.code).toBe('ERR_CUDA_DRIVER');
    expect(second.message).toMatch(/lost its CUDA context/);
    expect(cpu.poses).toBe(3 * 17 * 3);
  });
});
