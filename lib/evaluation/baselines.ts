import { PoseError } from '../base/pose-error.js';
import type { Turns } from '../base/turns.js';
import { mirroredJoints } from '../skeletons/mirror.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { solvePositive } from './solve-positive.js';

/** What a baseline is fitted on: a data set, of which it takes the sequences of split `train` that have poses. */
export interface BaselineData {
  name: string;
  /** Names of joint layouts. */
  inputLayout: string;
  outputLayout: string;
  sequences: readonly BaselineSequence[];
}

export interface BaselineSequence {
  split: string;
  frames: number;
  /** (T, J, 2), normalised. */
  keypoints: Float32Array;
  /** (T, J', 3), metres, relative to the root. */
  poses?: Float32Array;
}

/** The mean training pose: what a lifter must beat that looks at nothing. */
export interface MeanPose {
  /** (J', 3), metres, relative to the root. */
  pose: Float32Array;
}

/** A linear map with intercept from one frame's 2D to its 3D: what a lifter must beat that looks at one frame. */
export interface LinearLifter {
  inputJoints: number;
  outputJoints: number;
  /** (2J + 1, 3J'), row-major; the last row is the intercept. */
  weights: Float64Array;
}

/** Ridge on the normal equations, relative to their mean diagonal: keeps them solvable where a joint never moves. */
const RIDGE = 1e-9;

/** Mean of the training poses, plain and mirrored. Throws `ERR_DATASET` without training poses. */
export function fitMeanPose(dataset: BaselineData): MeanPose {
  return meanPose(finished(moments(dataset)));
}

/** Both baselines of one pass over the training frames. Throws `ERR_ABORTED` when the signal of `turns` comes. */
export async function fitBaselines(
  dataset: BaselineData,
  turns: Turns,
): Promise<{ meanPose: MeanPose; linear: LinearLifter }> {
  const steps = moments(dataset);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return { meanPose: meanPose(value), linear: linearLifter(value) };
    await turns.take();
  }
}

function finished(steps: Generator<void, Moments>): Moments {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

function meanPose({ cross, count, inputs, outputs, mirrorOutput }: Moments): MeanPose {
  // The intercept's row of the cross moments is the sum of all poses.
  const sums = cross.subarray((inputs - 1) * outputs);
  return { pose: Float32Array.from(sums, (sum, i) => (sum + mirrored(sums, mirrorOutput, i)) / (2 * count)) };
}

/** The mean pose for each of T frames, (T, J', 3). */
export function predictMeanPose(model: MeanPose, frames: number): Float32Array {
  const out = new Float32Array(frames * model.pose.length);
  for (let frame = 0; frame < frames; frame++) out.set(model.pose, frame * model.pose.length);
  return out;
}

/** Least squares over all training frames, plain and mirrored. Throws `ERR_DATASET` without training poses. */
export function fitLinear(dataset: BaselineData): LinearLifter {
  return linearLifter(finished(moments(dataset)));
}

function linearLifter({ gram, cross, inputs, outputs, mirrorInput, mirrorOutput }: Moments): LinearLifter {
  // A mirrored frame is M x and N y with signed permutations M and N: its moments are those of the plain one, permuted.
  const a = new Float64Array(inputs * inputs);
  const b = new Float64Array(inputs * outputs);
  let trace = 0;
  for (let i = 0; i < inputs; i++) {
    const from = mirrorInput[i];
    for (let j = 0; j < inputs; j++) {
      const to = mirrorInput[j];
      a[i * inputs + j] = gram[i * inputs + j] + from.sign * to.sign * gram[from.index * inputs + to.index];
    }
    for (let j = 0; j < outputs; j++) {
      const to = mirrorOutput[j];
      b[i * outputs + j] = cross[i * outputs + j] + from.sign * to.sign * cross[from.index * outputs + to.index];
    }
    trace += a[i * inputs + i];
  }
  for (let i = 0; i < inputs; i++) a[i * inputs + i] += (RIDGE * trace) / inputs;
  const weights = solvePositive(a, b, inputs, outputs);
  return { inputJoints: (inputs - 1) / 2, outputJoints: outputs / 3, weights };
}

/** Poses (T, J', 3), metres, of normalised keypoints (T, J, 2). */
export function predictLinear(model: LinearLifter, keypoints: Float32Array): Float32Array {
  const inputs = 2 * model.inputJoints;
  const outputs = 3 * model.outputJoints;
  if (keypoints.length % inputs !== 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `The linear lifter takes (T, ${model.inputJoints}, 2) keypoints, but ${keypoints.length} numbers came.`,
    );
  }
  const frames = keypoints.length / inputs;
  const out = new Float32Array(frames * outputs);
  const sums = new Float64Array(outputs);
  for (let frame = 0; frame < frames; frame++) {
    sums.set(model.weights.subarray(inputs * outputs));
    for (let i = 0; i < inputs; i++) {
      const value = keypoints[frame * inputs + i];
      for (let j = 0; j < outputs; j++) sums[j] += value * model.weights[i * outputs + j];
    }
    out.set(sums, frame * outputs);
  }
  return out;
}

/** Where a mirrored coordinate comes from, and with which sign. */
interface Mirror {
  index: number;
  sign: number;
}

interface Moments {
  /** Sums over all frames of x x^T (inputs, inputs) and x y^T (inputs, outputs); x ends with 1. */
  gram: Float64Array;
  cross: Float64Array;
  count: number;
  inputs: number;
  outputs: number;
  mirrorInput: readonly Mirror[];
  mirrorOutput: readonly Mirror[];
}

/** A step a sequence. */
function* moments(dataset: BaselineData): Generator<void, Moments> {
  const input = skeletonByName(dataset.inputLayout);
  const output = skeletonByName(dataset.outputLayout);
  const inputs = 2 * input.joints.length + 1;
  const outputs = 3 * output.joints.length;
  const gram = new Float64Array(inputs * inputs);
  const cross = new Float64Array(inputs * outputs);
  let count = 0;
  for (const sequence of dataset.sequences) {
    if (sequence.split !== 'train' || !sequence.poses) continue;
    accumulate(sequence, sequence.poses, gram, cross, inputs, outputs);
    count += sequence.frames;
    yield;
  }
  if (count === 0) {
    throw new PoseError('ERR_DATASET', `Data set ${dataset.name} has no training poses to fit a baseline on.`);
  }
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < i; j++) gram[i * inputs + j] = gram[j * inputs + i];
  }
  const mirrorInput = [...mirrorOf(mirroredJoints(input), 2), { index: inputs - 1, sign: 1 }];
  return { gram, cross, count, inputs, outputs, mirrorInput, mirrorOutput: mirrorOf(mirroredJoints(output), 3) };
}

/** Adds one sequence's moments; of the symmetric Gram matrix the upper half. */
function accumulate(
  { keypoints, frames }: BaselineSequence,
  poses: Float32Array,
  gram: Float64Array,
  cross: Float64Array,
  inputs: number,
  outputs: number,
): void {
  const x = new Float64Array(inputs).fill(1);
  for (let frame = 0; frame < frames; frame++) {
    const y = poses.subarray(frame * outputs, (frame + 1) * outputs);
    x.set(keypoints.subarray(frame * (inputs - 1), (frame + 1) * (inputs - 1)));
    for (let i = 0; i < inputs; i++) {
      const value = x[i];
      for (let j = i; j < inputs; j++) gram[i * inputs + j] += value * x[j];
      for (let j = 0; j < outputs; j++) cross[i * outputs + j] += value * y[j];
    }
  }
}

/** For each coordinate of the mirrored joints: the first axis changes its sign, partners change places. */
function mirrorOf(partner: readonly number[], axes: number): Mirror[] {
  return partner.flatMap((joint) =>
    Array.from({ length: axes }, (_, axis) => ({ index: joint * axes + axis, sign: axis === 0 ? -1 : 1 })),
  );
}

function mirrored(values: Float64Array, mirror: readonly Mirror[], i: number): number {
  return mirror[i].sign * values[mirror[i].index];
}
