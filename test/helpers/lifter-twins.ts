import { expect } from 'vitest';
import type { NativeConfig, NativeModel, NativeOptions } from '../../binding.js';
import { createRandom } from '../../lib/base/random.js';
import { createNativeModel } from '../../lib/binding.js';
import { cpuDevice } from './cpu-device.js';
import { nativeConfig } from './native-model.js';

/** Two models of the same random weights, whose norms are not the identity either: compiled, and op by op on the CPU in fp32. */
export async function twins(overrides: Partial<NativeConfig>, options: Partial<NativeOptions> = {}) {
  const config = nativeConfig(overrides);
  const common = { device: cpuDevice, precision: 'fp32', threads: 2, ...options } as const;
  const compiled = createNativeModel(config, { compiled: 'on', ...common });
  const opByOp = createNativeModel(config, { ...common, device: cpuDevice, precision: 'fp32', compiled: 'off' });
  await opByOp.initialize(7);
  for (const { name } of opByOp.tensors) {
    const values = await opByOp.read('value', name);
    const random = createRandom(3, name);
    if (/norm|bn_|fcn\.0|a_2|b_2|running/.test(name)) {
      for (let i = 0; i < values.length; i++) values[i] += 0.4 * (random.uniform() - 0.5);
      await opByOp.write('value', name, values);
    }
    await compiled.write('value', name, values);
  }
  expect(compiled.unsupportedReason).toBe('');
  expect(opByOp.unsupportedReason).toContain('off');
  return { compiled, opByOp, config };
}

/** Random keypoints of so many frames of `joints` joints. */
export function randomKeypoints(frames: number, joints = 17): Float32Array {
  const random = createRandom(5, frames, joints);
  return Float32Array.from({ length: frames * joints * 2 }, () => 2 * random.uniform() - 1);
}

export async function closeAll(...models: NativeModel[]): Promise<void> {
  await Promise.all(models.map((model) => model.close()));
}
