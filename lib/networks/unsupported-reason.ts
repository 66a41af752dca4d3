import { createNativeModel } from '../binding.js';
import type { ModelConfig } from './config.js';
import { nativeConfig } from './native-config.js';

/** Why a network of this shape is lifted op by op; empty where its lifter can be compiled, which is the default. */
export function unsupportedReason(config: ModelConfig): string {
  const native = createNativeModel(nativeConfig(config), { device: 'cpu', precision: 'fp32', threads: 1 });
  const reason = native.unsupportedReason;
  native.close().catch(() => undefined);
  return reason;
}
