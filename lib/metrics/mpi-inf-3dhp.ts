import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { jointErrorsMm, mean, meanByJoint } from './joint-errors.js';
import { auc, pck } from './pck.js';
import { countedFrames, withoutRoot } from './sequence-score.js';

/** Joint groups of the data set's tables, indices into its 17 joints. PCK and AUC look at these 14 joints alone. */
export const MPI_INF_3DHP_GROUPS: readonly { name: string; joints: readonly number[] }[] = [
  { name: 'Head', joints: [0] },
  { name: 'Neck', joints: [1] },
  { name: 'Shoulders', joints: [2, 5] },
  { name: 'Elbows', joints: [3, 6] },
  { name: 'Wrists', joints: [4, 7] },
  { name: 'Hips', joints: [8, 11] },
  { name: 'Knees', joints: [9, 12] },
  { name: 'Ankles', joints: [10, 13] },
];

/** The seven activities; label 1 is the first. */
export const MPI_INF_3DHP_ACTIVITIES = [
  'Standing/Walking',
  'Exercising',
  'Sitting',
  'Reaching/Crouching',
  'On The Floor',
  'Sports',
  'Miscellaneous',
] as const;

const ROOT = 14;
const PCK_JOINTS = 14;

/** One test sequence: poses (T, 17, 3), metres, relative to joint 14. */
export interface MpiInf3dhpResult {
  name: string;
  predicted: Tensor;
  truth: Tensor;
  /** (T), 1 where a frame counts; absent: all count. */
  valid?: Uint8Array;
  /** (T), labels 1 to 7. */
  activity?: Uint8Array;
}

/** One line of the data set's tables. PCK and AUC are shares in [0, 1]. */
export interface MpiInf3dhpRow {
  name: string;
  frames: number;
  /** Over all 17 joints. */
  mpjpeMm: number;
  /** (17) */
  jointErrorsMm: number[];
  /** Over joints 0 to 13. */
  pck: number;
  auc: number;
  groups: { name: string; pck: number; auc: number }[];
}

export interface MpiInf3dhpReport {
  sequences: MpiInf3dhpRow[];
  /** The activities that occur; empty unless every sequence has labels. */
  activities: MpiInf3dhpRow[];
  /** The sequences' values averaged with their numbers of valid frames as weights: what papers report. */
  average: MpiInf3dhpRow;
}

/** The tables of MPI-INF-3DHP's own test program. Throws `ERR_DATASET` when a sequence has no valid frame. */
export function poolMpiInf3dhp(results: readonly MpiInf3dhpResult[]): MpiInf3dhpReport {
  checkArguments('poolMpiInf3dhp', { results }, 'list');
  if (results.length === 0) {
    throw new PoseError('ERR_DATASET', 'There is no test sequence to pool.');
  }
  const errors = results.map(errorsOf);
  const sequences = results.map((result, i) => row(result.name, errors[i]));
  return { sequences, activities: activityRows(results, errors), average: weightedAverage(sequences) };
}

/** Joint errors (valid frames, 17) in millimetres. */
function errorsOf(result: MpiInf3dhpResult): Tensor {
  const { name, predicted, truth, valid, activity } = result;
  const [frames, joints] = truth.shape;
  if (joints !== 17) {
    throw new PoseError('ERR_ARGUMENT', `Sequence ${name} must have the 17 joints of 3dhp-17, got ${joints}.`);
  }
  for (const [what, marks] of [
    ['valid', valid],
    ['activity', activity],
  ] as const) {
    if (marks && marks.length !== frames) {
      throw new PoseError('ERR_ARGUMENT', `Sequence ${name}: ${what} needs ${frames} marks, got ${marks.length}.`);
    }
  }
  const errors = countedFrames(jointErrorsMm(withoutRoot(predicted, ROOT), truth), valid);
  if (errors.shape[0] === 0) {
    throw new PoseError('ERR_DATASET', `Sequence ${name} has no valid frame to score.`);
  }
  return errors;
}

function row(name: string, errors: Tensor): MpiInf3dhpRow {
  const scored = columns(
    errors,
    Array.from({ length: PCK_JOINTS }, (_, joint) => joint),
  );
  return {
    name,
    frames: errors.shape[0],
    mpjpeMm: mean(errors.data),
    jointErrorsMm: meanByJoint(errors),
    pck: pck(scored),
    auc: auc(scored),
    groups: MPI_INF_3DHP_GROUPS.map((group) => {
      const values = columns(errors, group.joints);
      return { name: group.name, pck: pck(values), auc: auc(values) };
    }),
  };
}

/** The errors of some joints, all frames, flat. */
function columns(errors: Tensor, joints: readonly number[]): Float32Array {
  const [frames, width] = errors.shape;
  const out = new Float32Array(frames * joints.length);
  for (let frame = 0; frame < frames; frame++) {
    for (let i = 0; i < joints.length; i++) {
      out[frame * joints.length + i] = errors.data[frame * width + joints[i]];
    }
  }
  return out;
}

function activityRows(results: readonly MpiInf3dhpResult[], errors: readonly Tensor[]): MpiInf3dhpRow[] {
  if (results.some((result) => !result.activity)) {
    return [];
  }
  return MPI_INF_3DHP_ACTIVITIES.flatMap((name, index) => {
    const parts = results.map(({ activity, valid }, i) => {
      const labels = activity!.filter((_, frame) => !valid || valid[frame]);
      return countedFrames(
        errors[i],
        labels.map((label) => (label === index + 1 ? 1 : 0)),
      );
    });
    const frames = parts.reduce((sum, part) => sum + part.shape[0], 0);
    if (frames === 0) {
      return [];
    }
    const data = new Float32Array(frames * 17);
    let to = 0;
    for (const part of parts) {
      data.set(part.data, to);
      to += part.data.length;
    }
    return [row(name, { data, shape: [frames, 17] })];
  });
}

function weightedAverage(rows: readonly MpiInf3dhpRow[]): MpiInf3dhpRow {
  const frames = rows.reduce((sum, one) => sum + one.frames, 0);
  const weighted = (value: (one: MpiInf3dhpRow) => number) =>
    rows.reduce((sum, one) => sum + one.frames * value(one), 0) / frames;
  return {
    name: 'average by frames',
    frames,
    mpjpeMm: weighted((one) => one.mpjpeMm),
    jointErrorsMm: rows[0].jointErrorsMm.map((_, joint) => weighted((one) => one.jointErrorsMm[joint])),
    pck: weighted((one) => one.pck),
    auc: weighted((one) => one.auc),
    groups: MPI_INF_3DHP_GROUPS.map(({ name }, i) => ({
      name,
      pck: weighted((one) => one.groups[i].pck),
      auc: weighted((one) => one.groups[i].auc),
    })),
  };
}
