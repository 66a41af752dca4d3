import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { withoutOldNames } from '../base/old-names.js';
import type { TrainingOptions, TrainingResult } from './options.js';
import { TRAINING_KINDS } from './options.js';
import { train } from './train.js';

/**
 * Stage I: masked pose modelling. Hides frames and joints of 2D windows and learns to reconstruct them; 3D poses are not
 * needed. The model file starts {@link finetune}. Ends early, with a checkpoint, when the signal comes.
 */
export async function pretrain(options: TrainingOptions): Promise<TrainingResult> {
  checkArguments('pretrain', { options }, { dataset: 'object|text', out: 'text' });
  checkOptionKinds('pretrain', options, TRAINING_KINDS);
  return train('pretrain', withoutOldNames(options));
}
