import { largest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { type ModelConfig, type ModelConfigInput, parseModelConfig } from './config.js';
import { presetConfig } from './presets.js';
import { tensorNames, tensorStacks } from './tensor-names.js';

type Tensors = ReadonlyMap<string, Tensor>;

/** The fields that tensor shapes decide. */
type Shaped = Pick<
  ModelConfigInput,
  | 'stage'
  | 'frames'
  | 'layers'
  | 'decoderLayers'
  | 'width'
  | 'hidden'
  | 'backbone'
  | 'mlpBlocks'
  | 'temporal'
  | 'aggregate'
  | 'refine'
>;

/** The fields that no shape tells. */
const UNTOLD = ['stride', 'heads', 'inputLayout', 'outputLayout', 'fps', 'outputUnit'] as const;

/** Layers `prefix.0.`, `prefix.1.`, ... */
function layersOf(tensors: Tensors, prefix: string): number {
  const numbers = [...tensors.keys()]
    .filter((name) => name.startsWith(`${prefix}.`))
    .map((name) => Number.parseInt(name.slice(prefix.length + 1), 10));
  return numbers.length === 0 ? 0 : largest(numbers) + 1;
}

/** Length of one axis of a tensor; undefined where the file has no such tensor or axis. */
function axis(tensors: Tensors, name: string, index: number): number | undefined {
  return tensors.get(name)?.shape[index];
}

function backboneOf(tensors: Tensors, where: string): ModelConfig['backbone'] {
  if (tensors.has(tensorNames.mlpEncoder)) return 'mlp';
  if (tensors.has(tensorNames.linearEncoder)) return 'fc';
  if (tensors.has(tensorNames.jointEmbedding)) return 'transformer';
  const some = [...tensors.keys()].slice(0, 3).join(', ') || 'none';
  throw new PoseError(
    'ERR_MODEL',
    `${where}: these are not the weights of a P-STMO network: expected ${tensorNames.mlpEncoder}, ` +
      `${tensorNames.linearEncoder} or ${tensorNames.jointEmbedding}, got ${some}, ...`,
  );
}

/** Reads depths and widths off the tensors; a field that they leave open is undefined. */
function shapedFields(tensors: Tensors, where: string): Shaped {
  const backbone = backboneOf(tensors, where);
  const temporal = tensors.has(tensorNames.temporalPositions);
  const headWidth = axis(tensors, tensorNames.headNorm, 0);
  const stage = tensors.has(tensorNames.maskToken) || tensors.has(tensorNames.encoderToDecoder) ? 1 : 2;
  const fields: Shaped = {
    stage,
    backbone,
    temporal,
    // Stage I has no MOFA, which says nothing about the Stage II that follows.
    aggregate: stage === 1 ? undefined : tensors.has(tensorNames.aggregatorPositions),
    frames: axis(tensors, tensorNames.temporalPositions, 1) as Shaped['frames'],
    width: temporal ? axis(tensors, tensorNames.temporalPositions, 2) : headWidth && headWidth / 2,
    hidden: axis(tensors, tensorNames.temporalHidden, 0),
    layers: layersOf(tensors, tensorStacks.temporal) || undefined,
    decoderLayers: layersOf(tensors, tensorStacks.decoder) || undefined,
    mlpBlocks: backbone === 'mlp' ? layersOf(tensors, tensorStacks.mlp) : undefined,
    refine: tensors.has(tensorNames.refiner) ? undefined : null,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Shaped;
}

/** Joints of the 2D input and of the 3D output. */
function jointsOf(tensors: Tensors): { input: number | undefined; output: number | undefined } {
  const channels = axis(tensors, tensorNames.mlpEncoder, 1) ?? axis(tensors, tensorNames.linearEncoder, 1);
  const poses = axis(tensors, tensorNames.head, 0);
  return {
    input: channels === undefined ? axis(tensors, tensorNames.jointPositions, 1) : channels / 2,
    output: poses === undefined ? undefined : poses / 3,
  };
}

function checkJoints(where: string, field: string, layout: string, joints: number | undefined): void {
  const expected = skeletonByName(layout).joints.length;
  if (joints !== undefined && joints !== expected) {
    throw new PoseError(
      'ERR_MODEL',
      `${where}: ${field} ${layout} has ${expected} joints, but the tensors are for ${joints}; name the right layout.`,
    );
  }
}

/**
 * The configuration behind bare weights: what tensor shapes tell, and for the rest `config`, then the preset, then the
 * defaults. `notice` says which fields were taken on trust. Throws `ERR_MODEL` when the tensors are of no such network,
 * `ERR_CONFIG` when `config` contradicts them.
 */
export function inferConfig(
  tensors: Tensors,
  where: string,
  options: { preset?: string | undefined; config?: ModelConfigInput | undefined },
): { config: ModelConfig; notice: string } {
  const shaped = shapedFields(tensors, where);
  const given: Record<string, unknown> = { ...options.config };
  for (const [field, value] of Object.entries(shaped)) {
    if (given[field] !== undefined && given[field] !== null && given[field] !== value) {
      throw new PoseError(
        'ERR_CONFIG',
        `${where}: config.${field} is ${JSON.stringify(given[field])}, but the tensors say ${JSON.stringify(value)}.`,
      );
    }
  }
  const preset = options.preset === undefined ? {} : presetConfig(options.preset);
  const refine = tensors.has(tensorNames.refiner) ? { refine: { root: 'truth' } } : {};
  const config = parseModelConfig({ ...preset, ...refine, ...options.config, ...shaped }, where);
  const joints = jointsOf(tensors);
  checkJoints(where, 'inputLayout', config.inputLayout, joints.input);
  checkJoints(where, 'outputLayout', config.outputLayout, joints.output);
  const trusted = UNTOLD.filter((field) => given[field] === undefined);
  const source = options.preset === undefined ? 'the defaults (no preset was named)' : `preset ${options.preset}`;
  const values = trusted.map((field) => `${field} ${config[field]}`).join(', ');
  const notice = trusted.length === 0 ? '' : `${where} holds tensors only; from ${source} come ${values}.`;
  return { config, notice };
}
