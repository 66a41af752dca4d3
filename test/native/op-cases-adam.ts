import type { OpCase } from './op-case.js';
import { all, doubles, FORWARD, floats, input } from './op-case.js';

function adamCase(step: number): OpCase {
  const count = 1001;
  const value = input('value', count);
  const gradient = input('gradient', count).map((x) => 0.01 * x);
  const mean = step === 1 ? new Float32Array(count) : input('mean', count).map((x) => 0.01 * x);
  const variance = step === 1 ? new Float32Array(count) : input('variance', count).map((x) => 1e-4 * (x + 1));
  const maximum = step === 1 ? new Float32Array(count) : input('maximum', count).map((x) => 1e-4 * (x + 1));
  const learningRate = 1e-3;
  return {
    op: 'adamStep',
    about: `step ${step}`,
    attributes: { count, learningRate, step },
    arrays: () => ({
      value: floats(value),
      gradient,
      mean: floats(mean),
      variance: floats(variance),
      maximum: floats(maximum),
    }),
    expected: () => {
      const m = doubles(mean).map((x, i) => 0.9 * x + 0.1 * gradient[i]);
      const v = doubles(variance).map((x, i) => 0.999 * x + 0.001 * gradient[i] ** 2);
      const largest = v.map((x, i) => Math.max(x, maximum[i]));
      const moved = doubles(value).map((x, i) => {
        const scale = Math.sqrt(largest[i]) / Math.sqrt(1 - 0.999 ** step) + 1e-8;
        return x - ((learningRate / (1 - 0.9 ** step)) * m[i]) / scale;
      });
      return all({ value: moved, mean: m, variance: v, maximum: largest });
    },
    tolerance: FORWARD,
  };
}

export const adamCases: OpCase[] = [adamCase(1), adamCase(7)];
