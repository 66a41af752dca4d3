import { expect } from 'vitest';
import type { NativeConfig, NativeModel, NativeOptions } from '../../binding.js';
import { createRandom } from '../../lib/base/random.js';
import { createNativeModel } from '../../lib/binding.js';
import { nativeConfig } from './native-model.js';

/** Two models of the same random weights, whose norms are not the identity either: by plan, and by the CPU's graph in fp32. */
export async function twins(overrides: Partial<NativeConfig>, options: Partial<NativeOptions> = {}) {
  const config = nativeConfig(overrides);
  const common = { device: 'cpu', precision: 'fp32', threads: 2, ...options } as const;
  const plan = createNativeModel(config, { plan: 'on', ...common });
  const graph = createNativeModel(config, { ...common, device: 'cpu', precision: 'fp32', plan: 'off' });
  await graph.initialize(7);
  for (const { name } of graph.tensors) {
    const values = await graph.read('value', name);
    const random = createRandom(3, name);
    if (/norm|bn_|fcn\.0|a_2|b_2|running/.test(name)) {
      for (let i = 0; i < values.length; i++) values[i] += 0.4 * (random.uniform() - 0.5);
      await graph.write('value', name, values);
    }
    await plan.write('value', name, values);
  }
  expect(plan.planObstacle).toBe('');
  expect(graph.planObstacle).toContain('off');
  return { plan, graph, config };
}

/** Random keypoints of so many frames of `joints` joints. */
export function randomKeypoints(frames: number, joints = 17): Float32Array {
  const random = createRandom(5, frames, joints);
  return Float32Array.from({ length: frames * joints * 2 }, () => 2 * random.uniform() - 1);
}

export async function closeAll(...models: NativeModel[]): Promise<void> {
  await Promise.all(models.map((model) => model.close()));
}
