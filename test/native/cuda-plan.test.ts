import { describe, expect, it } from 'vitest';
import { chooseCudaDevice, testDevice } from '../helpers/cuda-device.js';
import { planCases, planTolerance, runPlanCase } from './plan-cases.js';

const reason = chooseCudaDevice();
if (reason !== undefined) console.log(`The plan on CUDA is not tested: ${reason}`);

describe.skipIf(reason !== undefined)('the plan on CUDA', () => {
  it.each(
    planCases.flatMap((planCase) =>
      planCase.precisions.map((precision) => [planCase.about, precision, planCase] as const),
    ),
  )('gives what the graph gives, and the same bits twice: %s, %s', async (_, precision, planCase) => {
    const { first, second, error } = await runPlanCase(planCase, testDevice(), precision);
    expect(error).toBeLessThan(planTolerance[precision]);
    expect(second).toEqual(first);
  });
});
