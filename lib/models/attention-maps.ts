import type { NativeModel, WindowInput } from '../../binding.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { valueText } from '../base/value-text.js';
import type { ModelConfig } from '../networks/config.js';
import { strideTable } from '../networks/strides.js';

/** `tem` and `mofa` of a lifter, `tem` and `decoder` of a masked pose model, `joints` of the transformer backbone. */
export type AttentionModule = 'tem' | 'mofa' | 'decoder' | 'joints';

/** Which maps are wanted. */
export interface AttentionOptions {
  /** Default `tem`. */
  module?: AttentionModule | undefined;
  /** One layer, counted from 0; default: all. */
  layer?: number | undefined;
}

/** The attention weights of one layer. */
export interface AttentionMap {
  module: AttentionModule;
  layer: number;
  /** (H, n, n) for n tokens: row i says where token i looks, and sums to 1. `joints`: (N, H, J, J), a frame each. */
  maps: Tensor;
}

const JOINT_LAYERS = 3;

/** How many layers a module of this network has; 0 where it has no such module. */
function layerCount(config: ModelConfig, module: AttentionModule): number {
  const lifts = config.stage === 2;
  switch (module) {
    case 'tem':
      return config.temporal ? config.layers : 0;
    case 'mofa':
      return lifts && config.temporal && config.aggregate ? strideTable(config.frames).length : 0;
    case 'decoder':
      return lifts ? 0 : config.decoderLayers;
    case 'joints':
      return config.backbone === 'transformer' ? JOINT_LAYERS : 0;
    default:
      throw new PoseError('ERR_ARGUMENT', `module: expected tem, mofa, decoder or joints, got ${valueText(module)}.`);
  }
}

/** Maps of one window. Throws `ERR_ARGUMENT` when the network has no such module or layer. */
export async function attentionMaps(
  native: NativeModel,
  config: ModelConfig,
  input: WindowInput,
  options: AttentionOptions,
): Promise<AttentionMap[]> {
  const module = options.module ?? 'tem';
  const count = layerCount(config, module);
  const { layer } = options;
  if (count === 0) {
    throw new PoseError('ERR_ARGUMENT', `module: this model has no ${module}.`);
  }
  if (layer !== undefined && (!Number.isInteger(layer) || layer < 0 || layer >= count)) {
    throw new PoseError('ERR_ARGUMENT', `layer: ${module} has layers 0 to ${count - 1}, got ${valueText(layer)}.`);
  }
  const layers = layer === undefined ? Array.from({ length: count }, (_, i) => i) : [layer];
  const found: AttentionMap[] = [];
  for (const wanted of layers) {
    const { tokens, maps } = await native.attention(input, module, wanted);
    const shape = [config.heads, tokens, tokens];
    found.push({
      module,
      layer: wanted,
      maps: { data: maps, shape: module === 'joints' ? [config.frames, ...shape] : shape },
    });
  }
  return found;
}
