import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { machine } from '../../lib/binding.js';
import { resolveDevice } from '../../lib/networks/device.js';
import { runHere } from '../helpers/cli.js';
import { chooseCudaDevice, emulatedCublasLt, isEmulated } from '../helpers/cuda-device.js';
import { withEnvironment } from '../helpers/emulation-log.js';

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

describe.skipIf(reason !== undefined)('doctor', () => {
  it('explains the GPU and what multiplies on it', async () => {
    const without = await runHere(['doctor']);
    expect(without.out).toMatch(/^GPU: emulated on the host, compute capability 9\.0/m);
    expect(without.out).toMatch(
      /^Matrix .+ on the GPU: own kernels, since no cuBLASLt could be opened \(.+\), \S+ GFLOP\/s in fp32$/m,
    );
    const environment = { PSTMO_CUBLASLT: emulatedCublasLt };
    const { out } = await withEnvironment(environment, () => runHere(['doctor', '--json']));
    const { gpuMatmul } = JSON.parse(out);
    expect(gpuMatmul.using).toBe(`cuBLASLt 13.0.0 (${emulatedCublasLt})`);
    expect(gpuMatmul.gflops.auto).toBeGreaterThan(0);
    expect(gpuMatmul.gflops.own).toBeGreaterThan(0);
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
