import type { NativeOptions } from '../../binding.js';
import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';
import { machine, nativeBuild } from '../binding.js';

/**
 * Where a network runs. `auto`: a GPU where one can be used, else the CPU. `wasm`: WebAssembly, on the CPU too; it serves for `auto`
 * and `cpu` where this platform has no native build.
 */
export type DeviceOption = 'auto' | 'cpu' | 'wasm' | 'cuda' | `cuda:${number}`;

/** What to do where a GPU was asked for and cannot be used, by why it cannot. */
const REMEDIES = {
  ERR_NO_CUDA:
    'An NVIDIA GPU (compute capability 8.0 or newer) with its driver and a build of pstmo with CUDA are needed; use ' +
    'device "cpu", or build a clone of pstmo where nvcc is installed (PSTMO_CUDA=on).',
  ERR_CUDA_ARCH: 'Use device "cpu", or build a clone of pstmo for this GPU.',
  ERR_CUDA_DRIVER: 'Use device "cpu" until that is put right.',
} as const;

/**
 * Turns the option into a device, never into another than was asked for; `auto` says through `onNotice` what it chose
 * and why. Where a GPU was asked for and cannot be used it throws `ERR_NO_CUDA` (no GPU, no driver, or a build without
 * CUDA), `ERR_CUDA_ARCH` (a GPU for which the build has no code) or `ERR_CUDA_DRIVER` (too old a driver); `ERR_ARGUMENT`
 * for an unknown name.
 */
export function resolveDevice(
  device: DeviceOption = 'auto',
  onNotice?: (text: string) => void,
): NativeOptions['device'] {
  if (device === 'cpu' || device === 'wasm') {
    return device;
  }
  const match = /^(?:auto|cuda(?::(\d+))?)$/.exec(device);
  if (!match) {
    throw new PoseError('ERR_ARGUMENT', `device: expected auto, cpu, wasm, cuda or cuda:N, got ${valueText(device)}.`);
  }
  const { cuda } = machine();
  const usable = cuda.built && cuda.found;
  if (device === 'auto') {
    onNotice?.(
      usable
        ? `device auto: the GPU, ${cuda.reason}`
        : `device auto: the CPU, since no GPU can be used. ${cuda.reason}`,
    );
    return usable ? 'cuda:0' : 'cpu';
  }
  if (!usable) {
    const code = cuda.code || 'ERR_NO_CUDA';
    throw new PoseError(code, `device ${device}: ${cuda.reason} ${REMEDIES[code]}`);
  }
  return `cuda:${Number(match[1] ?? 0)}`;
}

/** Throws `ERR_UNSUPPORTED` where training was asked of WebAssembly, which lifts and does not train. */
export function checkTrains(device: DeviceOption | undefined): void {
  const problem = device === 'wasm' ? 'it was asked for by name' : nativeBuild().problem;
  if (problem === undefined) return;
  throw new PoseError(
    'ERR_UNSUPPORTED',
    `device ${device ?? 'auto'}: WebAssembly does not train, and nothing else can here (${problem}): expected a platform ` +
      'with a native build, or a clone of pstmo built with CMake and a C++20 compiler (npm run build:native).',
  );
}
