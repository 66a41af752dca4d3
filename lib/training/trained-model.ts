import type { NativeModel } from '../../binding.js';
import type { ModelConfig } from '../models/config.js';
import { writeWeights } from '../models/weights.js';
import type { Tensor } from '../tensor.js';
import type { TrainingState } from './checkpoint.js';

/** Under this key a model file keeps how it was trained, as JSON. */
export const TRAINING_KEY = 'pstmo.training';

/** What a model file remembers of its training; the same for the same training, wherever and however fast it ran. */
export type TrainingSummary = Pick<
  TrainingState,
  'kind' | 'settings' | 'from' | 'dataset' | 'epoch' | 'step' | 'history'
> & {
  validation: number | null;
};

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
