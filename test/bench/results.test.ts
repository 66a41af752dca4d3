import { describe, expect, it } from 'vitest';
import { median, percentile, ratios, summary } from '../../bench/measure/rounds.mjs';
import { goalRows, reached } from '../../bench/report/goals.mjs';
import { assess } from '../../bench/report/results.mjs';

const windows = { section: 'windows', frames: 243, layers: 3, precision: 'fp32', flops: 2e9 };
const compiled = { ...windows, side: 'compiled' };
const openvino = { ...windows, side: 'openvino' };

describe('medians and ratios', () => {
  it('takes the middle, or the mean of the two in the middle', () => {
    expect(median([30, 10, 20])).toBe(20);
    expect(median([40, 10, 20, 30])).toBe(25);
    expect(summary([30, 10, 20])).toEqual({ median: 20, least: 10, greatest: 30 });
  });

  it('takes a percentile as the smallest value that covers the share', () => {
    const values = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect([0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([100, 198, 200]);
  });

  it('divides round by round, so that a slow round of all cancels', () => {
    expect(ratios([20, 2, 40], [10, 1, 20])).toEqual({ median: 2, least: 2, greatest: 2 });
  });
});

describe('what is worked out of the measured rows', () => {
  const rows = [
    { ...compiled, batch: 1, rates: [40, 42, 41] },
    { ...compiled, batch: 16, rates: [80, 90, 85] },
    { ...openvino, batch: 1, rates: [20, 21, 20.5] },
    { ...openvino, batch: 16, rates: [50, 50, 50] },
    { ...openvino, batch: 64, rates: [40, 45, 42.5] },
  ];
  const assessed = assess(rows, { fp32: 200 });

  it('gives the limit by the peak and the share of it', () => {
    expect(assessed[1]).toMatchObject({ median: 85, least: 80, greatest: 90, limit: 100, share: 0.85 });
  });

  it('marks the fastest batch of each side', () => {
    expect(assessed.map((row: { best?: boolean }) => row.best)).toEqual([false, true, false, true, false]);
  });

  it('compares the same batch, and best with best', () => {
    expect(assessed[0]).toMatchObject({ ratioTo: 'openvino', ratio: { median: 2 } });
    expect(assessed[0]).not.toHaveProperty('bestRatio');
    expect(assessed[1].bestRatio).toEqual({ median: 1.7, least: 1.6, greatest: 1.8 });
    expect(assessed[3]).not.toHaveProperty('ratio');
  });

  it('compares with ONNX Runtime where OpenVINO did not take part, and with nobody of another precision', () => {
    const alone = assess(
      [
        { ...compiled, batch: 1, rates: [3] },
        { ...windows, side: 'onnxruntime', batch: 1, rates: [2] },
        { ...compiled, precision: 'bf16', batch: 1, rates: [6] },
      ],
      {},
    );
    expect(alone[0]).toMatchObject({ ratioTo: 'onnxruntime', ratio: { median: 1.5 } });
    expect(alone[2]).not.toHaveProperty('ratio');
    expect(alone[0]).not.toHaveProperty('limit');
  });

  it('puts clips over one video of the same side, and times over times', () => {
    const clips = { section: 'clips', frames: 27, layers: 3, precision: 'fp32', side: 'compiled', flip: false };
    const start = { section: 'start', frames: 243, layers: 3, precision: 'fp32' };
    const found = assess(
      [
        { ...clips, joined: false, rates: [90] },
        { ...clips, joined: true, rates: [100] },
        { ...start, side: 'compiled', milliseconds: [50, 60, 70] },
        { ...start, side: 'openvino', milliseconds: [500, 600, 700] },
      ],
      {},
    );
    expect(found[0]).toMatchObject({ ratioTo: 'one video', ratio: { median: 0.9 } });
    expect(found[2]).toMatchObject({ median: 60, ratio: { median: 10 } });
  });
});

describe('goals', () => {
  const rows = assess(
    [
      { ...compiled, batch: 16, rates: [120] },
      { ...openvino, batch: 16, rates: [100] },
    ],
    {},
  );

  it('finds the value of a goal among the rows, and leaves the others open', () => {
    const goals = goalRows(rows);
    expect(goals[0]).toMatchObject({ what: 'windows, N = 243, fp32', value: 1.2 });
    expect(goals.filter(({ value }) => value !== undefined)).toHaveLength(1);
  });

  it('tells what was reached', () => {
    expect(reached({ must: 1.1, goal: 1.25, value: 1.05 })).toBe('missed');
    expect(reached({ must: 1.1, goal: 1.25, value: 1.1 })).toBe('must');
    expect(reached({ must: 150, goal: 60, value: 55, below: true })).toBe('goal');
    expect(reached({ must: 150, goal: 60, value: 151, below: true })).toBe('missed');
    expect(reached({ must: 1, goal: 2, value: undefined })).toBe('');
  });
});
