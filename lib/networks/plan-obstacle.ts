import { createNativeModel } from '../binding.js';
import type { ModelConfig } from './config.js';
import { nativeConfig } from './native-config.js';

/** Why a network of this shape is lifted operation by operation; empty where it has a compiled plan: on the CPU the default, on a GPU on request. */
export function planObstacle(config: ModelConfig): string {
  const native = createNativeModel(nativeConfig(config), { device: 'cpu', precision: 'fp32', threads: 1 });
  const obstacle = native.planObstacle;
  native.close().catch(() => undefined);
  return obstacle;
}
