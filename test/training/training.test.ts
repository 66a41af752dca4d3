import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { readSafetensors } from '../../lib/formats/safetensors.js';
import { finetune } from '../../lib/training/finetune.js';
import type { TrainingOptions, TrainingProgress } from '../../lib/training/options.js';
import { pretrain } from '../../lib/training/pretrain.js';
import { readCheckpoint, readCheckpointState } from '../../lib/training/record/checkpoint.js';
import type { EpochLine } from '../../lib/training/record/log.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

const folder = temporaryFolder();
const dataset = tinyDataset();
const common = { dataset, model: tinyModel, batch: 32, learningRate: 2e-3, threads: 1, epochs: 4 };

function out(name: string): string {
  return join(folder, name);
}

function expectSameFile(path: string, other: string): void {
  expect(readFileSync(path).equals(readFileSync(other)), `${path} and ${other} differ`).toBe(true);
}

/** Trains and returns the epochs' lines beside the result. */
async function train(run: typeof finetune, options: Partial<TrainingOptions> & { out: string }) {
  const epochs: EpochLine[] = [];
  const result = await run({ ...common, ...options, onEpoch: (line) => epochs.push(line) });
  return { ...result, lines: epochs };
}

describe('the three trainings', () => {
  it('each lower their loss and their validation error, one starting from the other', async () => {
    const first = await train(pretrain, { out: out('one') });
    const notices: string[] = [];
    const second = await train(finetune, {
      ...{ out: out('two'), from: first.modelPath, onNotice: (text) => notices.push(text) },
    });
    const third = await train(finetune, {
      out: out('three'),
      model: { refine: { root: 'truth' } },
      from: second.modelPath,
    });
    for (const { lines } of [first, second, third]) {
      expect(lines).toHaveLength(4);
      expect(lines[3].loss).toBeLessThan(0.8 * lines[0].loss);
      expect(Math.min(...lines.map((line) => line.validation!))).toBeLessThan(lines[0].validation!);
    }
    expect(notices.join()).toMatch(/one\/model.*tensors taken over/);
    // Refining replaces the two-term loss by the refined pose's own.
    expect(third.lines[3].loss).toBeLessThan(second.lines[3].multiple);
  });

  it('start Stage II with the two encoders of Stage I and nothing else', async () => {
    const stage1 = readSafetensors(join(out('one'), 'model.safetensors')).tensors;
    const stop = new AbortController();
    const stopped = train(finetune, {
      out: out('encoders'),
      from: join(out('one'), 'model.safetensors'),
      signal: stop.signal,
      onNotice: (text) => text.includes('taken over') && stop.abort(),
    });
    await expect(stopped).rejects.toThrow('Stopped by the signal after 0 steps');
    const { tensors } = readCheckpoint(join(out('encoders'), 'checkpoint.safetensors'));
    for (const [name, { data }] of stage1) {
      const own = tensors.get(name);
      if (/^(encoder|Transformer)\./.test(name)) {
        expect(own?.data, name).toEqual(data);
      } else {
        expect(own, name).toBeUndefined();
      }
    }
    expect(tensors.get('adamMean:fcn.1.weight')?.data.every((value) => value === 0)).toBe(true);
  });
});

describe('a training', () => {
  it('keeps the weights of its best validation epoch, in a file that says so', async () => {
    const { best, lines, modelPath } = await train(finetune, { out: out('best'), learningRate: 0.05, epochs: 5 });
    const errors = lines.map((line) => line.validation!);
    expect(best?.validation).toBe(Math.min(...errors));
    expect(lines[best!.epoch - 1].best).toBe(true);
    const training = JSON.parse(readSafetensors(modelPath).metadata['pstmo.training']);
    expect(training).toMatchObject({ kind: 'finetune', epoch: best!.epoch, validation: best!.validation });
    expect(training.history.map((epoch: { validation: number }) => epoch.validation)).toEqual(
      errors.slice(0, best!.epoch),
    );
  });

  it('takes the last epoch and says so where nothing is held out, and holds out subjects when told', async () => {
    const train0 = { ...dataset, sequences: dataset.sequences.filter(({ split }) => split !== 'validation') };
    const notices: string[] = [];
    const last = await train(finetune, {
      ...{ out: out('last'), dataset: train0, epochs: 2, onNotice: (text) => notices.push(text) },
    });
    expect(last.best).toEqual({ epoch: 2, validation: null });
    expect(notices.join()).toContain('no validation split');
    const held = await train(finetune, { out: out('held'), dataset: train0, epochs: 1, validation: ['B'] });
    expect(held.lines[0].samples).toBe(last.lines[0].samples / 2);
    expect(held.lines[0].validation).toBeGreaterThan(0);
    const onTest = await train(finetune, { out: out('test'), dataset: train0, epochs: 1, select: 'test' });
    expect(onTest.lines[0].validation).toBeGreaterThan(0);
  });

  it('sees the cameras of its stage only', async () => {
    const model = { ...tinyModel, cameras: { pretrain: ['0'], finetune: ['0', '1'] } };
    const first = await train(pretrain, { out: out('cameras1'), model, epochs: 1 });
    const second = await train(finetune, { out: out('cameras2'), model, epochs: 1 });
    expect(second.lines[0].samples).toBe(2 * first.lines[0].samples);
    for (const missing of ['7', 2]) {
      const wrong = { ...tinyModel, cameras: { pretrain: [missing], finetune: null } };
      await expect(train(pretrain, { out: out('cameras3'), model: wrong })).rejects.toThrow(
        new RegExp(`cameras names ${missing}, but tiny has 0, 1; a number is a place, from 0 to 1`),
      );
    }
  });

  it('takes a camera by its place as well as by its name', async () => {
    const renamed = {
      ...dataset,
      sequences: dataset.sequences.map((sequence) => ({ ...sequence, camera: `cam${sequence.camera}` })),
    };
    const runs = [['cam1'], [1]].map((cameras, i) =>
      train(finetune, {
        ...{ dataset: renamed, out: out(`place${i}`), epochs: 1 },
        model: { ...tinyModel, cameras: { pretrain: null, finetune: cameras } },
      }),
    );
    const [named, placed] = await Promise.all(runs);
    expect(placed.lines[0]).toMatchObject({ loss: named.lines[0].loss, validation: named.lines[0].validation });
  });

  it('meets new noise in each epoch but the same in each validation', async () => {
    const model = { ...tinyModel, noise: { kind: 'gaussian', sigma: 0.05, unit: 'normalised' } as const };
    const options = { model, learningRate: 1e-12, epochs: 2 };
    const { lines } = await train(finetune, { ...options, out: out('noise') });
    const clean = await train(finetune, { ...options, model: tinyModel, out: out('clean') });
    expect(lines[0].validation).not.toBe(clean.lines[0].validation);
    const drift = Math.abs(clean.lines[1].validation! - clean.lines[0].validation!);
    // Batch norm's running statistics move a little; the 2D that is validated on does not.
    expect(Math.abs(lines[1].validation! - lines[0].validation!)).toBeLessThan(3 * drift + 1);
  });

  it('writes a line for every step and epoch, and reports how far it is', async () => {
    const progress: TrainingProgress[] = [];
    const { logPath, steps } = await train(finetune, {
      out: out('log'),
      epochs: 2,
      onProgress: (one) => progress.push(one),
    });
    const lines = readFileSync(logPath, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ kind }) => kind === 'step').map(({ step }) => step)).toEqual(
      Array.from({ length: steps }, (_, i) => i + 1),
    );
    expect(lines.filter(({ kind }) => kind === 'epoch').map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(progress.some(({ phase }) => phase === 'validation')).toBe(true);
    const last = progress.filter(({ phase }) => phase === 'training').at(-1)!;
    expect(last).toMatchObject({ epoch: 2, epochs: 2, step: last.steps, secondsLeft: 0 });
    expect(last.samplesPerSecond).toBeGreaterThan(0);
  });
});

describe('a signal', () => {
  it('ends a training after the steps under way; resumed, it gives the unbroken weights', async () => {
    const whole = await train(finetune, { out: out('whole') });
    const checkpoint = join(out('stopped'), 'checkpoint.safetensors');
    for (const [reports, resume] of [
      [1, false],
      [3, true],
      [3, true],
    ] as const) {
      const { error, reason } = await stoppedAfter(reports, { resume });
      const { step } = readCheckpointState(checkpoint).state;
      expect(step).toBeLessThan(whole.steps);
      expect(error).toBeInstanceOf(PoseError);
      expect(error).toMatchObject({ code: 'ERR_ABORTED', name: 'AbortError' });
      expect((error as Error).message).toBe(
        `Stopped by the signal after ${step} steps; resume goes on from ${checkpoint}.`,
      );
      expect((error as Error).cause).toBe(reason);
    }
    const { modelPath, checkpointPath } = await finetune({ ...common, out: out('stopped'), resume: true });
    expectSameFile(modelPath, whole.modelPath);
    expectSameFile(checkpointPath, whole.checkpointPath);
  });

  async function stoppedAfter(reports: number, options: Partial<TrainingOptions>) {
    const control = new AbortController();
    let seen = 0;
    const onProgress = () => {
      seen++;
      if (seen >= reports) {
        control.abort(new Error('enough'));
      }
    };
    const call = finetune({ ...common, ...options, out: out('stopped'), signal: control.signal, onProgress });
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { error, reason: control.signal.reason };
  }
});

describe('resume', () => {
  it('goes on to more epochs, but not with other settings, data or commands', async () => {
    const options = { ...common, out: out('more'), epochs: 1 };
    await finetune(options);
    await expect(finetune(options)).rejects.toThrow(/exists: resume/);
    const again = { ...options, resume: true };
    await expect(finetune({ ...again, batch: 16 })).rejects.toThrow(/made with batch 32, but 16 came/);
    await expect(finetune({ ...again, model: { ...tinyModel, seed: 3 } })).rejects.toThrow(/made with model/);
    await expect(finetune({ ...again, dataset: tinyDataset(61) })).rejects.toThrow(/data of digest/);
    await expect(pretrain(again)).rejects.toThrow(/made with command "finetune"/);
    await expect(finetune({ ...again, epochs: 3 })).resolves.toMatchObject({ epochs: 3 });
    const straight = await finetune({ ...options, out: out('straight'), epochs: 3 });
    expectSameFile(join(out('more'), 'model.safetensors'), straight.modelPath);
  });

  it('begins where there is nothing to resume', async () => {
    const result = await finetune({ ...common, out: out('fresh'), epochs: 1, resume: true });
    expect(result).toMatchObject({ epochs: 1 });
  });
});

describe('what cannot be trained', () => {
  const cases: [string, Partial<TrainingOptions>, RegExp][] = [
    ['an unknown option', { epoch: 3 } as Partial<TrainingOptions>, /Unknown training option epoch/],
    ['a wrong setting', { batch: 1 }, /batch/],
    ['another layout', { model: { ...tinyModel, inputLayout: 'coco-17' } }, /inputLayout is coco-17.*h36m-17/],
    ['a subject that is not there', { validation: ['X'] }, /validation names X/],
    ['refining from scratch of unknown weights', { from: join(folder, 'none.safetensors') }, /none.safetensors/],
  ];

  it.each(cases)('%s is named', async (name, options, message) => {
    const target = out(`wrong ${name}`);
    await expect(finetune({ ...common, ...options, out: target })).rejects.toThrow(message);
    await expect(finetune({ ...common, ...options, out: target, resume: true })).rejects.toBeInstanceOf(PoseError);
    expect(existsSync(join(target, 'model.safetensors'))).toBe(false);
  });

  it('refining that does not start from a finished Stage II', async () => {
    const model = { refine: { root: 'truth' } } as const;
    const from = join(out('one'), 'model.safetensors');
    await expect(train(finetune, { out: out('refine1'), model, from })).rejects.toThrow(/finished Stage II/);
    const blind = { ...dataset, sequences: dataset.sequences.map(({ intrinsics: _, ...rest }) => rest) };
    const stage2 = join(out('two'), 'model.safetensors');
    await expect(train(finetune, { out: out('refine2'), model, from: stage2, dataset: blind })).rejects.toThrow(
      /intrinsics/,
    );
  });

  it('a learning rate at which the loss is no number any more', async () => {
    await expect(train(finetune, { out: out('diverged'), learningRate: 1e5 })).rejects.toThrow(/diverged/);
  });
});
