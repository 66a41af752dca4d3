import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { tensor } from '../../lib/base/tensor.js';
import type { PoseDataset, PoseSequence } from '../../lib/datasets/pose-dataset.js';
import { evaluate } from '../../lib/evaluation/evaluate.js';
import type { EvaluationOptions } from '../../lib/evaluation/options.js';
import type { EvaluationReport } from '../../lib/evaluation/report.js';
import { evaluationTable } from '../../lib/evaluation/table.js';
import { pMpjpeMm } from '../../lib/metrics/alignment.js';
import { mpjpeMm } from '../../lib/metrics/joint-errors.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { finetune } from '../../lib/training/finetune.js';
import { cpuDevice } from '../helpers/cpu-device.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const dataset = tinyDataset();
const common = { dataset, threads: 1, device: cpuDevice } as const;
let model = '';
let refined = '';

beforeAll(async () => {
  // WebAssembly does not train.
  const options = { ...common, device: 'cpu' as const, batch: 32, learningRate: 2e-3, epochs: 2 };
  const noise = { kind: 'gaussian', sigma: 0.01, unit: 'normalised' } as const;
  const first = await finetune({ ...options, out: join(folder, 'plain'), model: { ...tinyModel, noise } });
  model = first.modelPath;
  const second = await finetune({
    ...{ ...options, out: join(folder, 'refined'), from: model },
    model: { noise: { kind: 'none' }, refine: { root: 'truth' } },
  });
  refined = second.modelPath;
});

/** The data set with the joints of MPI-INF-3DHP: another order of the same. */
function in3dhp(given: PoseDataset): PoseDataset {
  const from = [10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7, 9];
  const ordered = (values: Float32Array, axes: number) =>
    values.map((_, at) => {
      const point = Math.floor(at / axes);
      return values[(point - (point % 17) + from[point % 17]) * axes + (at % axes)];
    });
  const sequences = given.sequences.map((one) => ({
    ...one,
    keypoints: ordered(one.keypoints, 2),
    poses: ordered(one.poses!, 3),
  }));
  return { ...given, inputLayout: '3dhp-17', outputLayout: '3dhp-17', rootJoint: 14, sequences };
}

describe('evaluate', () => {
  it('scores what the lifter gives, frame by frame of each test video', async () => {
    const report = await evaluate({ ...common, model, noise: { kind: 'none' }, baselines: false });
    expect(report).toMatchObject({
      dataset: { name: 'tiny', split: 'test', sequences: 2, frames: 80 },
      flip: true,
      refine: null,
      conditions: [{ name: 'as in the data set', methods: [{ method: 'P-STMO' }] }],
    });
    const lifter = await PoseLifter.load(model, { device: 'cpu' });
    const errors: number[][] = [];
    for (const { keypoints, poses, frames, width, height, split } of dataset.sequences) {
      if (split === 'test') {
        const pixels = keypoints.map((value, i) => ((value + (i % 2 === 0 ? 1 : height / width)) * width) / 2);
        const lifted = await lifter.lift(tensor(pixels, [frames, 17, 2]), { width, height });
        const truth = tensor(poses!, [frames, 17, 3]);
        errors.push([mpjpeMm(lifted, truth), pMpjpeMm(lifted, truth)]);
      }
    }
    await lifter.close();
    const { overall, cameras, subjects } = report.conditions[0].methods[0];
    expect(overall.mpjpeMm).toBeCloseTo((errors[0][0] + errors[1][0]) / 2, 2);
    expect(overall.pMpjpeMm).toBeCloseTo((errors[0][1] + errors[1][1]) / 2, 2);
    expect(cameras.map((camera) => camera.name)).toEqual(['0', '1']);
    expect(cameras[1].mpjpeMm).toBeCloseTo(errors[1][0], 2);
    expect(subjects).toMatchObject([{ name: 'D', frames: 80 }]);
  });

  it('tests clean and with the noise of the training, beside both baselines', async () => {
    const report = await evaluate({ ...common, model });
    expect(report.conditions.map(({ noise }) => noise.kind)).toEqual(['none', 'gaussian']);
    for (const { methods } of report.conditions) {
      expect(methods.map(({ method }) => method)).toEqual(['P-STMO', 'mean pose', 'linear regression']);
    }
    const [clean, noisy] = report.conditions.map(({ methods }) => methods.map(({ overall }) => overall.mpjpeMm));
    expect(noisy[0]).not.toBe(clean[0]);
    expect(noisy[1]).toBe(clean[1]);
    expect(noisy[2]).not.toBe(clean[2]);
    const again = await evaluate({ ...common, model });
    expect(again.conditions).toEqual(report.conditions);
    const table = evaluationTable(report);
    expect(table).toMatch(/linear regression +D +80 +\d+\.\d/);
    expect(table).toContain('2D with Gaussian noise, sigma 0.01 normalised');
  });

  it('refines with the true or the estimated root, and says which', async () => {
    const options = { ...common, model: refined, baselines: false };
    const truth = await evaluate(options);
    const estimated = await evaluate({ ...options, root: 'estimated' });
    expect(truth.refine).toEqual({ root: 'truth' });
    expect(estimated.refine).toEqual({ root: 'estimated' });
    const error = (report: typeof truth) => report.conditions[0].methods[0].overall.mpjpeMm;
    expect(error(estimated)).not.toBe(error(truth));
    expect(error(estimated)).toBeGreaterThan(0);
    expect(evaluationTable(truth)).toContain('from the ground truth');
    expect(evaluationTable(estimated)).toContain('estimated');
  });

  it('shuffles the frames that go in, and not the truth, by a seed', async () => {
    const options = { ...common, model, baselines: false, noise: { kind: 'none' } } as const;
    const error = (report: EvaluationReport) => report.conditions[0].methods[0].overall.mpjpeMm;
    const ordered = await evaluate(options);
    const shuffled = await evaluate({ ...options, shuffleFrames: 3 });
    expect(ordered.shuffleFrames).toBeNull();
    expect(shuffled.shuffleFrames).toBe(3);
    expect(evaluationTable(shuffled)).toContain('frames of each window are shuffled (seed 3)');
    expect(error(shuffled)).not.toBe(error(ordered));
    expect((await evaluate({ ...options, shuffleFrames: 3 })).conditions).toEqual(shuffled.conditions);
    expect(error(await evaluate({ ...options, shuffleFrames: 4 }))).not.toBe(error(shuffled));
    // A video that stands still has one order alone.
    const still = {
      ...dataset,
      sequences: dataset.sequences.map((sequence) => ({
        ...sequence,
        keypoints: sequence.keypoints.map((_, i, all) => all[i % 34]),
      })),
    };
    const quiet = await evaluate({ ...options, dataset: still });
    expect(error(await evaluate({ ...options, dataset: still, shuffleFrames: 3 }))).toBeCloseTo(error(quiet), 3);
  });

  it('keeps to the subjects and the split that were named', async () => {
    const train = await evaluate({ ...common, model, split: 'train', subjects: ['B'], baselines: false });
    expect(train.dataset).toMatchObject({ split: 'train', sequences: 2 });
    expect(train.conditions[0].methods[0].subjects.map(({ name }) => name)).toEqual(['B']);
  });

  it('leaves out what is not valid', async () => {
    const valid = new Uint8Array(40).fill(1, 30);
    const marked = { ...dataset, sequences: dataset.sequences.map((sequence) => ({ ...sequence, valid })) };
    const report = await evaluate({ ...common, dataset: marked, model, baselines: false });
    expect(report.conditions[0].methods[0].overall.frames).toBe(20);
    expect(report.dataset).toMatchObject({ frames: 80, validFrames: 20 });
    expect(evaluationTable(report)).toContain('2 sequences, 80 frames, 20 of them valid: these are scored');
  });

  it("maps joints between skeletons as lifting does, and scores in the data set's own", async () => {
    const own = await evaluate({ ...common, model, noise: { kind: 'none' } });
    expect(own.notes).toEqual([]);
    const report = await evaluate({ ...common, dataset: in3dhp(dataset), model, noise: { kind: 'none' } });
    const { overall, mpiInf3dhp } = report.conditions[0].methods[0];
    expect(overall.mpjpeMm).toBeCloseTo(own.conditions[0].methods[0].overall.mpjpeMm, 3);
    expect(mpiInf3dhp!.average.mpjpeMm).toBeCloseTo(overall.mpjpeMm, 3);
    expect(overall.jointErrorsMm[14]).toBe(0);
    expect(report.notes).toEqual([
      expect.stringMatching(/the 2D from 3dhp-17 to h36m-17 and poses from h36m-17 to 3dhp-17/),
    ]);
    expect(evaluationTable(report)).toContain(report.notes[0]);
  });

  it('says when baselines are missing, and why', async () => {
    const without = (change: Partial<PoseSequence>) => ({
      ...dataset,
      sequences: dataset.sequences.map((one) => (one.split === 'train' ? { ...one, ...change } : one)),
    });
    const notes = async (change: Partial<EvaluationOptions>) =>
      (await evaluate({ ...common, model, noise: { kind: 'none' }, ...change })).notes;
    expect(await notes({ dataset: without({ split: 'validation' }) })).toEqual([
      'No baselines: they are fitted on training poses, and tiny has no training split.',
    ]);
    expect(await notes({ dataset: without({ poses: undefined }) })).toEqual([
      'No baselines: they are fitted on training poses, and no training sequence has 3D poses.',
    ]);
    expect(await notes({ baselines: false })).toEqual(['Without baselines, as asked.']);
  });

  it.each<[string, Partial<EvaluationOptions>, RegExp]>([
    ['an inherited option', JSON.parse('{"__proto__":1}'), /Unknown evaluation option __proto__/],
    ['the class of options', { constructor: 1 } as Partial<EvaluationOptions>, /Unknown evaluation option constructor/],
    ['a seed that is none', { shuffleFrames: -1 }, /shuffleFrames: expected a seed.*got -1/],
    ['an unknown option', { splits: 'test' } as Partial<EvaluationOptions>, /Unknown evaluation option splits/],
    ['an unknown subject', { subjects: ['X'] }, /no test subject X, only D/],
    [
      'joints that none is',
      { dataset: { ...dataset, outputLayout: 'coco-17' } },
      /outputLayout h36m-17.*coco-17\. .*nose/,
    ],
    [
      '2D without a map',
      { dataset: { ...dataset, inputLayout: 'mpii-16' } },
      /inputLayout h36m-17.*mpii-16\. .*no map/,
    ],
    ['a missing model', { model: join(folder, 'none') }, /no such file/],
  ])('names %s', async (_, options, message) => {
    await expect(evaluate({ ...common, model, ...options })).rejects.toThrow(message);
  });
});
