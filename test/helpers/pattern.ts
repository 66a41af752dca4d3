import type { Tensor } from '../../lib/base/tensor.js';
import { sizeOf } from '../../lib/base/tensor.js';

/** u in [0, 1) of element `index` of an array called `name`: the formula that made every golden's inputs and weights. */
function unit(name: string, index: number, seed: number): number {
  let code = seed;
  for (let position = 0; position < name.length; position++) {
    code += (position + 1) * name.charCodeAt(position);
  }
  const value = Math.sin((code % 10007) + index) * 43758.5453;
  return value - Math.floor(value);
}

/** Values in [-1, 1): the inputs and targets of the goldens. `pattern('input', 2, 27, 17, 2)`. */
export function pattern(name: string, ...shape: number[]): Tensor {
  const data = Float32Array.from({ length: sizeOf(shape) }, (_, index) => 2 * unit(name, index, 0) - 1);
  return { data, shape };
}

/** One element of {@link fill}, in double precision. */
export function fillValue(name: string, index: number, shape: readonly number[], seed = 0): number {
  const u = unit(name, index, seed);
  const w = 2 * u - 1;
  if (name.endsWith('running_mean')) {
    return 0.1 * w;
  }
  if (name.endsWith('running_var')) {
    return 1 + 0.5 * u;
  }
  if (name.includes('pos_embedding') || name.includes('mask_token')) {
    return 0.02 * w;
  }
  if (shape.length > 1) {
    return w / Math.sqrt(sizeOf(shape.slice(1)));
  }
  return name.endsWith('.weight') || name.endsWith('a_2') ? 1 + 0.1 * w : 0.1 * w;
}

/** The deterministic weights of the goldens: tensor `name` (without `module.`) of a given shape. */
export function fill(name: string, shape: readonly number[], seed = 0): Tensor {
  return {
    data: Float32Array.from({ length: sizeOf(shape) }, (_, index) => fillValue(name, index, shape, seed)),
    shape,
  };
}
