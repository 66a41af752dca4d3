import { readDataset } from '../datasets/dataset-file.js';
import { readDetectorNoise } from '../datasets/noise.js';
import type { PoseDataset, PoseSequence, Split } from '../datasets/pose-dataset.js';
import type { ModelConfig } from '../models/config.js';
import { PoseError } from '../pose-error.js';
import { baselineReports } from './baseline-reports.js';
import type { ConditionReport, EvaluationReport, RootSource } from './evaluation-report.js';
import { methodReport } from './method-report.js';
import { keypointNoise, noisyKeypoints } from './noisy-keypoints.js';
import { openTestNetwork } from './test-network.js';

type Noise = ModelConfig['noise'];

/** Options of {@link evaluate}. */
export interface EvaluationOptions {
  /** A model file's path or a bundled model's name. */
  model: string;
  /** A data set in memory or the path of a data set file. */
  dataset: PoseDataset | string;
  /** Which part to test on; `test`. */
  split?: Split;
  /** Test subjects to keep; all. */
  subjects?: readonly string[] | undefined;
  /** Mean of the plain and the mirrored prediction; true. */
  flip?: boolean;
  /** Test once more with this noise on the 2D; the noise of the model's training, if it had any. `none`: not. */
  noise?: Noise | undefined;
  /** PyTorch file of a detector's errors, for detector noise; the bundled table. */
  noiseTable?: string | undefined;
  /** Seed of the noise; 0. */
  seed?: number;
  /** Beside mean pose and per-frame linear regression, fitted on the training split; true where there is one. */
  baselines?: boolean;
  /** Where a refining model takes the root's depth from; `truth`, as the paper does. */
  root?: RootSource | undefined;
  device?: 'auto' | 'cpu' | 'cuda' | `cuda:${number}`;
  precision?: 'fp32' | 'tf32' | 'bf16';
  threads?: number;
  signal?: AbortSignal;
  /** After each sequence. */
  onProgress?: (done: number, total: number, sequence: string) => void;
  onNotice?: (text: string) => void;
}

const OPTION_NAMES: Readonly<Record<keyof EvaluationOptions, true>> = {
  ...{ model: true, dataset: true, split: true, subjects: true, flip: true, noise: true, noiseTable: true },
  ...{ seed: true, baselines: true, root: true, device: true, precision: true, threads: true },
  ...{ signal: true, onProgress: true, onNotice: true },
};

/**
 * Lifts the test split, every frame of every video, and scores it beside the baselines: tables by subject, camera and
 * action, and MPI-INF-3DHP's own where the data set has its joints. Throws `ERR_DATASET` when something is missing for it.
 */
export async function evaluate(options: EvaluationOptions): Promise<EvaluationReport> {
  const unknown = Object.keys(options).filter((name) => !(name in OPTION_NAMES));
  if (unknown.length > 0) {
    const known = Object.keys(OPTION_NAMES).join(', ');
    throw new PoseError('ERR_ARGUMENT', `Unknown evaluation option ${unknown.join(', ')}; known are ${known}.`);
  }
  const { split = 'test', flip = true, seed = 0, root = 'truth', signal, onProgress } = options;
  const dataset = typeof options.dataset === 'string' ? await readDataset(options.dataset) : options.dataset;
  const tests = testSequences(dataset, split, options.subjects);
  const training = dataset.sequences.filter((sequence) => sequence.split === 'train' && sequence.poses);
  const table = options.noiseTable === undefined ? undefined : readDetectorNoise(options.noiseTable);
  const network = await openTestNetwork(options, dataset);
  try {
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
        predicted.push(await network.lift(sequence, seen(sequence), { flip, root, signal }));
        seconds += (performance.now() - start) / 1000;
        done++;
        onProgress?.(done, total, sequence.name);
      }
      const methods = [methodReport('P-STMO', dataset, tests, predicted)];
      if ((options.baselines ?? true) && training.length > 0) {
        methods.push(...baselineReports(dataset, training, tests, seen));
      }
      conditions.push({ name: conditionName(kind), noise: kind, methods });
    }
    const frames = tests.reduce((sum, sequence) => sum + sequence.frames, 0);
    return {
      model: network.about,
      dataset: { name: dataset.name, source: dataset.source, split, sequences: tests.length, frames },
      flip,
      refine: network.config.refine ? { root } : null,
      conditions,
      framesPerSecond: (kinds.length * frames) / seconds,
    };
  } finally {
    await network.close();
  }
}

function testSequences(dataset: PoseDataset, split: Split, subjects: readonly string[] | undefined): PoseSequence[] {
  const all = dataset.sequences.filter((sequence) => sequence.split === split);
  const known = [...new Set(all.map(({ subject }) => subject))];
  const missing = subjects?.filter((subject) => !known.includes(subject)) ?? [];
  if (all.length === 0 || missing.length > 0) {
    const what =
      missing.length > 0 ? `no ${split} subject ${missing.join(', ')}, only ${known.join(', ')}` : `no ${split} split`;
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
