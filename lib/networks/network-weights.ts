import type { NativeModel, StoredTensor } from '../../binding.js';
import { openSafetensors, type SafetensorsFile } from '../formats/safetensors.js';
import { sniffFormat } from '../formats/sniff.js';
import { modelPath } from './bundled.js';
import { type ModelConfig, parseModelConfig } from './config.js';
import { PUBLISHED_PREFIX } from './tensor-names.js';
import {
  CONFIG_KEY,
  checkTensors,
  isWeight,
  loadWeights,
  metadataJson,
  readWeights,
  type WeightOptions,
} from './weights.js';

/** Weights that were opened to make a network of them. */
export interface NetworkWeights {
  path: string;
  config: ModelConfig;
  /** What was taken on trust, a sentence each. */
  notices: readonly string[];
  /** Puts the values into a network of this configuration. Throws `ERR_MODEL` when a tensor does not fit. */
  fill(native: NativeModel): Promise<void>;
  /** Closes the file; to be called once the network is filled, or is not going to be. */
  close(): void;
}

const TYPES: readonly string[] = ['F32', 'F16', 'BF16'] satisfies StoredTensor['type'][];

/** Opens weights of every form that {@link readWeights} takes. Throws what it throws. */
export async function openNetworkWeights(source: string, options: WeightOptions): Promise<NetworkWeights> {
  const file = openModelFile(modelPath(source), options);
  if (file !== undefined) {
    return file;
  }
  const weights = await readWeights(source, options);
  return { ...weights, fill: (native) => loadWeights(native, weights), close: () => {} };
}

/**
 * A model file of this project, whose values the network reads itself: several at a time and with no copy of them in
 * between. It reads the file whose header was read here, whatever has come under that name since.
 */
function openModelFile(path: string, options: WeightOptions): NetworkWeights | undefined {
  if (options.refine !== undefined || sniffFormat(path) !== 'safetensors') {
    return undefined;
  }
  const file = openSafetensors(path);
  try {
    const weights = modelWeights(path, file, options);
    if (weights === undefined) file.close();
    return weights;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** undefined for a file that holds more than what a network takes as it is. */
function modelWeights(path: string, file: SafetensorsFile, options: WeightOptions): NetworkWeights | undefined {
  const { entries, metadata } = file;
  const stored = [...entries].filter(([name]) => isWeight(name));
  const plain = stored.every(([name, { dtype }]) => TYPES.includes(dtype) && !name.startsWith(PUBLISHED_PREFIX));
  if (metadata[CONFIG_KEY] === undefined || !plain) {
    return undefined;
  }
  const own = metadataJson(path, metadata, CONFIG_KEY) as object;
  return {
    path,
    config: parseModelConfig({ ...own, ...options.config }, path),
    notices: [],
    async fill(native) {
      checkTensors(native.tensors, { path, tensors: new Map(stored) });
      const tensors = stored.map(([name, { dtype, offset }]) => ({
        name,
        type: dtype as StoredTensor['type'],
        offset,
      }));
      await native.readValues(path, file.descriptor!, tensors);
    },
    close: () => file.close(),
  };
}
