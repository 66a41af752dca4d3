import type { OldModelOptions } from '../base/old-names.js';
import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';
import type { PoseDataset, Split } from '../datasets/pose-dataset.js';
import type { ModelConfig } from '../networks/config.js';
import type { DeviceOption } from '../networks/device.js';
import type { RootSource } from './report.js';

/** Options of `evaluate`. */
export interface EvaluationOptions extends Omit<OldModelOptions, 'plan'> {
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
  noise?: ModelConfig['noise'] | undefined;
  /** PyTorch file of a detector's errors, for detector noise; the bundled table. */
  noiseTable?: string | undefined;
  /** Seed of the noise; 0. */
  seed?: number;
  /** Seed by which the frames of each window come in another order, while the middle frame's pose stays the target; none: in order. */
  shuffleFrames?: number | undefined;
  /** Beside mean pose and per-frame linear regression, fitted on the training split; true where there is one. */
  baselines?: boolean;
  /** Where a refining model takes the root's depth from; `truth`, as the paper does. */
  root?: RootSource | undefined;
  device?: DeviceOption;
  precision?: 'fp32' | 'tf32' | 'bf16';
  threads?: number;
  /** What multiplies matrices on a GPU: `auto` (the default), `cublaslt`, `own`, or the path of a cuBLASLt. */
  matmul?: string;
  signal?: AbortSignal;
  /** After each sequence. */
  onProgress?: (done: number, total: number, sequence: string) => void;
  onNotice?: (text: string) => void;
}

const OPTION_NAMES: Readonly<Record<Exclude<keyof EvaluationOptions, keyof OldModelOptions>, true>> = {
  ...{ model: true, dataset: true, split: true, subjects: true, flip: true, noise: true, noiseTable: true },
  ...{
    seed: true,
    shuffleFrames: true,
    baselines: true,
    root: true,
    device: true,
    precision: true,
    threads: true,
    matmul: true,
  },
  ...{ signal: true, onProgress: true, onNotice: true },
};

/** Refuses unknown options. */
export function checkEvaluationOptions(options: EvaluationOptions): void {
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(OPTION_NAMES, name));
  if (unknown.length > 0) {
    const known = Object.keys(OPTION_NAMES).join(', ');
    throw new PoseError('ERR_ARGUMENT', `Unknown evaluation option ${unknown.join(', ')}; known are ${known}.`);
  }
  const { shuffleFrames } = options;
  if (shuffleFrames !== undefined && !(Number.isSafeInteger(shuffleFrames) && shuffleFrames >= 0)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `shuffleFrames: expected a seed, a whole number from 0 on, got ${valueText(shuffleFrames)}.`,
    );
  }
}
