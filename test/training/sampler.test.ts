import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { epochSampleCount, epochSamples, evenSamples } from '../../lib/training/sampler.js';

const valid = Uint8Array.from({ length: 20 }, (_, frame) => (frame < 15 ? 1 : 0));
const sequences = [
  { index: 0, frames: 13 },
  { index: 3, frames: 20, valid },
];
const plan = { sequences, every: 1, batch: 8, seed: 4 };

function triples(samples: Int32Array): string[] {
  return Array.from({ length: samples.length / 3 }, (_, i) => samples.subarray(3 * i, 3 * i + 3).join());
}

describe('epochSamples', () => {
  it('holds each valid window twice, plain and mirrored', () => {
    const samples = triples(epochSamples(plan, 0));
    const expected = sequences.flatMap(({ index, frames, valid: marks }) =>
      Array.from({ length: frames }, (_, frame) => frame)
        .filter((frame) => !marks || marks[frame])
        .flatMap((frame) => [`${index},${frame},0`, `${index},${frame},1`]),
    );
    expect(samples).toHaveLength(56);
    expect([...samples].sort()).toEqual(expected.sort());
  });

  it('gives the same order for the same seed and epoch, another one otherwise', () => {
    expect(triples(epochSamples(plan, 2))).toEqual(triples(epochSamples(plan, 2)));
    expect(triples(epochSamples(plan, 3))).not.toEqual(triples(epochSamples(plan, 2)));
    expect(triples(epochSamples({ ...plan, seed: 5 }, 2))).not.toEqual(triples(epochSamples(plan, 2)));
  });

  it('mixes plain and mirrored windows of all sequences through the epoch', () => {
    const many = { ...plan, sequences: [{ index: 0, frames: 1000 }] };
    const samples = epochSamples(many, 0);
    const firstHalf = samples.subarray(0, samples.length / 2);
    const mean = (column: number) => {
      const values = firstHalf.filter((_, i) => i % 3 === column);
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    };
    expect(mean(1)).toBeGreaterThan(450);
    expect(mean(1)).toBeLessThan(550);
    expect(mean(2)).toBeGreaterThan(0.45);
    expect(mean(2)).toBeLessThan(0.55);
  });

  it('takes another frame of every few in each epoch, so that none is left out', () => {
    const sparse = { ...plan, every: 5 };
    const frames = new Set<string>();
    for (let epoch = 0; epoch < 5; epoch++) {
      const samples = triples(epochSamples(sparse, epoch));
      expect(samples.length).toBe(epochSampleCount(sparse, epoch));
      for (const sample of samples) {
        expect(Number(sample.split(',')[1]) % 5).toBe(epoch);
        frames.add(sample);
      }
    }
    expect(frames.size).toBe(56);
  });

  it('keeps to samplesPerEpoch with different samples each epoch', () => {
    const few = { ...plan, samplesPerEpoch: 10 };
    const first = triples(epochSamples(few, 0));
    expect(new Set(first).size).toBe(10);
    expect(new Set(triples(epochSamples(few, 1)))).not.toEqual(new Set(first));
  });

  it('leaves out a last batch of one window, and refuses an epoch of less than two', () => {
    expect(epochSampleCount({ ...plan, batch: 11 }, 0)).toBe(55);
    expect(epochSampleCount({ ...plan, batch: 6 }, 0)).toBe(56);
    expect(() => epochSampleCount({ ...plan, sequences: [] }, 0)).toThrow(PoseError);
  });
});

describe('evenSamples', () => {
  it('spreads a limited number over all valid frames, plain, the same every time', () => {
    const samples = evenSamples(sequences, 7);
    expect(triples(samples)).toEqual(triples(evenSamples(sequences, 7)));
    expect(triples(samples)).toEqual(['0,2,0', '0,6,0', '0,10,0', '3,1,0', '3,5,0', '3,9,0', '3,13,0']);
    expect(evenSamples(sequences, 1000).length / 3).toBe(28);
  });
});
