import { isArrayOf } from '../base/array-kind.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { valueText } from '../base/value-text.js';

/** A camera's focal lengths and centre, in normalised image units: fx / width * 2, (cx / width * 2 - 1, ...). */
export interface NormalizedCamera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
}

/** What the refining module needs of a video, as the native call takes it. */
export interface RefiningView {
  /** (T, 3) */
  root: Float32Array;
  /** fx, fy, cx, cy */
  camera: Float32Array;
}

/**
 * Copies where the root joint is, (T, 3) metres, and the camera of a video of `frames`. Throws `ERR_ARGUMENT` unless both
 * are given, finite, and the camera projects.
 */
export function refiningView(
  frames: number,
  root: Tensor | undefined,
  camera: NormalizedCamera | undefined,
): RefiningView {
  if (root === undefined || camera === undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `root, camera: expected both, got ${root ? 'a' : 'no'} root and ${camera ? 'a' : 'no'} camera.`,
    );
  }
  return { root: rootOf(root, frames), camera: cameraOf(camera) };
}

function rootOf(root: Tensor, frames: number): Float32Array {
  const { data, shape } = root;
  const fits = Array.isArray(shape) && shape.length === 2 && shape[0] === frames && shape[1] === 3;
  if (!fits || !isArrayOf('Float32Array', data) || data.length !== frames * 3) {
    const came = Array.isArray(shape) ? `${valueText(data)} of shape (${shape.join(', ')})` : valueText(root);
    throw new PoseError('ERR_ARGUMENT', `root: expected a Float32Array of shape (${frames}, 3), got ${came}.`);
  }
  const copy = data.slice();
  const bad = copy.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `root: frame ${Math.floor(bad / 3)} has ${'xyz'[bad % 3]} ${copy[bad]}; expected finite metres.`,
    );
  }
  return copy;
}

function cameraOf({ fx, fy, cx, cy }: NormalizedCamera): Float32Array {
  const values = Float32Array.of(fx, fy, cx, cy);
  if (!(values[0] > 0 && values[1] > 0 && values.every(Number.isFinite))) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `camera: expected finite numbers with positive fx and fy, got fx ${fx}, fy ${fy}, cx ${cx}, cy ${cy}.`,
    );
  }
  return values;
}
