import type { NativeModel, TensorState } from '../../../binding.js';
import { isArrayOf } from '../../base/array-kind.js';
import { parseJsonText } from '../../base/json-text.js';
import { PoseError } from '../../base/pose-error.js';
import * as z from '../../base/schema.js';
import { schemaProblems } from '../../base/schema-problems.js';
import type { Tensor, TensorData } from '../../base/tensor.js';
import { openSafetensors, readSafetensors, writeSafetensors } from '../../formats/safetensors.js';
import { type ModelConfig, parseModelConfig } from '../../networks/config.js';
import { CONFIG_KEY } from '../../networks/weights.js';
import { trainingSettingsSchema } from '../options.js';

/** An epoch's result as the model file remembers it: nothing in it depends on the machine's speed. */
const epochSummarySchema = z.strictObject({
  loss: z.number(),
  validation: z.nullable(z.number()),
  learningRate: z.number(),
});

/** Where a training stands, beside its tensors. Random numbers need no state: they are drawn from seed, epoch and step. */
export const trainingStateSchema = z.strictObject({
  kind: z.enum(['pretrain', 'finetune']),
  settings: trainingSettingsSchema,
  from: z.nullable(z.string()),
  dataset: z.strictObject({ name: z.string(), digest: z.string() }),
  /** Digests of what else of the inputs decides the weights; older versions wrote none. */
  inputs: z.optional(z.strictObject({ sequences: z.string(), noiseTable: z.nullable(z.string()) })),
  /** Epochs that are done. */
  epoch: z.whole(0),
  /** Steps since the beginning, and within the epoch under way. */
  step: z.whole(0),
  stepInEpoch: z.whole(0),
  /** Sums over the samples of the epoch under way: total, single, multiple. */
  lossSums: z.tuple([z.number(), z.number(), z.number()]),
  best: z.nullable(z.strictObject({ epoch: z.int(), validation: z.nullable(z.number()) })),
  history: z.array(epochSummarySchema),
});

export type TrainingState = z.output<typeof trainingStateSchema>;

export const CHECKPOINT_KEY = 'pstmo.checkpoint';
const ADAM_STATES: readonly TensorState[] = ['adamMean', 'adamVariance', 'adamMaximum'];
/** What stands before the names of the weights' mean. */
const AVERAGE = 'average:';

/** Names of the tensors of a checkpoint: `adamMean:fcn.0.weight`; the weights have their own names. */
function storedName(state: TensorState, name: string): string {
  return state === 'value' ? name : `${state}:${name}`;
}

function storedTensors(native: NativeModel): { state: TensorState; name: string; shape: number[] }[] {
  return native.tensors.flatMap(({ name, shape, role }) => {
    const states: TensorState[] = role === 'parameter' ? ['value', ...ADAM_STATES] : ['value'];
    return states.map((state) => ({ state, name, shape }));
  });
}

/** Writes everything that a training needs to go on, bit for bit; the file at `path` is whole at every instant. */
export async function writeCheckpoint(
  path: string,
  native: NativeModel,
  config: ModelConfig,
  state: TrainingState,
  average: ReadonlyMap<string, Float32Array> = new Map(),
): Promise<void> {
  // Through the schema, so that the fields' order never tells a resumed training from an unbroken one.
  const stateText = JSON.stringify(trainingStateSchema.parse(state));
  const tensors = new Map<string, Tensor>();
  for (const { state: kind, name, shape } of storedTensors(native)) {
    tensors.set(storedName(kind, name), { data: await native.read(kind, name), shape });
  }
  const shapes = new Map(native.tensors.map(({ name, shape }) => [name, shape]));
  for (const [name, data] of average) {
    tensors.set(`${AVERAGE}${name}`, { data, shape: shapes.get(name)! });
  }
  writeSafetensors(path, tensors, { [CONFIG_KEY]: JSON.stringify(config), [CHECKPOINT_KEY]: stateText });
}

export interface Checkpoint {
  config: ModelConfig;
  state: TrainingState;
  tensors: ReadonlyMap<string, Tensor<TensorData>>;
}

/** Where a checkpoint stands, without its tensors; throws `ERR_FORMAT` when the file is none. */
export function readCheckpointState(path: string): Pick<Checkpoint, 'config' | 'state'> {
  const file = openSafetensors(path);
  try {
    return parsed(path, file.metadata);
  } finally {
    file.close();
  }
}

/** Reads a checkpoint; throws `ERR_FORMAT` when the file is none. */
export function readCheckpoint(path: string): Checkpoint {
  const { tensors, metadata } = readSafetensors(path);
  return { ...parsed(path, metadata), tensors };
}

function parsed(path: string, metadata: Record<string, string>): Pick<Checkpoint, 'config' | 'state'> {
  const state = trainingStateSchema.safeParse(parsedJson(metadata[CHECKPOINT_KEY]));
  if (!state.success) {
    const what = metadata[CHECKPOINT_KEY] === undefined ? 'has no training state' : schemaProblems(state.error);
    throw new PoseError('ERR_FORMAT', `${path} is no training checkpoint of this version: ${what}.`);
  }
  return { config: parseModelConfig(parsedJson(metadata[CONFIG_KEY]), path), state: state.data };
}

/** Puts a checkpoint's tensors back, optimizer included. */
export async function restoreCheckpoint(path: string, native: NativeModel, checkpoint: Checkpoint): Promise<void> {
  for (const { state, name, shape } of storedTensors(native)) {
    const stored = checkpoint.tensors.get(storedName(state, name));
    if (!(stored && isArrayOf('Float32Array', stored.data)) || stored.shape.join() !== shape.join()) {
      const came = stored ? `(${stored.shape.join(', ')})` : 'none';
      throw new PoseError(
        'ERR_FORMAT',
        `${path}: tensor ${storedName(state, name)} must be float32 (${shape.join(', ')}), got ${came}.`,
      );
    }
    await native.write(state, name, stored.data);
  }
}

/** The weights' mean in a checkpoint; empty where none was taken yet. */
export function storedAverage({ tensors }: Checkpoint): Map<string, Float32Array> {
  const stored = [...tensors].filter(([name]) => name.startsWith(AVERAGE));
  return new Map(
    stored.map(([name, { data }]) => [name.slice(AVERAGE.length), Float32Array.from(data as Float32Array)]),
  );
}

function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseJsonText(text);
  } catch {
    return undefined;
  }
}
