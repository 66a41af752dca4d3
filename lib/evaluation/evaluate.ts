import { DATASET } from '../base/argument-kinds.js';
import { withCallbacks } from '../base/callbacks.js';
import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { pushAll } from '../base/lists.js';
import { withoutOldNames } from '../base/old-names.js';
import { PoseError } from '../base/pose-error.js';
import { Turns } from '../base/turns.js';
import { readDataset } from '../datasets/dataset-file.js';
import { readDetectorNoise } from '../datasets/noise.js';
import { keypointNoise, noisyKeypoints } from '../datasets/noisy-keypoints.js';
import type { PoseDataset, PoseSequence, Split } from '../datasets/pose-dataset.js';
import type { ModelConfig } from '../networks/config.js';
import { baselineReports } from './baseline-reports.js';
import { methodReport } from './method-report.js';
import { checkEvaluationOptions, type EvaluationOptions } from './options.js';
import type { ConditionReport, EvaluationReport } from './report.js';
import { openTestNetwork } from './test-network.js';

type Noise = ModelConfig['noise'];

/**
 * Lifts the test split, every frame of every video, and scores it beside the baselines: tables by subject, camera and
 * action, and MPI-INF-3DHP's own where the data set has its joints. Throws `ERR_DATASET` when something is missing for it.
 */
export async function evaluate(given: EvaluationOptions): Promise<EvaluationReport> {
  checkArguments('evaluate', { given }, 'object');
  const options = withoutOldNames(given);
  checkArguments('evaluate', { options }, { model: 'text', dataset: 'object|text' });
  const { dataset } = options;
  if (typeof dataset !== 'string') checkArguments('evaluate', { dataset }, DATASET);
  checkOptionKinds('evaluate', options, {
    ...{ split: 'text', subjects: 'list', flip: 'boolean', noise: 'object' },
    ...{ noiseTable: 'text', seed: 'number', baselines: 'boolean', root: 'text', device: 'text', precision: 'text' },
    ...{ threads: 'number', matmul: 'text' },
  });
  checkEvaluationOptions(options);
  return withCallbacks(options, evaluateWith);
}

async function evaluateWith(options: EvaluationOptions): Promise<EvaluationReport> {
  const { split = 'test', flip = true, seed = 0, root = 'truth', shuffleFrames, signal, onProgress } = options;
  const turns = new Turns(signal);
  const dataset =
    typeof options.dataset === 'string' ? await readDataset(options.dataset, {}, { signal }) : options.dataset;
  const tests = testSequences(dataset, split, options.subjects);
  const training = dataset.sequences.filter((sequence) => sequence.split === 'train' && sequence.poses);
  const table = options.noiseTable === undefined ? undefined : readDetectorNoise(options.noiseTable);
  const network = await openTestNetwork(options, dataset);
  try {
    if (options.root !== undefined && !network.config.refine) {
      throw new PoseError('ERR_ARGUMENT', `root: ${options.model} has no refining module that would use it.`);
    }
    const noise = options.noise ?? network.config.noise;
    const kinds: Noise[] = noise.kind === 'none' ? [noise] : [{ kind: 'none' }, noise];
    const total = kinds.length * tests.length;
    let done = 0;
    let seconds = 0;
    const conditions: ConditionReport[] = [];
    for (const kind of kinds) {
      const about = keypointNoise(dataset, kind, seed, table);
      const seen = (sequence: PoseSequence) => noisyKeypoints(sequence, about, sequence.split);
      const predicted: Float32Array[] = [];
      for (const sequence of tests) {
        const start = performance.now();
        predicted.push(await network.lift(sequence, seen(sequence), { flip, root, shuffleFrames, signal }));
        seconds += (performance.now() - start) / 1000;
        done++;
        onProgress?.(done, total, sequence.name);
      }
      const methods = [await methodReport('P-STMO', dataset, tests, predicted, turns)];
      if ((options.baselines ?? true) && training.length > 0) {
        pushAll(methods, await baselineReports(dataset, training, tests, seen, turns));
      }
      conditions.push({ name: conditionName(kind), noise: kind, methods });
    }
    const frames = tests.reduce((sum, sequence) => sum + sequence.frames, 0);
    const validFrames = tests.reduce(
      (sum, one) => sum + (one.valid?.filter((mark) => mark === 1).length ?? one.frames),
      0,
    );
    return {
      model: network.about,
      dataset: { name: dataset.name, source: dataset.source, split, sequences: tests.length, frames, validFrames },
      notes: [...network.mapped, ...withoutBaselines(dataset, training.length > 0, options.baselines ?? true)],
      flip,
      shuffleFrames: shuffleFrames ?? null,
      refine: network.config.refine ? { root } : null,
      conditions,
      framesPerSecond: (kinds.length * frames) / seconds,
    };
  } finally {
    await network.close();
  }
}

/** Why there is no baseline, in a sentence, or none. */
function withoutBaselines(dataset: PoseDataset, trained: boolean, wanted: boolean): string[] {
  if (!wanted) return ['Without baselines, as asked.'];
  if (trained) return [];
  const blind = dataset.sequences.some(({ split }) => split === 'train');
  const why = blind ? 'no training sequence has 3D poses' : 'has no training split';
  return [`No baselines: they are fitted on training poses, and ${blind ? why : `${dataset.name} ${why}`}.`];
}

/** The sequences of a split that have poses to compare with. Throws `ERR_DATASET`. */
export function testSequences(
  dataset: PoseDataset,
  split: Split,
  subjects: readonly string[] | undefined,
): PoseSequence[] {
  const all = dataset.sequences.filter((sequence) => sequence.split === split);
  const known = [...new Set(all.map(({ subject }) => subject))];
  const others = [...new Set(dataset.sequences.map((sequence) => sequence.split))];
  const missing = subjects?.filter((subject) => !known.includes(subject)) ?? [];
  if (all.length === 0 || missing.length > 0) {
    const what =
      missing.length > 0
        ? `no ${split} subject ${missing.join(', ')}, only ${known.join(', ')}`
        : `no ${split} split, only ${others.join(', ')}: choose one of these with split, or prepare the data set with ${split} subjects`;
    throw new PoseError('ERR_DATASET', `${dataset.name} has ${what}.`);
  }
  const chosen = all.filter(({ subject }) => subjects?.includes(subject) ?? true);
  const blind = chosen.find((sequence) => !sequence.poses);
  if (blind) {
    throw new PoseError('ERR_DATASET', `Sequence ${blind.name} has no 3D poses to compare with.`);
  }
  return chosen.filter(({ valid }) => valid === undefined || valid.includes(1));
}

function conditionName(noise: Noise): string {
  if (noise.kind === 'none') {
    return 'as in the data set';
  }
  return noise.kind === 'detector'
    ? `with a detector's errors, times ${noise.scale}`
    : `with Gaussian noise, sigma ${noise.sigma} ${noise.unit}`;
}
