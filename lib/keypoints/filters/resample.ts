import { TENSOR } from '../../base/argument-kinds.js';
import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { type Tensor, tensor } from '../../base/tensor.js';

/**
 * Rows of (T, ...) at other times: row i of the result is the input at frame i * step, linear between the frames about
 * it, the last one beyond the end. `count` rows; default: as many as lie within the input. Returns new data. Throws
 * `ERR_ARGUMENT` unless step is positive and there is a frame.
 */
export function resampleFrames(values: Tensor, step: number, count?: number): Tensor {
  checkArguments('resampleFrames', { values, step, count }, TENSOR, 'number', 'number?');
  const { data, shape } = tensor(values.data, values.shape);
  const [frames, ...rest] = shape;
  if (!(step > 0 && Number.isFinite(step) && frames > 0)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `resampleFrames: expected frames and a positive step, got ${frames} and ${step}.`,
    );
  }
  const rows = count ?? Math.floor((frames - 1) / step + 1e-9) + 1;
  const width = data.length / frames;
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const time = Math.min(row * step, frames - 1);
    const before = Math.floor(time);
    const after = Math.min(before + 1, frames - 1);
    const share = time - before;
    for (let column = 0; column < width; column++) {
      out[row * width + column] = (1 - share) * data[before * width + column] + share * data[after * width + column];
    }
  }
  return { data: out, shape: [rows, ...rest] };
}
