import { describe, expect, it } from 'vitest';
import { trainingFlops, videoFlops, windowFlops } from '../../bench/measure/work.mjs';
import { parseModelConfig } from '../../lib/networks/config.js';
import { complexity } from '../../lib/profiling/complexity.js';

const small = parseModelConfig({ frames: 243 });
const millions = (flops: number) => Number((flops / 1e6).toFixed(1));

describe('the operations that are needed', () => {
  it('leave out the per-frame head and what no output reads', () => {
    const { flops, parts } = complexity(small);
    const head = parts.find(({ name }) => name === 'per-frame head')!;
    const read = flops - 2 * head.linearMacs - windowFlops(small);
    // Of each of the five aggregator layers: its last row, and the tap in front of its first.
    const d = 256;
    const row = (tokens: number) => 2 * d * d + d * 512 + 2 * tokens * d;
    const expected = [243, 81, 27, 9, 3].reduce((sum, tokens) => sum + row(tokens) + d * 512, 0);
    expect(read).toBe(2 * expected);
    expect(millions(windowFlops(small))).toBe(1717.2);
  });

  it('are fewer a frame when neighbouring windows share the encoder and the first Q, K and V', () => {
    expect(millions(videoFlops(small))).toBe(1296.4);
  });

  it('know the strides of N = 351, which read 38 of 117 rows and 2 of 13', () => {
    const config = parseModelConfig({ frames: 351 });
    const { flops, parts } = complexity(config);
    const head = parts.find(({ name }) => name === 'per-frame head')!;
    const d = 256;
    const row = (tokens: number) => 2 * d * d + d * 512 + 2 * tokens * d;
    const unread = row(351) + (117 - 38) * row(117) + (13 - 2) * row(13) + 3 * d * 512;
    expect(flops - 2 * head.linearMacs - windowFlops(config)).toBe(2 * unread);
  });

  it('are three forward passes in a training step', () => {
    expect(trainingFlops(small)).toBe(3 * complexity(small).flops);
  });
});
