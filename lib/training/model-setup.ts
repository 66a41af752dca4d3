import { PoseError } from '../base/pose-error.js';
import { createRandom } from '../base/random.js';
import type { PoseDataset } from '../datasets/pose-dataset.js';
import { drawMasks } from '../models/masks.js';
import { type ModelConfig, type ModelConfigInput, parseModelConfig } from '../networks/config.js';
import { presetConfig } from '../networks/presets.js';

/**
 * The configuration of a training: what the data set says, then the file that it starts from, then what was asked for;
 * the later ones win. Throws `ERR_CONFIG` when the result does not fit the data.
 */
export function trainingConfig(
  stage: 1 | 2,
  dataset: PoseDataset,
  asked: string | ModelConfigInput | undefined,
  start: ModelConfig | undefined,
): ModelConfig {
  const rates = [...new Set(dataset.sequences.map(({ fps }) => fps))];
  const config = parseModelConfig(
    {
      inputLayout: dataset.inputLayout,
      outputLayout: dataset.outputLayout,
      fps: rates[0],
      ...start,
      ...(typeof asked === 'string' ? presetConfig(asked) : asked),
      stage,
      outputUnit: 'm',
    },
    'model',
  );
  for (const field of ['inputLayout', 'outputLayout'] as const) {
    if (config[field] !== dataset[field]) {
      throw new PoseError(
        'ERR_CONFIG',
        `model: ${field} is ${config[field]}, but ${dataset.name} has ${dataset[field]}; both must be the same.`,
      );
    }
  }
  if (start?.stage === 2 && start.outputUnit !== 'm') {
    throw new PoseError(
      'ERR_CONFIG',
      `from: training works in metres, but those weights answer in ${start.outputUnit}.`,
    );
  }
  if (stage === 1) {
    // A first draw tells whether the layout has the joints that are to be hidden.
    drawMasks(config, createRandom(config.seed));
  }
  if (stage === 1 && !config.temporal) {
    throw new PoseError('ERR_CONFIG', 'model: Stage I needs the temporal encoder (temporal: true).');
  }
  return config;
}
