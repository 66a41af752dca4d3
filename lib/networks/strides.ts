import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';

const STRIDES: Readonly<Record<number, readonly number[]>> = {
  9: [1, 3, 3],
  27: [3, 3, 3],
  81: [3, 3, 3, 3],
  243: [3, 3, 3, 3, 3],
  351: [3, 9, 13],
};

/** Strides of MOFA's layers for a window of N frames; throws `ERR_CONFIG` for other N. */
export function strideTable(frames: number): readonly number[] {
  const strides = STRIDES[frames];
  if (!strides) {
    throw new PoseError(
      'ERR_CONFIG',
      `frames must be one of ${Object.keys(STRIDES).join(', ')}, got ${valueText(frames)}.`,
    );
  }
  return strides;
}
