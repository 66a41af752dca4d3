import type { Fold, NativeConfig, NativeOptions, PrecisionName } from '../../binding.js';
import { closeAll, randomKeypoints, twins } from '../helpers/lifter-twins.js';
import { relativeError } from '../helpers/native-model.js';

/** A small network lifted by the compiled lifter of a GPU and, as its measure, op by op by the CPU. */
export interface LifterCase {
  about: string;
  config: Partial<NativeConfig>;
  /** Windows given whole. */
  batch?: number;
  /** A video, or clips end to end. */
  video?: { lengths: readonly number[]; stride: number; flip: boolean; first?: number; count?: number };
  withoutFolds?: readonly Fold[];
  precisions: readonly PrecisionName[];
  /** Takes seconds on the emulated device: not run for each of a thousand mutants. */
  long?: true;
}

/** bf16 keeps 8 bits; PyTorch's autocast errs by 0.006 to 0.01 on the published widths (test/fixtures/lifter/bf16-error.json). */
export const lifterTolerance: Record<PrecisionName, number> = { fp32: 1e-5, tf32: 2e-3, bf16: 2e-2 };

const all = ['fp32', 'tf32', 'bf16'] as const;
const small = { frames: 9, layers: 1, width: 32, hidden: 48, heads: 4 };
const otherJoints = {
  joints: 5,
  outputJoints: 3,
  mirrorInput: Int32Array.of(0, 2, 1, 4, 3),
  mirrorOutput: Int32Array.of(0, 2, 1),
};

export const lifterCases: readonly LifterCase[] = [
  { about: 'one window of 9 frames', config: small, batch: 1, precisions: all },
  { about: 'more windows than a block has', config: { ...small, frames: 27, layers: 2 }, batch: 5, precisions: all },
  {
    about: 'odd widths, two residual blocks and other joints',
    config: { ...small, ...otherJoints, width: 63, hidden: 101, heads: 3, mlpBlocks: 2 },
    batch: 2,
    precisions: all,
  },
  { about: 'heads of 40', config: { ...small, width: 40, heads: 1 }, batch: 1, precisions: all },
  { about: 'heads of 128', config: { ...small, width: 128, heads: 1 }, batch: 1, precisions: all },
  {
    about: 'more columns than a block has at once: the published widths',
    config: { ...small, width: 256, hidden: 512, heads: 8 },
    batch: 1,
    precisions: ['fp32', 'bf16'],
    long: true,
  },
  {
    about: 'a hidden width of several tiles and rows of several blocks',
    config: { ...small, frames: 27, width: 64, hidden: 300 },
    batch: 5,
    precisions: ['fp32', 'bf16'],
  },
  { about: 'a width and a hidden width of 16', config: { ...small, width: 16, hidden: 16 }, batch: 8, precisions: all },
  {
    about: 'a hidden width narrower than the width',
    config: { ...small, width: 160, hidden: 130, heads: 5 },
    batch: 1,
    precisions: ['bf16'],
  },
  { about: 'windows of 81 frames', config: { ...small, frames: 81, width: 16, heads: 1 }, batch: 2, precisions: all },
  {
    about: 'windows of 243 frames',
    config: { ...small, frames: 243, width: 24, hidden: 16, heads: 2 },
    batch: 1,
    precisions: ['fp32', 'bf16'],
  },
  {
    about: 'windows of 351 frames, strides 3, 9 and 13',
    config: { ...small, frames: 351, width: 16, hidden: 16, heads: 1 },
    batch: 1,
    precisions: ['fp32'],
  },
  { about: 'a video', config: small, video: { lengths: [5], stride: 1, flip: false }, precisions: all },
  {
    about: 'a video at a width without padding',
    config: { ...small, width: 64, heads: 2 },
    video: { lengths: [3], stride: 1, flip: false },
    precisions: ['fp32'],
  },
  {
    about: 'a video mirrored, in part, every third frame',
    config: { ...small, ...otherJoints },
    video: { lengths: [12], stride: 3, flip: true, first: 4, count: 3 },
    precisions: all,
  },
  {
    about: 'clips end to end',
    config: small,
    video: { lengths: [2, 1, 3], stride: 2, flip: true },
    precisions: ['fp32'],
  },
  {
    about: 'more windows than are taken together, odd widths',
    config: { ...small, width: 63, hidden: 101, heads: 3 },
    video: { lengths: [10], stride: 1, flip: false },
    precisions: all,
  },
  {
    about: 'a video without the fold firstLayer',
    config: small,
    video: { lengths: [3], stride: 1, flip: true },
    withoutFolds: ['firstLayer'],
    precisions: ['fp32'],
  },
  {
    about: 'without the fold feedForward',
    config: { ...small, frames: 27 },
    batch: 1,
    withoutFolds: ['feedForward'],
    precisions: ['fp32'],
  },
  {
    about: 'without the fold encoder',
    config: { ...small, frames: 27 },
    batch: 1,
    withoutFolds: ['encoder'],
    precisions: ['bf16'],
  },
  {
    about: 'without any fold',
    config: { ...small, mlpBlocks: 2 },
    video: { lengths: [2], stride: 1, flip: true },
    withoutFolds: ['firstLayer', 'feedForward', 'encoder'],
    precisions: ['fp32', 'bf16'],
  },
];

/** Poses of the compiled lifter, twice, and their relative distance from those op by op. */
export async function runLifterCase(
  { config, batch, video, withoutFolds }: LifterCase,
  device: NativeOptions['device'],
  precision: PrecisionName,
): Promise<{ first: Float32Array; second: Float32Array; error: number }> {
  const folds = withoutFolds && { withoutFolds: [...withoutFolds] };
  const models = await twins(config, { device, precision, ...folds });
  const { compiled, opByOp } = models;
  const joints = models.config.joints;
  try {
    if (video === undefined) {
      const count = batch ?? 1;
      const windows = { keypoints: randomKeypoints(count * models.config.frames, joints), batch: count };
      const first = await compiled.liftWindows(windows);
      const error = relativeError(first, await opByOp.liftWindows(windows));
      return { first, second: await compiled.liftWindows(windows), error };
    }
    const { lengths, stride, flip, first: from = 0 } = video;
    const frames = lengths.reduce((sum, length) => sum + length);
    const request = { stride, flip, first: from, count: video.count ?? frames, batch: 0 };
    const clips = lengths.length > 1 && { lengths: Int32Array.from(lengths) };
    const lift = { keypoints: randomKeypoints(frames, joints), ...request, ...clips };
    const first = await compiled.lift(lift);
    return { first, second: await compiled.lift(lift), error: relativeError(first, await opByOp.lift(lift)) };
  } finally {
    await closeAll(compiled, opByOp);
  }
}
