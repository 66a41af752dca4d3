import { createRandom } from '../base/random.js';
import { joined } from '../base/tensor.js';
import { drawMasks } from '../models/masks.js';
import type { ModelConfig } from '../networks/config.js';

/**
 * Stage I's masks of some steps, one a batch: frames (steps, N) and joints (steps, N, J), 1 where hidden. Each step's are
 * drawn from the seed, `use` and its number alone, so that a resumed training meets the same ones. Stage II has none.
 */
export function stageMasks(
  config: ModelConfig,
  use: 'training' | 'validation',
  firstStep: number,
  steps: number,
): { masked?: Uint8Array; jointMask?: Uint8Array } {
  if (config.stage === 2) {
    return {};
  }
  const drawn = Array.from({ length: steps }, (_, i) =>
    drawMasks(config, createRandom(config.seed, 'masks', use, firstStep + i)),
  );
  return {
    masked: joined(
      Uint8Array,
      drawn.map((one) => one.masked),
    ),
    jointMask: joined(
      Uint8Array,
      drawn.map((one) => one.jointMask),
    ),
  };
}
