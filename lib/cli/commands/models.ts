import { statSync } from 'node:fs';
import { Command } from 'commander';
import { alignedRows } from '../../base/text-table.js';
import { openSafetensors } from '../../formats/safetensors.js';
import { bundledModels } from '../../networks/bundled.js';
import { type ModelConfig, parseModelConfig } from '../../networks/config.js';
import { CONFIG_KEY, metadataJson } from '../../networks/weights.js';
import { readTrainingSummary, type TrainingSummary } from '../../training/record/trained-model.js';
import { type Io, print } from '../io.js';

/** What a model file says of itself. */
export interface ModelSummary {
  path: string;
  bytes: number;
  config: ModelConfig;
  training: TrainingSummary | null;
}

/** Reads a model file's header only. Throws `ERR_FORMAT` where it is none. */
export function modelSummary(path: string): ModelSummary {
  const file = openSafetensors(path);
  try {
    return {
      path,
      bytes: statSync(path).size,
      config: parseModelConfig(metadataJson(path, file.metadata, CONFIG_KEY), path),
      training: readTrainingSummary(path, file.metadata),
    };
  } finally {
    file.close();
  }
}

export function modelsCommand(io: Io): Command {
  return new Command('models')
    .description('the models that come with the package')
    .option('--json', 'print JSON')
    .action(({ json }: { json?: boolean }) => {
      const models = bundledModels().map(({ name, path }) => ({ name, ...modelSummary(path) }));
      print(io, json, models, () => (models.length === 0 ? 'No model is bundled.' : table(models).join('\n')));
    });
}

function table(models: readonly (ModelSummary & { name: string })[]): string[] {
  const head = ['name', 'N', 'stride', 'fps', 'layers', 'width', 'input', 'output', 'validation', 'MB', 'file'];
  const rows = models.map(({ name, path, bytes, config, training }) => [
    name,
    ...[config.frames, config.stride, config.fps, config.layers, config.width].map(String),
    config.inputLayout,
    config.outputLayout,
    training?.validation ? `${training.validation.toFixed(1)} mm` : '-',
    (bytes / 1e6).toFixed(1),
    path,
  ]);
  return alignedRows([head, ...rows]);
}
