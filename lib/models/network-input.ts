import { isArrayOf } from '../base/array-kind.js';
import { withMemoryErrors } from '../base/memory-error.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { valueText } from '../base/value-text.js';
import { normalizeKeypoints } from '../keypoints/normalize.js';
import type { ModelConfig } from '../networks/config.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { mapToHuman36m } from '../skeletons/to-human36m.js';

/** What the pixels mean. */
export interface ImageOptions {
  /** Size of the image in pixels. */
  width: number;
  height: number;
  /** Joint layout of the keypoints; default: the model's own input layout. */
  layout?: string | undefined;
}

/** Keypoints further out than this many image widths are those of no image: products of them would overflow. */
const MOST_WIDTHS = 10_000;

function firstNonFinite(data: Float32Array): number {
  return data.findIndex((value) => !Number.isFinite(value));
}

/** Throws `ERR_ARGUMENT` unless `keypoints` is a finite (T, J, 2) of the layout. */
function checkKeypoints(keypoints: Tensor, layout: string): void {
  const joints = skeletonByName(layout).joints.length;
  const shape = keypoints?.shape;
  const whole = Array.isArray(shape) && Number.isSafeInteger(shape[0]);
  const fits = whole && shape.length === 3 && shape[0] > 0 && shape[1] === joints && shape[2] === 2;
  if (!fits || !isArrayOf('Float32Array', keypoints.data) || keypoints.data.length !== shape[0] * joints * 2) {
    const came = Array.isArray(shape)
      ? `${valueText(keypoints.data)} of shape (${shape.map(String).join(', ')})`
      : valueText(keypoints);
    throw new PoseError(
      'ERR_ARGUMENT',
      `keypoints: expected a Float32Array of shape (T, ${joints}, 2) for layout ${layout}, got ${came}.`,
    );
  }
  const bad = firstNonFinite(keypoints.data);
  if (bad >= 0) {
    const frame = Math.floor(bad / (joints * 2));
    const joint = Math.floor(bad / 2) % joints;
    throw new PoseError(
      'ERR_ARGUMENT',
      `keypoints: frame ${frame}, joint ${joint} is ${keypoints.data[bad]}; fill gaps before lifting.`,
    );
  }
}

/**
 * Pixels (T, J, 2) as the network takes them: in its own layout and normalised by the image's size. A layout other than
 * the model's is mapped where the model takes Human3.6M's 17 joints, else it throws `ERR_UNSUPPORTED`.
 */
export function networkInput(keypoints: Tensor, options: ImageOptions, config: ModelConfig): Tensor {
  return withMemoryErrors(() => normalizedInput(keypoints, options, config));
}

function normalizedInput(keypoints: Tensor, options: ImageOptions, config: ModelConfig): Tensor {
  const layout = options.layout ?? config.inputLayout;
  checkKeypoints(keypoints, layout);
  let own = keypoints;
  if (layout !== config.inputLayout) {
    if (config.inputLayout !== 'h36m-17') {
      throw new PoseError(
        'ERR_UNSUPPORTED',
        `layout: this model takes ${config.inputLayout} joints, and there is no map from ${layout} into them.`,
      );
    }
    own = mapToHuman36m(layout, keypoints);
  }
  const data = normalizeKeypoints(own.data, options.width, options.height);
  checkReach(data, own, options);
  return { data, shape: own.shape };
}

/** Throws `ERR_ARGUMENT` where normalised keypoints are far outside of the image. */
function checkReach(data: Float32Array, pixels: Tensor, { width, height }: ImageOptions): void {
  const bad = data.findIndex((value) => !(Math.abs(value) <= 2 * MOST_WIDTHS));
  if (bad < 0) return;
  const joints = pixels.shape[1];
  throw new PoseError(
    'ERR_ARGUMENT',
    `keypoints: frame ${Math.floor(bad / (joints * 2))}, joint ${Math.floor(bad / 2) % joints} has ` +
      `${'xy'[bad % 2]} ${pixels.data[bad]} in an image of ${width}x${height} pixels; expected one at most ` +
      `${MOST_WIDTHS} image widths outside of it.`,
  );
}

/**
 * The window of one frame, (N, J, 2): every `spacing`-th frame around it, the first or last one repeated outside; linear
 * between frames where the spacing is no whole number.
 */
export function windowOf(keypoints: Tensor, frame: number, frames: number, spacing: number): Float32Array {
  const [length, joints] = keypoints.shape;
  if (!Number.isInteger(frame) || frame < 0 || frame >= length) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `frame: expected a whole number from 0 to ${length - 1}, got ${valueText(frame)}.`,
    );
  }
  const size = joints * 2;
  const window = new Float32Array(frames * size);
  for (let i = 0; i < frames; i++) {
    const at = Math.min(Math.max(frame + spacing * (i - (frames - 1) / 2), 0), length - 1);
    const before = Math.floor(at);
    const after = Math.min(before + 1, length - 1);
    const share = at - before;
    for (let k = 0; k < size; k++) {
      const value = keypoints.data[before * size + k];
      window[i * size + k] = share === 0 ? value : (1 - share) * value + share * keypoints.data[after * size + k];
    }
  }
  return window;
}
