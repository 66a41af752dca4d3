import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeDataset } from '../../lib/datasets/dataset-file.js';
import { readSafetensors } from '../../lib/formats/safetensors.js';
import { finetune } from '../../lib/training/finetune.js';
import { pretrain } from '../../lib/training/pretrain.js';
import { readCheckpoint, readCheckpointState, storedAverage } from '../../lib/training/record/checkpoint.js';
import { readRunFile } from '../../lib/training/record/run-file.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

const folder = temporaryFolder();
const dataset = join(folder, 'tiny.safetensors');
const out = (name: string) => join(folder, name);
const file = (run: string, name: string) => readFileSync(join(out(run), name));

/** Epochs so short that the mean of the weights is looked at in the middle of one. */
const augmented = {
  ...{ augmentation: { up: 'z' as const, seconds: 2 }, average: 0.5, samplesPerEpoch: 320, batch: 8 },
  ...{ learningRate: 2e-3, threads: 1, epochs: 3, model: tinyModel },
};

beforeAll(() => writeDataset(dataset, tinyDataset(120)));

describe('a training on sequences that are made anew in each epoch', () => {
  it.each([
    ['pretrain', pretrain],
    ['finetune', finetune],
  ] as const)('%s resumes bit for bit, from within an epoch and from its end', async (name, train) => {
    const whole = await train({ ...augmented, dataset, out: out(`${name}-whole`) });
    expect(whole).toMatchObject({ epochs: 3, steps: 120 });
    const broken = { ...augmented, dataset, out: out(`${name}-broken`), resume: true };
    const stop = new AbortController();
    const stopped = train({
      ...{ ...broken, signal: stop.signal },
      onProgress: ({ epoch, step }) => epoch === 2 && step >= 5 && stop.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const { state } = readCheckpointState(join(out(`${name}-broken`), 'checkpoint.safetensors'));
    expect(state.epoch).toBe(1);
    expect(state.step).toBeGreaterThan(40);
    await train({ ...broken, epochs: 2 });
    await train(broken);
    for (const written of ['model.safetensors', 'checkpoint.safetensors']) {
      expect(file(`${name}-whole`, written).equals(file(`${name}-broken`, written)), written).toBe(true);
    }
    expect(readRunFile(join(out(`${name}-broken`), 'run.json')).calls).toHaveLength(3);
  });

  it('learns, and its model is the mean of its weights', async () => {
    const log = file('finetune-whole', 'log.jsonl').toString().trim().split('\n');
    const losses = log.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'epoch');
    expect(losses[2].loss).toBeLessThan(0.8 * losses[0].loss);
    const checkpoint = readCheckpoint(join(out('finetune-whole'), 'checkpoint.safetensors'));
    const { tensors } = readSafetensors(join(out('finetune-whole'), 'model.safetensors'));
    expect(checkpoint.state.best?.epoch).toBe(3);
    const average = storedAverage(checkpoint);
    expect(average.size).toBeGreaterThan(10);
    for (const [name, mean] of average) {
      expect(tensors.get(name)?.data, name).toEqual(mean);
    }
    expect(average.get('fcn.1.weight')).not.toEqual(checkpoint.tensors.get('fcn.1.weight')?.data);
  });

  it('says what it cannot work with', async () => {
    const wrong = (given: object) => finetune({ ...augmented, dataset, out: out('wrong'), ...given });
    await expect(wrong({ model: { ...tinyModel, noise: { kind: 'detector' } } })).rejects.toThrow(
      /augmentation does not go with noise of the kind detector/,
    );
    await expect(wrong({ samplesPerEpoch: undefined })).rejects.toThrow(/augmentation needs samplesPerEpoch/);
    await expect(wrong({ samplesPerEpoch: 100_000, out: out('too-many') })).rejects.toThrow(
      /asks for 100000 samples, but epoch 1 has \d+/,
    );
    await expect(wrong({ augmentation: { camera: [] } })).rejects.toThrow(/augmentation: .*"camera"/);
    await expect(wrong({ resume: true, out: out('finetune-whole'), average: 0.1 })).rejects.toThrow(
      /made with average 0.5, but 0.1 came/,
    );
  });
});

describe("a run's file", () => {
  it('has everything that was resolved, and alone makes the same weights again', async () => {
    const flags = ['--noise', 'detector:0.5', '--batch', '8', '--threads', '1', '--log-every', '5', '--seed', '3'];
    const set = Object.entries(tinyModel).flatMap(([field, value]) => ['--set', `${field}=${value}`]);
    const first = await runHere([
      ...['finetune', dataset, '--out', out('flags'), '--epochs', '2', '--samples-per-epoch', '160'],
      ...[...set, ...flags],
    ]);
    expect(first).toMatchObject({ code: 0 });
    const path = join(out('flags'), 'run.json');
    const run = readRunFile(path);
    expect(run).toMatchObject({
      ...{ kind: 'finetune', dataset, from: null, threads: 1, logEvery: 5 },
      model: { ...tinyModel, seed: 3, noise: { kind: 'detector', scale: 0.5 } },
      training: { epochs: 2, batch: 8, learningRate: 7e-4, schedule: { kind: 'decay', factor: 0.97 }, average: null },
    });
    const [call] = run.calls ?? [];
    expect(call.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(new Date(call.time).getTime()).toBeGreaterThan(Date.now() - 600_000);
    expect(await runHere(['finetune', '--config', path, '--out', out('again')])).toMatchObject({ code: 0 });
    for (const name of ['model.safetensors', 'checkpoint.safetensors']) {
      expect(file('flags', name).equals(file('again', name)), name).toBe(true);
    }
    const lines = file('again', 'log.jsonl').toString().trim().split('\n');
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({ time: expect.any(String), samplesPerSecond: expect.any(Number) });
    }
  });

  it('gives way to flags, field by field', async () => {
    const path = join(folder, 'run.json');
    const model = { ...tinyModel, masking: { temporalRatio: 0.5, joints: 3 } };
    writeFileSync(
      path,
      JSON.stringify({ kind: 'pretrain', dataset, model, training: { epochs: 7, batch: 8, samplesPerEpoch: 32 } }),
    );
    const flags = ['--epochs', '1', '--set', 'masking.joints=1'];
    expect(await runHere(['pretrain', '--config', path, '--out', out('over'), ...flags])).toMatchObject({ code: 0 });
    expect(readRunFile(join(out('over'), 'run.json'))).toMatchObject({
      model: { masking: { temporalRatio: 0.5, joints: 1 } },
      training: { epochs: 1, batch: 8 },
    });
  });

  it.each([
    ['{"training": {"epoch": 3}}', /training: .*"epoch"/],
    ['{"speed": 3}', /Unrecognized key: "speed"/],
    ['{"model": {"frames": 28}}', /model\.frames/],
    ['{', /is no JSON/],
    ['{"kind": "pretrain"}', /is a run of pstmo pretrain, not of pstmo finetune/],
    ['{}', /expected a data set file, as an argument or in the file of --config/],
  ])('that says %s is refused', async (text, message) => {
    const path = join(folder, 'wrong.json');
    writeFileSync(path, text);
    const { code, err } = await runHere(['finetune', '--config', path, '--out', out('refused')]);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });
});
