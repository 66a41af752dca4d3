import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { PoseDataset, PoseSequence } from '../../lib/datasets/pose-dataset.js';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js';
import { finetune } from '../../lib/training/finetune.js';
import type { TrainingOptions } from '../../lib/training/options.js';
import { CHECKPOINT_KEY } from '../../lib/training/record/checkpoint.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

// Tables of errors stand in PyTorch files, which nothing here writes: the test's are JSON.
vi.mock(import('../../lib/datasets/noise.js'), async (original) => ({
  ...(await original()),
  readDetectorNoise: (path) => {
    const { mean, std, weight } = JSON.parse(readFileSync(path, 'utf8'));
    return { mean: Float32Array.from(mean), std: Float32Array.from(std), weight: Float32Array.from(weight) };
  },
}));

const folder = temporaryFolder();
const table = join(folder, 'errors.json');
const out = join(folder, 'run');
const common = { model: { ...tinyModel, noise: { kind: 'detector', scale: 1 } as const }, batch: 32, threads: 1 };
const run = (dataset: PoseDataset, options: Partial<TrainingOptions> = {}) =>
  finetune({ ...common, dataset, learningRate: 2e-3, noiseTable: table, out, resume: true, ...options });

function writeTable(path: string, std: number): void {
  const of = (length: number, value: number) => Array<number>(length).fill(value);
  writeFileSync(path, JSON.stringify({ mean: of(34, 0), std: of(34, std), weight: of(17, 0.9) }));
}

/** The data set with another value in its first sequence. */
function changed(change: (sequence: PoseSequence) => Partial<PoseSequence>): PoseDataset {
  const dataset = tinyDataset();
  Object.assign(dataset.sequences[0], change(dataset.sequences[0]));
  return dataset;
}

describe('a training that is resumed', () => {
  it('refuses another noise table under the same name, and goes on with the same one', async () => {
    writeTable(table, 0.01);
    await run(tinyDataset(), { epochs: 1 });
    writeTable(table, 0.02);
    await expect(run(tinyDataset(), { epochs: 2 })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('checkpoint.safetensors was made with a noise table of digest'),
    });
    writeTable(table, 0.01);
    expect(await run(tinyDataset(), { epochs: 2 })).toMatchObject({ epochs: 2 });
  });

  it.each<[string, PoseDataset]>([
    ['frames that count', changed(({ frames }) => ({ valid: new Uint8Array(frames).fill(1, 3) }))],
    ['a frame rate', changed(() => ({ fps: 25 }))],
    ['an image width', changed(() => ({ width: 500 }))],
    ['a focal length', changed(({ intrinsics }) => ({ intrinsics: { ...intrinsics!, fx: 2 } }))],
    [
      'a place of the camera',
      changed(({ extrinsics }) => ({ extrinsics: { ...extrinsics!, translation: [0, 1, 6] } })),
    ],
    ['a path of the root', changed(({ root }) => ({ root: root!.map((value) => value + 1) }))],
  ])('refuses other %s', async (_, dataset) => {
    await expect(run(dataset, { epochs: 2 })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('sequences whose cameras, rates and valid frames have the digest'),
    });
  });

  it('says of a checkpoint of an older version that changes are not known', async () => {
    const path = join(out, 'checkpoint.safetensors');
    const { tensors, metadata } = readSafetensors(path);
    const { inputs, ...older } = JSON.parse(metadata[CHECKPOINT_KEY]);
    expect(inputs.noiseTable).toMatch(/^[0-9a-f]{64}$/);
    writeSafetensors(path, tensors, { ...metadata, [CHECKPOINT_KEY]: JSON.stringify(older) });
    const notices: string[] = [];
    await run(tinyDataset(), { epochs: 3, onNotice: (text) => notices.push(text) });
    expect(notices.join('\n')).toContain(`${path} is of an older version`);
    expect(JSON.parse(readSafetensors(path).metadata[CHECKPOINT_KEY]).inputs).toEqual(inputs);
  });
});
