import type { NativeOptions } from '../../binding.js';
import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';
import { machine } from '../binding.js';

/** Where a network runs. `auto`: a GPU where one can be used, else the CPU. */
export type DeviceOption = 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;

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
  if (device === 'cpu') {
    return device;
  }
  const match = /^(?:auto|cuda(?::(\d+))?)$/.exec(device);
  if (!match) {
    throw new PoseError('ERR_ARGUMENT', `device: expected auto, cpu, cuda or cuda:N, got ${valueText(device)}.`);
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
