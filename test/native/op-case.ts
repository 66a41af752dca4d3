import type { OpTensors } from '../../binding.js';
import { pattern } from '../helpers/pattern.js';
import type { Doubles, DropoutState } from './reference.js';

/** What an array must hold after the run: everywhere, or `at` some elements. */
export interface Expected {
  at?: number[];
  values: ArrayLike<number>;
}

/** One operation on one set of shapes: what goes in and what must come out. */
export interface OpCase {
  op: string;
  /** What sets it apart from the operation's other cases. */
  about: string;
  attributes: Record<string, number>;
  /** Fresh arrays: inputs, and outputs with what they hold before. */
  arrays: () => OpTensors;
  expected: () => Record<string, Expected>;
  /** Of ||out - expected|| / ||expected||, in fp32. */
  tolerance: number;
  /** In bf16; absent: the operation works in fp32 then too. */
  bf16Tolerance?: number;
  /** What comes out is the difference of numbers that cancel: of arrays rounded to bf16 it says nothing. */
  cancels?: boolean;
}

export const FORWARD = 2e-6;
export const GRADIENT = 2e-5;
/** bf16 keeps 8 bits: half a unit is 0.2%, and sums of many products average it. */
export const BF16 = 1e-2;
/** Where nothing is multiplied but arrays lie in bf16: a rounding on the way in and one on the way out, each of 0.2% at most. */
export const NARROW = 4e-3;

export const DROPOUT: DropoutState = { rate: 0.3, seed: 0x1234567890, step: 17, site: 5 };
export const dropoutAttributes = {
  dropoutRate: DROPOUT.rate,
  dropoutSeed: DROPOUT.seed,
  dropoutStep: DROPOUT.step,
  dropoutSite: DROPOUT.site,
};

/** A float32 array of values in [-1, 1) that its name decides. */
export function input(name: string, ...shape: number[]): Float32Array {
  return pattern(name, ...shape).data;
}

export function doubles(values: ArrayLike<number>): Doubles {
  return Float64Array.from(values);
}

export function floats(values: ArrayLike<number>): Float32Array {
  return Float32Array.from(values);
}

/** All elements as expected. */
export function all(outputs: Record<string, ArrayLike<number>>): Record<string, Expected> {
  return Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, { values }]));
}

/** Of the elements that are known: ||out - expected|| / ||expected||; where nothing but 0 is expected, ||out||. */
export function errorOf(output: ArrayLike<number>, { at, values }: Expected): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < values.length; i++) {
    difference += (output[at ? at[i] : i] - values[i]) ** 2;
    norm += values[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

const SAMPLES = 24;
const STEP = 1e-5;

/**
 * Gradients by central differences of a scalar `loss` in double precision, at up to 24 elements of each array.
 * `wanted`: name of the gradient, of which value it is, and what it is added to.
 */
export function numericGradients(
  values: Record<string, Doubles>,
  loss: (values: Record<string, Doubles>) => number,
  wanted: Record<string, { of: string; before?: Float32Array | undefined }>,
): Record<string, Expected> {
  const result: Record<string, Expected> = {};
  for (const [gradient, { of, before }] of Object.entries(wanted)) {
    const { length } = values[of];
    const count = Math.min(SAMPLES, length);
    const at = Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * length) / count));
    const moved = (index: number, by: number) => {
      const copy = values[of].slice();
      copy[index] += by;
      return loss({ ...values, [of]: copy });
    };
    const slope = (index: number) => (moved(index, STEP) - moved(index, -STEP)) / (2 * STEP);
    result[gradient] = { at, values: at.map((index) => slope(index) + (before ? before[index] : 0)) };
  }
  return result;
}
