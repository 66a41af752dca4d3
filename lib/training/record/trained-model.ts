import type { NativeModel } from '../../../binding.js';
import { PoseError } from '../../base/pose-error.js';
import * as z from '../../base/schema.js';
import { schemaProblems } from '../../base/schema-problems.js';
import type { Tensor } from '../../base/tensor.js';
import type { ModelConfig } from '../../networks/config.js';
import { metadataJson, writeWeights } from '../../networks/weights.js';
import { type TrainingState, trainingStateSchema } from './checkpoint.js';

/** Under this key a model file keeps how it was trained, as JSON. */
export const TRAINING_KEY = 'pstmo.training';

const { kind, settings, from, dataset, epoch, step, history } = trainingStateSchema.shape;
const validation = z.nullable(z.number());
const summarySchema = z.strictObject({ kind, settings, from, dataset, epoch, step, history, validation });

/** What a model file remembers of its training; the same for the same training, wherever and however fast it ran. */
export type TrainingSummary = z.output<typeof summarySchema>;

/** How a model was trained, from its file's metadata; null where they do not say. Throws `ERR_FORMAT`. */
export function readTrainingSummary(path: string, metadata: Record<string, string>): TrainingSummary | null {
  if (metadata[TRAINING_KEY] === undefined) {
    return null;
  }
  const summary = summarySchema.safeParse(metadataJson(path, metadata, TRAINING_KEY), { reportInput: true });
  if (!summary.success) {
    throw new PoseError('ERR_FORMAT', `${path}: ${TRAINING_KEY}: ${schemaProblems(summary.error)}.`);
  }
  return summary.data;
}

/** Writes the weights as they are now, with the configuration and a summary of the training. */
export async function writeTrainedModel(
  path: string,
  native: NativeModel,
  config: ModelConfig,
  state: TrainingState,
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  for (const { name, shape } of native.tensors) {
    tensors.set(name, { data: await native.read('value', name), shape });
  }
  const { kind, settings, from, dataset, epoch, step, history } = state;
  const validation = state.best?.validation ?? null;
  const summary: TrainingSummary = { kind, settings, from, dataset, epoch, step, validation, history };
  writeWeights(path, tensors, config, { [TRAINING_KEY]: JSON.stringify(summary) });
}
