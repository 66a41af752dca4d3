import type { NativeModel } from '../../binding.js';
import type { Tensor } from '../../lib/base/tensor.js';
import { createNativeModel } from '../../lib/binding.js';
import { type ModelConfig, type ModelConfigInput, parseModelConfig } from '../../lib/networks/config.js';
import { nativeConfig } from '../../lib/networks/native-config.js';
import { writeWeights } from '../../lib/networks/weights.js';

/** A configuration of 9 frames and small widths. */
export function smallConfig(overrides: ModelConfigInput = {}): ModelConfig {
  const small = { frames: 9, layers: 2, decoderLayers: 1, width: 32, hidden: 48 } as const;
  return parseModelConfig({ ...small, ...overrides });
}

/** A network with random weights; whoever asks for it closes it. */
export async function randomNetwork(config: ModelConfig, seed = 1): Promise<NativeModel> {
  const native = createNativeModel(nativeConfig(config), { device: 'cpu', precision: 'fp32', threads: 1 });
  await native.initialize(seed);
  return native;
}

/** The tensors of a network with random weights. */
export async function randomTensors(config: ModelConfig, seed = 1): Promise<Map<string, Tensor>> {
  const native = await randomNetwork(config, seed);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of native.tensors) tensors.set(name, { data: await native.read('value', name), shape });
  await native.close();
  return tensors;
}

/** Writes a model file with random weights and returns its path. */
export async function writeSmallModel(path: string, overrides: ModelConfigInput = {}): Promise<string> {
  const config = smallConfig(overrides);
  writeWeights(path, await randomTensors(config), config);
  return path;
}
