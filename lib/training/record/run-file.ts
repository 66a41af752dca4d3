import { existsSync, readFileSync } from 'node:fs';
import { parseJsonText } from '../../base/json-text.js';
import { withoutOldNames } from '../../base/old-names.js';
import { packageVersion } from '../../base/package-version.js';
import { PoseError } from '../../base/pose-error.js';
import * as z from '../../base/schema.js';
import { schemaProblems } from '../../base/schema-problems.js';
import { writeAtomically } from '../../formats/files/atomic-file.js';
import { type ModelConfig, type ModelConfigInput, modelConfigSchema } from '../../networks/config.js';
import {
  type CheckpointEvery,
  checkpointInterval,
  type SettingsInput,
  type TrainingOptions,
  trainingSettingsSchema,
} from '../options.js';
import type { TrainingState } from './checkpoint.js';

const checkpointEverySchema = z.custom<CheckpointEvery>((value) => {
  try {
    return checkpointInterval(value as CheckpointEvery) !== undefined;
  } catch {
    return false;
  }
}, "expected steps (500) or minutes ('10m')");

/** One call of a command for a run: the version that ran it, its arguments, and when. */
const callSchema = z.strictObject({ version: z.string(), arguments: z.array(z.string()), time: z.string() });

/**
 * A run as a file: what a training is told, all of it. A file that a training wrote has every field, and makes the same
 * weights again.
 */
const runFileSchema = z.strictObject({
  kind: z.optional(z.enum(['pretrain', 'finetune'])),
  /** Path of a data set file, from where the command is called. */
  dataset: z.optional(z.string()),
  /** Weights to start from: a file or a bundled model's name. */
  from: z.optional(z.nullable(z.string())),
  model: z.optional(z.partial(modelConfigSchema)),
  training: z.optional(z.partial(trainingSettingsSchema)),
  /** What changes how a training runs, not what comes of it. */
  device: z.optional(z.string()),
  threads: z.optional(z.whole(0)),
  matmul: z.optional(z.string()),
  logEvery: z.optional(z.whole(1)),
  checkpointEvery: z.optional(checkpointEverySchema),
  /** Written, never read: the calls that made this run. */
  calls: z.optional(z.array(callSchema)),
});

/** What a run's file says; what it leaves out has its default. */
export interface RunFile extends Omit<z.input<typeof runFileSchema>, 'model' | 'training'> {
  model?: ModelConfigInput;
  training?: Partial<SettingsInput>;
}

/** Reads a run's file; throws `ERR_CONFIG` that names each key that is unknown and each value that is wrong. */
export function readRunFile(path: string): RunFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
  let value: unknown;
  try {
    value = parseJsonText(text);
  } catch (cause) {
    throw new PoseError('ERR_CONFIG', `${path} is no JSON: ${(cause as Error).message}.`, { cause });
  }
  if (typeof value === 'object' && value !== null) value = withoutOldNames(value);
  const result = runFileSchema.safeParse(value, { reportInput: true });
  if (!result.success) {
    throw new PoseError('ERR_CONFIG', `${path}: ${schemaProblems(result.error)}.`);
  }
  // As it stands in the file: what is left out there may still come from the weights that the run starts from.
  return value as RunFile;
}

/** Writes what a training was told, resolved, to its folder; the calls of a run that is resumed are kept. */
export function writeRunFile(path: string, config: ModelConfig, state: TrainingState, options: TrainingOptions): void {
  const { dataset, device, threads, matmul, logEvery, checkpointEvery, commandLine } = options;
  const earlier = options.resume && existsSync(path) ? (readRunFile(path).calls ?? []) : [];
  const call = { version: packageVersion(), arguments: [...(commandLine ?? [])], time: new Date().toISOString() };
  const run: RunFile = {
    kind: state.kind,
    dataset: typeof dataset === 'string' ? dataset : undefined,
    from: state.from,
    model: config,
    training: state.settings,
    ...{ device, threads, matmul, logEvery, checkpointEvery },
    calls: [...earlier, call],
  };
  writeAtomically(path, (append) => append(Buffer.from(`${JSON.stringify(run, null, 2)}\n`)));
}
