import type { NativeModel, TensorInfo } from '../../binding.js';
import { checkArguments } from '../base/check-arguments.js';
import { parseJsonText } from '../base/json-text.js';
import { pushAll } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { basename, statSync } from '../base/system/node.js';
import type { Tensor, TensorData } from '../base/tensor.js';
import { asFloat32 } from '../formats/bytes/numbers.js';
import { writeNpz } from '../formats/numpy/npz-writer.js';
import { isTensor } from '../formats/pickle/value.js';
import { readSafetensors, writeSafetensors } from '../formats/safetensors.js';
import { sniffFormat } from '../formats/sniff.js';
import { modelPath } from './bundled.js';
import { type ModelConfig, type ModelConfigInput, parseModelConfig } from './config.js';
import { inferConfig } from './infer-config.js';
import { PUBLISHED_PREFIX } from './tensor-names.js';

/** Under this key a model file keeps its configuration, as JSON. */
export const CONFIG_KEY = 'pstmo.config';
/** What this project's files keep beside their tensors is under names that begin so. */
const OWN_KEYS = 'pstmo.';

/** What a file of weights held. */
export interface Weights {
  /** The file's name without its folder. */
  name: string;
  path: string;
  config: ModelConfig;
  /** By their published names without `module.`; a `num_batches_tracked` is left out, since nothing reads it. */
  tensors: Map<string, Tensor>;
  /** Further texts of a safetensors file, as stored. */
  metadata: Record<string, string>;
  /** What was taken on trust, a sentence each. */
  notices: string[];
}

export interface WeightOptions {
  /** For files that hold tensors only: where the rest of the configuration comes from. */
  preset?: string | undefined;
  /** Fields that win over the file's own (over what shapes cannot say, where it holds tensors only). */
  config?: ModelConfigInput | undefined;
  /** A file with the refining module, which was published apart. */
  refine?: string | undefined;
}

/** True for what a network takes: an optimizer's state has a colon in its name, and counters of batch norm are not read. */
export function isWeight(name: string): boolean {
  return !name.includes(':') && !name.endsWith('num_batches_tracked');
}

/** Published names carry `module.`; numbers of any kind become float32. */
function namedTensors(where: string, stored: Iterable<[string, Tensor<TensorData>]>): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [full, tensor] of stored) {
    const name = full.startsWith(PUBLISHED_PREFIX) ? full.slice(PUBLISHED_PREFIX.length) : full;
    if (!isWeight(name)) {
      continue;
    }
    if (tensors.has(name)) {
      throw new PoseError(
        'ERR_MODEL',
        `${where}: tensor ${name} stands twice, with and without "${PUBLISHED_PREFIX}".`,
      );
    }
    tensors.set(name, asFloat32(tensor));
  }
  return tensors;
}

/** Readers of other files than ours come only when they are needed: a program that lifts with a model of ours starts sooner. */
async function readStored(path: string): Promise<{ tensors: Map<string, Tensor>; metadata: Record<string, string> }> {
  const format = sniffFormat(path);
  switch (format) {
    case 'safetensors': {
      const { tensors, metadata } = readSafetensors(path);
      return { tensors: namedTensors(path, tensors), metadata };
    }
    case 'torch-zip':
    case 'torch-legacy': {
      const { findStateDict, readTorch } = await import('../formats/torch/torch.js');
      return { tensors: namedTensors(path, findStateDict(readTorch(path), path)), metadata: {} };
    }
    case 'npz': {
      const { readNpz } = await import('../formats/numpy/npz.js');
      const arrays = [...readNpz(path)].filter((entry): entry is [string, Tensor<TensorData>] => isTensor(entry[1]));
      return { tensors: namedTensors(path, arrays), metadata: {} };
    }
    default:
      throw new PoseError(
        'ERR_FORMAT',
        `${path}: expected weights as .safetensors, PyTorch .pth or .npz, but ${statSync(path).size === 0 ? 'the file is empty' : `the content is ${format}`}.`,
      );
  }
}

/** What a file's metadata hold as JSON under a key; throws `ERR_FORMAT` where it is none. */
export function metadataJson(path: string, metadata: Record<string, string>, key: string): unknown {
  try {
    return parseJsonText(metadata[key] ?? 'null');
  } catch (cause) {
    throw new PoseError('ERR_FORMAT', `${path}: ${key} is no JSON: ${(cause as Error).message}.`, { cause });
  }
}

/**
 * Reads weights: this project's safetensors (the configuration is in them), published `.pth` files and `.npz` with their
 * names (the configuration is read off the shapes). `source` is a path or a bundled model's name. Throws `ERR_FILE`,
 * `ERR_FORMAT`, `ERR_MODEL` or `ERR_CONFIG`.
 */
export async function readWeights(source: string, options: WeightOptions = {}): Promise<Weights> {
  checkArguments('readWeights', { source, options }, 'text', 'object?');
  const path = modelPath(source);
  const name = basename(path);
  const { tensors, metadata } = await readStored(path);
  const override: ModelConfigInput = { ...options.config };
  if (options.refine !== undefined) {
    for (const [key, tensor] of (await readStored(modelPath(options.refine))).tensors) {
      if (!key.startsWith('post_refine.')) {
        throw new PoseError('ERR_MODEL', `${options.refine}: a refining module has no tensor ${key}.`);
      }
      tensors.set(key, tensor);
    }
    override.refine ??= { root: 'truth' };
  }
  if (metadata[CONFIG_KEY] !== undefined) {
    const stored = metadataJson(path, metadata, CONFIG_KEY);
    const config = parseModelConfig({ ...(stored as object), ...override }, path);
    return { name, path, config, tensors, metadata, notices: [] };
  }
  const other = Object.keys(metadata).find((key) => key.startsWith(OWN_KEYS));
  if (other !== undefined) {
    throw new PoseError(
      'ERR_FORMAT',
      `${path}: expected weights, but this is a ${other.slice(OWN_KEYS.length)} file of pstmo (\`pstmo inspect\` tells more).`,
    );
  }
  const { config, notice } = inferConfig(tensors, path, { preset: options.preset, config: override });
  return { name, path, config, tensors, metadata, notices: notice === '' ? [] : [notice] };
}

/** Most tensors that an error names. */
const MOST_NAMED = 8;

/** Names the tensors that are missing, unexpected or of another shape; throws `ERR_MODEL` when there are any. */
export function checkTensors(
  expected: readonly TensorInfo[],
  weights: { path: string; tensors: ReadonlyMap<string, { shape: readonly number[] }> },
): void {
  const problems: string[] = [];
  const names = new Set(expected.map(({ name }) => name));
  for (const { name, shape, role } of expected) {
    const tensor = weights.tensors.get(name);
    if (tensor === undefined) {
      // Some writers leave out what is never used.
      if (role !== 'unused') problems.push(`${name} (${shape.join(', ')}) is missing`);
    } else if (tensor.shape.join() !== shape.join()) {
      problems.push(`${name} must be (${shape.join(', ')}), got (${tensor.shape.join(', ')})`);
    }
  }
  pushAll(
    problems,
    [...weights.tensors.keys()].filter((name) => !names.has(name)).map((name) => `${name} is unexpected`),
  );
  if (problems.length > 0) {
    const more = problems.length > MOST_NAMED ? `; and ${problems.length - MOST_NAMED} more` : '';
    const named = problems.slice(0, MOST_NAMED).join('; ');
    throw new PoseError('ERR_MODEL', `${weights.path} does not fit its configuration: ${named}${more}.`);
  }
}

/** Puts the weights into a network of the same configuration; throws `ERR_MODEL` when a tensor does not fit. */
export async function loadWeights(native: NativeModel, weights: Weights): Promise<void> {
  checkTensors(native.tensors, weights);
  try {
    await Promise.all([...weights.tensors].map(([name, { data }]) => native.write('value', name, data)));
  } catch (cause) {
    if (!(cause instanceof PoseError && cause.code === 'ERR_MODEL')) throw cause;
    throw new PoseError('ERR_MODEL', `${weights.path}: ${cause.message}`, { cause });
  }
}

/** Throws `ERR_MODEL` for weights that no network could run with: they are not written. */
function checkWritten(path: string, tensors: ReadonlyMap<string, Tensor>): void {
  for (const [name, { data }] of tensors) {
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new PoseError(
        'ERR_MODEL',
        `${path} is not written: ${name}[${bad}] is ${data[bad]}, expected a finite number.`,
      );
    }
  }
}

/**
 * Writes a model file: the tensors as float32, or as float16 with `half`, and the configuration. Throws `ERR_MODEL` for
 * a number that is not finite.
 */
export function writeWeights(
  path: string,
  tensors: ReadonlyMap<string, Tensor>,
  config: ModelConfig,
  metadata: Record<string, string> = {},
  options: { half?: boolean } = {},
): void {
  checkArguments(
    'writeWeights',
    { path, tensors, config, metadata, options },
    'text',
    'Map',
    'object',
    'object?',
    'object?',
  );
  parseModelConfig(config, 'writeWeights: config');
  checkWritten(path, tensors);
  writeSafetensors(path, tensors, { ...metadata, [CONFIG_KEY]: JSON.stringify(config) }, options);
}

/**
 * Writes the tensors as `.npz` under the names of published checkpoints (`module.` in front, counters of batch norm
 * beside them), so that PyTorch loads them strictly.
 */
export function writeNamedNpz(path: string, tensors: ReadonlyMap<string, Tensor>): void {
  checkArguments('writeNamedNpz', { path, tensors }, 'text', 'Map');
  checkWritten(path, tensors);
  const arrays = new Map<string, Tensor<TensorData>>();
  for (const [name, tensor] of tensors) {
    arrays.set(PUBLISHED_PREFIX + name, tensor);
    if (name.endsWith('running_var')) {
      arrays.set(PUBLISHED_PREFIX + name.replace(/running_var$/, 'num_batches_tracked'), {
        data: new BigInt64Array(1),
        shape: [],
      });
    }
  }
  writeNpz(path, arrays);
}
