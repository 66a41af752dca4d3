import type { CudaInfo, NativeOptions } from '../../binding.js';
import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';
import { cudaDevice, machine, nativeBuild } from '../binding.js';

/**
 * Where a network runs. `auto`: a GPU where one can be used, else the CPU. `cuda`: the first GPU that can be used. `cuda:all`: every GPU,
 * for lifting alone. `wasm`: WebAssembly, on the CPU too; it serves for `auto` and `cpu` where this platform has no native build.
 */
export type DeviceOption = 'auto' | 'cpu' | 'wasm' | 'cuda' | 'cuda:all' | `cuda:${number}`;

type NativeDevice = NativeOptions['device'];

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
 * CUDA), `ERR_CUDA_ARCH` (a GPU for which the build has no code) or `ERR_CUDA_DRIVER` (too old a driver, or a GPU that cannot be
 * opened); `ERR_ARGUMENT` for an unknown name, `ERR_UNSUPPORTED` for `cuda:all`.
 */
export function resolveDevice(device: DeviceOption = 'auto', onNotice?: (text: string) => void): NativeDevice {
  if (device === 'cuda:all') throw onlyForLifting();
  if (device === 'cpu' || device === 'wasm') {
    return device;
  }
  const match = /^(?:auto|cuda(?::(\d{1,3}))?)$/.exec(device);
  if (!match) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `device: expected auto, cpu, wasm, cuda, cuda:N or cuda:all, got ${valueText(device)}.`,
    );
  }
  if (match[1] !== undefined) {
    checkUsable(device, cudaDevice(Number(match[1])));
    return `cuda:${Number(match[1])}`;
  }
  const { cuda } = machine();
  const usable = cuda.built && cuda.found;
  if (device === 'auto') {
    onNotice?.(
      usable
        ? `device auto: the GPU, ${cuda.reason}`
        : `device auto: the CPU, since no GPU can be used. ${cuda.reason}`,
    );
    return usable ? `cuda:${cuda.device}` : 'cpu';
  }
  checkUsable(device, cuda);
  return `cuda:${cuda.device}`;
}

/** The same for lifting, which `cuda:all` spreads over every GPU of the machine. Throws also where one of them cannot be used. */
export function resolveDevices(
  device: DeviceOption = 'auto',
  onNotice?: (text: string) => void,
): [NativeDevice, ...NativeDevice[]] {
  if (device !== 'cuda:all') return [resolveDevice(device, onNotice)];
  const { cuda } = machine();
  checkUsable(device, cuda);
  if (cuda.devices < 2) {
    throw new PoseError(
      'ERR_UNSUPPORTED',
      `device cuda:all: expected two GPUs or more, found one (${cuda.reason.replace(/\.$/, '')}); use device "cuda".`,
    );
  }
  const all = Array.from({ length: cuda.devices }, (_, number): NativeDevice => `cuda:${number}`);
  all.forEach((_, number) => {
    checkUsable(device, cudaDevice(number), ', or hide that GPU from this process (CUDA_VISIBLE_DEVICES)');
  });
  return all as [NativeDevice, ...NativeDevice[]];
}

function checkUsable(device: DeviceOption, cuda: CudaInfo, otherwise = ''): void {
  if (cuda.built && cuda.found) return;
  const code = cuda.code || 'ERR_NO_CUDA';
  throw new PoseError(code, `device ${device}: ${cuda.reason} ${REMEDIES[code].replace(/\.$/, `${otherwise}.`)}`);
}

function onlyForLifting(): PoseError {
  return new PoseError(
    'ERR_UNSUPPORTED',
    'device cuda:all: training and profiling run on one GPU, lifting alone on several: expected cuda or cuda:N.',
  );
}

/** Throws `ERR_UNSUPPORTED` where training was asked of WebAssembly or of several GPUs, which lift and do not train. */
export function checkTrains(device: DeviceOption | undefined): void {
  if (device === 'cuda:all') throw onlyForLifting();
  const problem = device === 'wasm' ? 'it was asked for by name' : nativeBuild().problem;
  if (problem === undefined) return;
  throw new PoseError(
    'ERR_UNSUPPORTED',
    `device ${device ?? 'auto'}: WebAssembly does not train, and nothing else can here (${problem}): expected a platform ` +
      'with a native build, or a clone of pstmo built with CMake and a C++20 compiler (npm run build:native).',
  );
}
