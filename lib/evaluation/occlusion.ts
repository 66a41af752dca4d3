import { DATASET } from '../base/argument-kinds.js';
import { withCallbacks } from '../base/callbacks.js';
import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { createRandom } from '../base/random.js';
import { Turns } from '../base/turns.js';
import { readDataset } from '../datasets/dataset-file.js';
import type { PoseSequence } from '../datasets/pose-dataset.js';
import { fillGaps } from '../keypoints/filters/fill-gaps.js';
import { testSequences } from './evaluate.js';
import { methodReport } from './method-report.js';
import type { EvaluationOptions } from './options.js';
import { openTestNetwork } from './test-network.js';

export interface OcclusionOptions
  extends Pick<
    EvaluationOptions,
    | 'model'
    | 'dataset'
    | 'split'
    | 'subjects'
    | 'flip'
    | 'seed'
    | 'device'
    | 'precision'
    | 'threads'
    | 'signal'
    | 'onProgress'
    | 'onNotice'
  > {
  /** Shares of all joints that are hidden, from 0 up to but without 1; 0, 0.1, ... 0.6. */
  shares?: readonly number[];
  /** How long a joint is hidden at a time, seconds; 0.4. */
  seconds?: number;
}

/** What {@link evaluateOcclusion} answers. */
export interface OcclusionReport {
  model: string;
  dataset: { name: string; split: string; sequences: number; frames: number };
  flip: boolean;
  seconds: number;
  points: { share: number; mpjpeMm: number; pMpjpeMm: number }[];
}

const defaultShares = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6];

/**
 * Lifts the test split with ever more of its 2D joints hidden, each for a while at a time as behind furniture, and bridged as
 * `readKeypoints` bridges what a detector misses ({@link fillGaps}): what lifting makes of occluded people.
 */
export async function evaluateOcclusion(options: OcclusionOptions): Promise<OcclusionReport> {
  checkArguments('evaluateOcclusion', { options }, { model: 'text', dataset: 'object|text' });
  const { dataset } = options;
  if (typeof dataset !== 'string') checkArguments('evaluateOcclusion', { dataset }, DATASET);
  checkOptionKinds('evaluateOcclusion', options, {
    ...{ shares: 'list', seconds: 'number', seed: 'number', flip: 'boolean' },
    ...{ split: 'text', subjects: 'list', device: 'text', precision: 'text', threads: 'number' },
  });
  const { shares = defaultShares, seconds = 0.4 } = options;
  const bad = shares.find((share) => !(share >= 0 && share < 1));
  if (shares.length === 0 || bad !== undefined || !(seconds > 0)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Occlusion: expected shares from 0 to below 1 and positive seconds, got [${shares.join(', ')}] and ${seconds}.`,
    );
  }
  return withCallbacks(options, evaluateHidden);
}

async function evaluateHidden(options: OcclusionOptions): Promise<OcclusionReport> {
  const { shares = defaultShares, seconds = 0.4, split = 'test', flip = true, seed = 0, signal } = options;
  const turns = new Turns(signal);
  const dataset =
    typeof options.dataset === 'string' ? await readDataset(options.dataset, {}, { signal }) : options.dataset;
  const tests = testSequences(dataset, split, options.subjects);
  const network = await openTestNetwork(options, dataset);
  try {
    const points: OcclusionReport['points'] = [];
    let done = 0;
    for (const share of shares) {
      const predicted: Float32Array[] = [];
      for (const sequence of tests) {
        const seen = hidden(sequence, share, seconds, seed);
        predicted.push(await network.lift(sequence, seen, { flip, root: 'truth', signal }));
        done++;
        options.onProgress?.(done, shares.length * tests.length, sequence.name);
      }
      const { mpjpeMm, pMpjpeMm } = (await methodReport('P-STMO', dataset, tests, predicted, turns)).overall;
      points.push({ share, mpjpeMm, pMpjpeMm });
    }
    const frames = tests.reduce((sum, sequence) => sum + sequence.frames, 0);
    const about = { name: dataset.name, split, sequences: tests.length, frames };
    return { model: options.model, dataset: about, flip, seconds, points };
  } finally {
    await network.close();
  }
}

/** (T, J, 2) keypoints of which `share` were hidden, spans of each joint at random places, and bridged. */
function hidden(sequence: PoseSequence, share: number, seconds: number, seed: number): Float32Array {
  const { keypoints, frames, fps, name } = sequence;
  const joints = keypoints.length / frames / 2;
  const span = Math.max(1, Math.round(seconds * fps));
  const known = keypoints.slice();
  for (let joint = 0; joint < joints; joint++) {
    const random = createRandom(seed, 'occlusion', name, joint);
    // One frame stays: a joint that is never seen has no place to be held at.
    const wanted = Math.min(Math.round(share * frames), frames - 1);
    for (let gone = 0; gone < wanted; ) {
      const first = random.integer(frames + span) - span;
      for (let frame = Math.max(0, first); frame < Math.min(frames, first + span) && gone < wanted; frame++) {
        const at = (frame * joints + joint) * 2;
        if (Number.isNaN(known[at])) continue;
        known.fill(Number.NaN, at, at + 2);
        gone++;
      }
    }
  }
  return fillGaps(known, frames, joints).keypoints;
}
