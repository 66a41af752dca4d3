import { describe, expect, it } from 'vitest';
import { COSINE_INTERVAL, learningRateAt, stepsOfSameRate } from '../../lib/training/schedule.js';

describe('decay', () => {
  const schedule = { kind: 'decay', factor: 0.97 } as const;

  it('multiplies the rate by the factor after each epoch, whatever the step', () => {
    expect(learningRateAt(schedule, 1e-3, { epoch: 0, step: 5, totalSteps: 100 })).toBe(1e-3);
    expect(learningRateAt(schedule, 1e-3, { epoch: 80, step: 7, totalSteps: 100 })).toBeCloseTo(1e-3 * 0.97 ** 80, 12);
    expect(stepsOfSameRate(schedule, 3)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('cosine', () => {
  const schedule = { kind: 'cosine', floor: 2e-5 } as const;
  const totalSteps = 1230;
  const at = (step: number) => learningRateAt(schedule, 1e-3, { epoch: 0, step, totalSteps });

  it('falls from the base to the floor, never rising', () => {
    const rates = Array.from({ length: totalSteps }, (_, step) => at(step));
    expect(rates[0]).toBe(1e-3);
    expect(rates[totalSteps - 1]).toBeCloseTo(2e-5, 12);
    expect(rates.every((rate, step) => step === 0 || rate <= rates[step - 1])).toBe(true);
    expect(at(600)).toBeCloseTo((1e-3 + 2e-5) / 2, 5);
  });

  it('changes only where it says that it does', () => {
    for (const step of [0, 1, 49, 50, 77, 1199]) {
      const same = stepsOfSameRate(schedule, step);
      expect(at(step + same - 1)).toBe(at(step));
      expect(at(step + same)).not.toBe(at(step));
      expect((step + same) % COSINE_INTERVAL).toBe(0);
    }
  });
});
