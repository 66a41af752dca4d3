import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { withoutOldNames } from '../base/old-names.js';
import type { TrainingOptions, TrainingResult } from './options.js';
import { TRAINING_KINDS } from './options.js';
import { train } from './train.js';

/**
 * Stage II: learns to lift. Starts from scratch, from Stage I weights (its two encoders are taken over) or from a finished
 * Stage II; with `refine` in the model's configuration, which needs the latter, Stage II and the refining module learn
 * together. Ends early, with a checkpoint, when the signal comes.
 */
export async function finetune(options: TrainingOptions): Promise<TrainingResult> {
  checkArguments('finetune', { options }, { dataset: 'object|text', out: 'text' });
  checkOptionKinds('finetune', options, TRAINING_KINDS);
  return train('finetune', withoutOldNames(options));
}
