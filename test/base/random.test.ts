import { describe, expect, it } from 'vitest';
import { createRandom, philox4x32 } from '../../lib/base/random.js';

describe('createRandom', () => {
  it('is Philox 4x32-10: the known answers for zero, all ones and the digits of pi', () => {
    const cases: [number[], number[], number[]][] = [
      [
        [0, 0, 0, 0],
        [0, 0],
        [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
      ],
      [
        [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
        [0xffffffff, 0xffffffff],
        [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
      ],
      [
        [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
        [0xa4093822, 0x299f31d0],
        [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
      ],
    ];
    for (const [counter, key, expected] of cases) {
      const words = Uint32Array.from(counter);
      philox4x32(words, key[0], key[1]);
      expect([...words]).toEqual(expected);
    }
  });

  it('gives the same numbers for the same seed and keys, and others for others', () => {
    const draw = (...keys: (string | number)[]) =>
      Array.from({ length: 8 }, createRandom(1, ...keys).uniform.bind(null, 0, 1));
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
    expect(draw('a', 1)).not.toEqual(draw('a', '1'));
    expect(createRandom(1).split('a').uniform()).toBe(draw('a')[0]);
    const used = createRandom(1);
    used.normal();
    expect(used.split('a').uniform()).toBe(draw('a')[0]);
  });

  it('draws uniform and normal numbers with the right moments', () => {
    const random = createRandom('moments');
    const count = 200_000;
    const moments = (values: number[]) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / count;
      return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count];
    };
    const [mean, variance] = moments(Array.from({ length: count }, () => random.uniform(2, 4)));
    expect(Math.abs(mean - 3)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1 / 3)).toBeLessThan(0.01);
    const [normalMean, normalVariance] = moments(Array.from({ length: count }, () => random.normal(1, 2)));
    expect(Math.abs(normalMean - 1)).toBeLessThan(0.03);
    expect(Math.abs(normalVariance - 4)).toBeLessThan(0.08);
  });

  it('draws every whole number below a bound about equally often, and shuffles without losing one', () => {
    const random = createRandom(7);
    const counts = new Array(5).fill(0);
    for (let i = 0; i < 50_000; i++) counts[random.integer(5)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = random.shuffle([...items]);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.sort((a, b) => a - b)).toEqual(items);
    expect(items).toContain(random.choice(items));
  });
});
