import type { OldTrainingOptions } from '../base/old-names.js';
import { PoseError } from '../base/pose-error.js';
import * as z from '../base/schema.js';
import { schemaProblems } from '../base/schema-problems.js';
import { valueText } from '../base/value-text.js';
import { augmentationSchema } from '../datasets/augmentation/settings.js';
import type { PoseDataset } from '../datasets/pose-dataset.js';
import type { ModelConfigInput } from '../networks/config.js';
import type { DeviceOption } from '../networks/device.js';
import type { EpochLine } from './record/log.js';

/** What decides the result of a training, bit for bit, beside the model's configuration and the data. */
export const trainingSettingsSchema = z.strictObject({
  epochs: z._default(z.whole(1), 80),
  batch: z._default(z.whole(2), 160),
  learningRate: z.positive(),
  schedule: z._default(
    z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('decay'), factor: z.positive().check(z.maximum(1)) }),
      z.strictObject({ kind: z.literal('cosine'), floor: z.number(0) }),
    ]),
    { kind: 'decay', factor: 0.97 },
  ),
  /** Every so many frames is a window's centre; the choice moves on by a frame each epoch. */
  every: z._default(z.whole(1), 1),
  /** At most so many samples an epoch; null: all. */
  samplesPerEpoch: z._default(z.nullable(z.whole(2)), null),
  /** At most so many windows, spread evenly, in each validation. */
  validationFrames: z._default(z.whole(1), 4000),
  /** Which weights become the model: best on the validation split, best on the test split, or the last epoch's. */
  select: z.enum(['validation', 'test', 'last']),
  /** Training subjects that are held out for validation, beside the data set's own validation split. */
  validation: z._default(z.array(z.string()), []),
  /** PyTorch file of a detector's errors, for detector noise; null: the bundled table. */
  noiseTable: z._default(z.nullable(z.string()), null),
  /** Draw cameras, bodies and detector errors anew in each epoch. null: train on the data set's sequences. */
  augmentation: z._default(z.nullable(augmentationSchema), null),
  /** Average the weights over about the last share of the steps; the mean becomes the model. null: the weights themselves. */
  average: z._default(z.nullable(z.positive().check(z.maximum(1))), null),
  precision: z._default(z.enum(['fp32', 'tf32', 'bf16']), 'fp32'),
});

export type TrainingSettings = z.output<typeof trainingSettingsSchema>;

/** The settings as they are given: what is left out has its default. */
export type SettingsInput = z.input<typeof trainingSettingsSchema>;

/** Where a training stands. */
export interface TrainingProgress {
  phase: 'training' | 'validation';
  /** Counted from 1. */
  epoch: number;
  epochs: number;
  /** Within the epoch. */
  step: number;
  steps: number;
  /** Mean of the epoch so far. */
  loss: number;
  learningRate: number;
  samplesPerSecond: number;
  /** Of the whole training. */
  secondsLeft: number;
}

/** Steps, or minutes with an m behind them. */
export type CheckpointEvery = number | `${number}m`;

/** A {@link CheckpointEvery} as a count of steps or as milliseconds; throws `ERR_ARGUMENT`. */
export function checkpointInterval(every: CheckpointEvery = '5m'): { steps: number; ms: number } {
  if (Number.isSafeInteger(every) && (every as number) > 0) {
    return { steps: every as number, ms: Number.POSITIVE_INFINITY };
  }
  const minutes = typeof every === 'string' && /^((?:\d+(?:\.\d+)?|\.\d+)(?:e-?\d+)?)m$/.exec(every)?.[1];
  if (!minutes || Number(minutes) === 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `checkpointEvery: expected steps (500) or minutes ('10m'), got ${valueText(every)}.`,
    );
  }
  return { steps: Number.POSITIVE_INFINITY, ms: 60_000 * Number(minutes) };
}

/** Options of {@link pretrain} and {@link finetune}. */
export interface TrainingOptions extends Partial<SettingsInput>, OldTrainingOptions {
  /** A data set in memory or the path of a data set file. */
  dataset: PoseDataset | string;
  /** A preset's name, or a configuration; what it leaves out comes from the data set and the defaults. */
  model?: string | ModelConfigInput;
  /** Folder of everything that the training writes: `model.safetensors`, `checkpoint.safetensors`, `log.jsonl`, `run.json`. */
  out: string;
  /** Weights to start from: a file or a bundled model's name. */
  from?: string;
  /** Go on from the folder's checkpoint; from the beginning where there is none yet. */
  resume?: boolean;
  /** WebAssembly (`wasm`) does not train: `ERR_UNSUPPORTED`. */
  device?: DeviceOption;
  /** 0: as many as the machine gives this process. The result does not depend on it. */
  threads?: number;
  /** What multiplies matrices on a GPU: `auto` (the default), `cublaslt`, `own`, or the path of a cuBLASLt. */
  matmul?: string;
  /** Write a line of the log every so many steps. */
  logEvery?: number;
  /** Write a checkpoint within an epoch, too: every 500 steps (`500`) or 10 minutes (`'10m'`); `'5m'`. A kill loses no more. */
  checkpointEvery?: CheckpointEvery;
  /** Ends the training after the steps under way, with a checkpoint; the call then throws `ERR_ABORTED`. */
  signal?: AbortSignal;
  /** The command line that asked for this, for the folder's `run.json`. */
  commandLine?: readonly string[];
  onEpoch?: (line: EpochLine) => void;
  onProgress?: (progress: TrainingProgress) => void;
  /** What is worth knowing before it starts: the device, the split, weights that were not taken over. */
  onNotice?: (text: string) => void;
}

/** What {@link pretrain} and {@link finetune} answer. */
export interface TrainingResult {
  epochs: number;
  steps: number;
  /** The epoch, counted from 1, whose weights are in the model file, and its validation error; null before the first. */
  best: { epoch: number; validation: number | null } | null;
  modelPath: string;
  checkpointPath: string;
  logPath: string;
}

const SETTINGS = Object.keys(trainingSettingsSchema.shape);
const RUNTIME = [
  ...['dataset', 'model', 'out', 'from', 'resume', 'device', 'threads', 'matmul'],
  ...['logEvery', 'checkpointEvery', 'signal', 'commandLine'],
];
/** Kinds of the runtime options; settings and model have schemas. */
export const TRAINING_KINDS = {
  ...{ dataset: 'object|text', model: 'object|text', out: 'text', from: 'text', resume: 'boolean', device: 'text' },
  ...{ threads: 'number', matmul: 'text', logEvery: 'number', commandLine: 'list' },
} as const;
const CALLBACKS = ['onEpoch', 'onProgress', 'onNotice'];

/** Refuses unknown options; `undefined` counts as not given. */
export function checkOptions(options: TrainingOptions): void {
  const known = [...SETTINGS, ...RUNTIME, ...CALLBACKS];
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Unknown training option ${unknown.join(', ')}; known are ${known.join(', ')}.`,
    );
  }
  if (typeof options.out !== 'string' || options.out === '') {
    throw new PoseError('ERR_ARGUMENT', 'out must name the folder that the training writes to.');
  }
  const every = options.logEvery ?? 1;
  if (!Number.isInteger(every) || every < 1) {
    throw new PoseError('ERR_ARGUMENT', `logEvery must be a whole number of at least 1, got ${every}.`);
  }
  checkpointInterval(options.checkpointEvery);
}

/** The settings among the options that were given. */
export function givenSettings(options: TrainingOptions): Partial<SettingsInput> {
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => SETTINGS.includes(name) && value !== undefined),
  );
}

/** Checks and completes the settings; throws `ERR_ARGUMENT` that names each wrong one. */
export function parseSettings(input: Partial<SettingsInput>): TrainingSettings {
  const result = trainingSettingsSchema.safeParse(input, { reportInput: true });
  if (!result.success) {
    throw new PoseError('ERR_ARGUMENT', `training options: ${schemaProblems(result.error)}.`);
  }
  return result.data;
}
