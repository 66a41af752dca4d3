import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { mean } from './joint-errors.js';
import type { SequenceScore } from './sequence-score.js';

/** Human3.6M's actions, in the order in which papers print them. */
export const HUMAN36M_ACTIONS = [
  'Directions',
  'Discussion',
  'Eating',
  'Greeting',
  'Phoning',
  'Photo',
  'Posing',
  'Purchases',
  'Sitting',
  'SittingDown',
  'Smoking',
  'Waiting',
  'WalkDog',
  'Walking',
  'WalkTogether',
] as const;

/** Mean errors of a group of sequences. */
export interface PooledScore {
  /** The action, the subject, or what the group is. */
  name: string;
  sequences: number;
  frames: number;
  mpjpeMm: number;
  pMpjpeMm: number;
  nMpjpeMm: number;
  /** Millimetres a frame; NaN where no step counts. */
  mpjveMm: number;
  /** (J) */
  jointErrorsMm: number[];
}

/** Scores of a test set, pooled the ways that papers report them. */
export interface PooledReport {
  /** By action (the part of its name before the blank), Human3.6M's fifteen first and in their order. */
  actions: PooledScore[];
  subjects: PooledScore[];
  /** Mean of the action means: the figure that Human3.6M tables print. */
  actionAverage: PooledScore;
  /** Mean over all frames. */
  overall: PooledScore;
}

/** "Walking 1" -> "Walking". */
export function actionOf(action: string): string {
  return action.split(' ', 1)[0];
}

/** Pools sequences by action and by subject; inside a group every frame weighs the same. */
export function poolScores(scores: readonly SequenceScore[]): PooledReport {
  checkArguments('poolScores', { scores }, 'list');
  if (scores.length === 0) {
    throw new PoseError('ERR_DATASET', 'There is no scored sequence to pool.');
  }
  const actions = groups(scores, (score) => actionOf(score.action)).sort(
    (a, b) => actionRank(a.name) - actionRank(b.name) || (a.name < b.name ? -1 : 1),
  );
  return {
    actions,
    subjects: groups(scores, (score) => score.subject),
    actionAverage: averageOf(actions),
    overall: pool('all frames', scores),
  };
}

function actionRank(name: string): number {
  const rank = (HUMAN36M_ACTIONS as readonly string[]).indexOf(name);
  return rank < 0 ? HUMAN36M_ACTIONS.length : rank;
}

function groups(scores: readonly SequenceScore[], keyOf: (score: SequenceScore) => string): PooledScore[] {
  const byKey = new Map<string, SequenceScore[]>();
  for (const score of scores) {
    const key = keyOf(score);
    byKey.set(key, [...(byKey.get(key) ?? []), score]);
  }
  return [...byKey].map(([name, members]) => pool(name, members));
}

function pool(name: string, scores: readonly SequenceScore[]): PooledScore {
  const frames = scores.reduce((sum, score) => sum + score.frames, 0);
  const steps = scores.reduce((sum, score) => sum + score.steps, 0);
  const byFrames = (value: (score: SequenceScore) => number) =>
    scores.reduce((sum, score) => sum + score.frames * value(score), 0) / frames;
  return {
    name,
    sequences: scores.length,
    frames,
    mpjpeMm: byFrames((score) => score.mpjpeMm),
    pMpjpeMm: byFrames((score) => score.pMpjpeMm),
    nMpjpeMm: byFrames((score) => score.nMpjpeMm),
    mpjveMm: scores.reduce((sum, score) => sum + (score.steps > 0 ? score.steps * score.mpjveMm : 0), 0) / steps,
    jointErrorsMm: scores[0].jointErrorsMm.map((_, joint) => byFrames((score) => score.jointErrorsMm[joint])),
  };
}

function averageOf(pools: readonly PooledScore[]): PooledScore {
  return {
    name: 'action average',
    sequences: pools.reduce((sum, one) => sum + one.sequences, 0),
    frames: pools.reduce((sum, one) => sum + one.frames, 0),
    mpjpeMm: mean(pools.map((one) => one.mpjpeMm)),
    pMpjpeMm: mean(pools.map((one) => one.pMpjpeMm)),
    nMpjpeMm: mean(pools.map((one) => one.nMpjpeMm)),
    mpjveMm: mean(pools.map((one) => one.mpjveMm)),
    jointErrorsMm: pools[0].jointErrorsMm.map((_, joint) => mean(pools.map((one) => one.jointErrorsMm[joint]))),
  };
}
