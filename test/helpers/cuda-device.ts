import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const emulated = fileURLToPath(new URL('../../build/emulated', import.meta.url));

/**
 * Where the tests that take `device` run: PSTMO_TEST_DEVICE (`cpu`, `wasm`, or `cuda:0` on a machine with a GPU), else the CPU. A
 * function, since a test file may choose the emulated device after its imports.
 */
export function testDevice(): 'cpu' | 'wasm' | `cuda:${number}` {
  const device = process.env.PSTMO_TEST_DEVICE ?? 'cpu';
  if (!/^(cpu|wasm|cuda:\d)$/.test(device)) {
    throw new Error(`PSTMO_TEST_DEVICE: cpu, wasm or cuda:N expected, got "${device}".`);
  }
  return device as ReturnType<typeof testDevice>;
}

/** The cuBLASLt of the emulated device. */
export const emulatedCublasLt: string = `${emulated}/libcublasLt.so`;

/** True where the CUDA device is an emulated one, on which only small shapes are affordable. */
export function isEmulated(): boolean {
  return testDevice().startsWith('cuda') && process.env.PSTMO_PREBUILD !== undefined;
}

/** True where a test must take small shapes alone: on an emulated device, and where PSTMO_TEST_SHAPES is `small` (a build without optimization). */
export function onlySmallShapes(): boolean {
  return isEmulated() || process.env.PSTMO_TEST_SHAPES === 'small';
}

/**
 * Makes `cuda:0` the device of this test file: the real one where PSTMO_TEST_DEVICE names it, else the emulated one, whose
 * addon is loaded in place of the usual one. To be called before the addon loads. Returns why the file must be skipped, if
 * it must.
 */
export function chooseCudaDevice(): string | undefined {
  if (testDevice().startsWith('cuda')) return undefined;
  if (!existsSync(`${emulated}/build/Release/pstmo.node`)) return 'no emulated device: run `npm run build:emulated`';
  process.env.PSTMO_PREBUILD = emulated;
  process.env.PSTMO_TEST_DEVICE = 'cuda:0';
  return undefined;
}
