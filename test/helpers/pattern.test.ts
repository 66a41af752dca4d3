import { describe, expect, it } from 'vitest';
import { goldenTensor, loadGolden } from './golden.js';
import { fill, fillValue, pattern } from './pattern.js';

/** y = W x + b for one row. */
function linear(x: ArrayLike<number>, name: string, from: number, to: number): number[] {
  const weight = fill(`${name}.weight`, [to, from]).data;
  const bias = fill(`${name}.bias`, [to]).data;
  return Array.from({ length: to }, (_, o) => {
    let sum = bias[o];
    for (let i = 0; i < from; i++) sum += weight[o * from + i] * x[i];
    return sum;
  });
}

describe('the deterministic inputs and weights', () => {
  it('make the refining module give its golden', () => {
    const golden = goldenTensor(loadGolden('refine'), 'output').data;
    const [predicted, back] = [pattern('predicted', 3, 1, 17, 3).data, pattern('back', 3, 1, 17, 3).data];
    for (let row = 0; row < 3; row++) {
      const [p, b] = [predicted, back].map((poses) => poses.subarray(row * 51, row * 51 + 51));
      const x = Array.from({ length: 17 }, (_, joint) => [
        ...p.subarray(3 * joint, 3 * joint + 3),
        ...b.subarray(3 * joint, 3 * joint + 3),
      ]).flat();
      const hidden = linear(x, 'post_refine.0', 102, 1024).map((value) => Math.max(0, value));
      const score = linear(hidden, 'post_refine.3', 1024, 34).map((value) => 1 / (1 + Math.exp(-value)));
      for (let i = 0; i < 51; i++) {
        const s = i % 3 === 2 ? 1 : score[2 * Math.floor(i / 3) + (i % 3)];
        expect(golden[row * 51 + i]).toBeCloseTo(s * p[i] + (1 - s) * b[i], 6);
      }
    }
  });

  it('keep to the ranges of each kind of tensor', () => {
    const range = (name: string, shape: number[]) => {
      const values = Array.from({ length: 500 }, (_, i) => fillValue(name, i, shape));
      return [Math.min(...values), Math.max(...values)];
    };
    const expectRange = (name: string, shape: number[], low: number, high: number) => {
      const [least, most] = range(name, shape);
      const width = high - low;
      expect(least, name).toBeGreaterThanOrEqual(low);
      expect(least, name).toBeLessThan(low + 0.05 * width);
      expect(most, name).toBeLessThanOrEqual(high);
      expect(most, name).toBeGreaterThan(high - 0.05 * width);
    };
    expectRange('a.weight', [4, 25, 1], -0.2, 0.2);
    expectRange('a.weight', [500], 0.9, 1.1);
    expectRange('norm.a_2', [500], 0.9, 1.1);
    expectRange('norm.b_2', [500], -0.1, 0.1);
    expectRange('bn.running_mean', [500], -0.1, 0.1);
    expectRange('bn.running_var', [500], 1, 1.5);
    expectRange('Transformer.pos_embedding', [1, 5, 100], -0.02, 0.02);
    expectRange('spatial_mask_token', [1, 1, 500], -0.02, 0.02);
  });
});
