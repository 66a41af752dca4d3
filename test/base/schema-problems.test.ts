import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../lib/networks/config.js';

describe('what is wrong with a configuration', () => {
  it.each([
    [{ frames: 28 }, 'frames: expected one of 9|27|81|243|351, got 28.'],
    [{ layers: 99 }, 'layers: expected number to be <=6, got 99.'],
    [{ layers: 'many' }, "layers: expected number, got the string 'many'."],
    [{ depth: 3 }, 'Unrecognized key: "depth".'],
    [{ noise: { kind: 'salt' } }, 'noise.kind: '],
    [
      { masking: { joints: -1 }, stage: 3 },
      'stage: expected one of 1|2, got 3; masking.joints: expected number to be >=0, got -1.',
    ],
    [7, 'expected object, got 7'],
  ])('%j: each field, what was expected, what came', (input, message) => {
    expect(() => parseModelConfig(input, 'x.json')).toThrow(`x.json: ${message}`);
  });

  it('stays short where much came', () => {
    const error = (() => {
      try {
        parseModelConfig({ backbone: 'mlp'.repeat(1000) });
      } catch (caught) {
        return caught as Error;
      }
    })();
    expect(error?.message.length).toBeLessThan(250);
  });
});
