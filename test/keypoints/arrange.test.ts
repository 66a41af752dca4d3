import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { fillGaps } from '../../lib/keypoints/filters/fill-gaps.js';
import { orderFrames } from '../../lib/keypoints/frames/frame-order.js';
import { denormalizeKeypoints, normalizeKeypoints } from '../../lib/keypoints/normalize.js';

const gap = Number.NaN;

describe('normalizeKeypoints', () => {
  it('spans the width from -1 to 1 and keeps one scale', () => {
    const units = normalizeKeypoints(Float32Array.of(0, 0, 1920, 1080, 960, 540), 1920, 1080);
    expect(Array.from(units)).toEqual([-1, -0.5625, 1, 0.5625, 0, 0]);
  });

  it('is undone by its inverse', () => {
    const pixels = Float32Array.of(12.5, 700.25, 999, 3);
    const back = denormalizeKeypoints(normalizeKeypoints(pixels, 1000, 1002), 1000, 1002);
    for (const [index, value] of back.entries()) expect(value).toBeCloseTo(pixels[index], 3);
  });

  it('refuses a size that is none', () => {
    expect(() => normalizeKeypoints(new Float32Array(2), 0, 100)).toThrow('0x100');
    expect(() => denormalizeKeypoints(new Float32Array(2), 10, Number.NaN)).toThrow('10xNaN');
  });
});

describe('fillGaps', () => {
  it('interpolates a joint between the frames that know it, and holds it at the ends', () => {
    const known = Float32Array.of(gap, gap, 2, 20, gap, gap, gap, gap, 8, 50, gap, gap);
    const report = fillGaps(known, 6, 1);
    expect(known[0]).toBeNaN();
    expect(Array.from(report.keypoints)).toEqual([2, 20, 2, 20, 4, 30, 6, 40, 8, 50, 8, 50]);
    expect(Array.from(report.filled)).toEqual([1, 0, 1, 1, 0, 1]);
    expect(report.filledJoints).toBe(0);
  });

  /** One joint whose x is of `value`, y 0, unknown in the frames of `lost`. */
  const filledX = (value: (frame: number) => number, frames: number, lost: (frame: number) => boolean) => {
    const known = new Float32Array(frames * 2);
    for (let frame = 0; frame < frames; frame++) known[2 * frame] = lost(frame) ? gap : value(frame);
    for (let frame = 0; frame < frames; frame++) if (lost(frame)) known[2 * frame + 1] = gap;
    return fillGaps(known, frames, 1).keypoints.filter((_, at) => at % 2 === 0);
  };
  const between = (first: number, end: number) => (frame: number) => frame >= first && frame < end;

  it('follows the speed beside a gap of 6 frames or more', () => {
    const swing = (frame: number) => 100 * Math.sin(frame / 9);
    const errors = (line: boolean) =>
      [10, 16, 22, 28].map((first) => {
        const filled = filledX(swing, 60, between(first, first + 20));
        const [a, b] = [swing(first - 1), swing(first + 20)];
        return Math.max(
          ...Array.from({ length: 20 }, (_, at) => {
            const straight = a + ((b - a) * (at + 1)) / 21;
            return Math.abs((line ? straight : filled[first + at]) - swing(first + at));
          }),
        );
      });
    const [curve, line] = [errors(false), errors(true)].map((list) => list.reduce((sum, value) => sum + value, 0) / 4);
    expect(curve).toBeLessThan(0.85 * line);
  });

  it('keeps a straight line over a short gap, beside too few known frames, and at a steady speed nearly', () => {
    const bent = (frame: number) => frame ** 2;
    const short = filledX(bent, 30, between(10, 15));
    for (let frame = 10; frame < 15; frame++) expect(short[frame]).toBeCloseTo(81 + ((225 - 81) * (frame - 9)) / 6, 3);
    const lonely = filledX(bent, 30, (frame) => ![2, 12, 22].includes(frame));
    for (let frame = 3; frame < 12; frame++) expect(lonely[frame]).toBeCloseTo(4 + (140 * (frame - 2)) / 10, 3);
    const steady = filledX((frame) => 3 * frame, 40, between(10, 30));
    for (let frame = 10; frame < 30; frame++) expect(Math.abs(steady[frame] - 3 * frame)).toBeLessThan(2);
  });

  it('never leaves the range of the ends of a gap, however the detector jumps beside it', () => {
    const random = createRandom(1, 'jumps');
    for (let trial = 0; trial < 50; trial++) {
      const values = Array.from({ length: 80 }, () => random.uniform(-100, 100));
      const filled = filledX((frame) => values[frame], 80, between(20, 60));
      const [low, high] = [Math.min(values[19], values[60]), Math.max(values[19], values[60])];
      for (let frame = 20; frame < 60; frame++) {
        expect(filled[frame]).toBeGreaterThan(low - 1e-3);
        expect(filled[frame]).toBeLessThan(high + 1e-3);
      }
    }
  });

  it('marks only frames that lack every joint, and counts single ones', () => {
    const keypoints = Float32Array.of(1, 1, 10, 10, gap, gap, 11, 11, 3, 3, 12, 12);
    const report = fillGaps(keypoints, 3, 2);
    expect(Array.from(report.keypoints.subarray(4, 6))).toEqual([2, 2]);
    expect(Array.from(report.filled)).toEqual([0, 0, 0]);
    expect(report.filledJoints).toBe(1);
  });

  it('puts a joint that is never seen at the middle of the others', () => {
    const keypoints = Float32Array.of(0, 2, 4, 6, gap, gap, 2, 2, 6, 6, gap, gap);
    const report = fillGaps(keypoints, 2, 3);
    expect(report.neverSeen).toEqual([2]);
    expect(report.filledJoints).toBe(0);
    expect(Array.from(report.keypoints.subarray(4, 6))).toEqual([2, 4]);
    expect(Array.from(report.keypoints.subarray(10, 12))).toEqual([4, 4]);
  });
});

describe('orderFrames', () => {
  it('sorts by the number, not by the letters, and makes frames of gaps', () => {
    const order = orderFrames(['10.jpg', '9.jpg', '12.jpg']);
    expect(order.frames).toBe(4);
    expect(order.frameOf).toEqual([1, 0, 3]);
    expect(order.names).toEqual(['9.jpg', '10.jpg', '11', '12.jpg']);
    expect(order.notices).toEqual([]);
  });

  it('takes the last number of a name, before its ending', () => {
    const order = orderFrames(['cam2/v1_0001.mp4', 'cam2/v1_0000.mp4']);
    expect(order.frameOf).toEqual([1, 0]);
  });

  it('counts in the steps of the numbers', () => {
    const order = orderFrames([0, 5, 15]);
    expect(order.names).toEqual(['0', '5', '10', '15']);
    expect(order.step).toBe(5);
    expect(order.notices.join()).toContain('steps of 5: taken as every 5th frame');
  });

  it('does not take ids of photographs for frames', () => {
    const order = orderFrames([785, 40083, 196843]);
    expect(order.frames).toBe(3);
    expect(order.notices.join()).toContain('follow each other');
  });

  it('stays small when numbers are hostile', () => {
    expect(orderFrames(['0.jpg', '1.jpg', '999999999999999.jpg']).frames).toBe(3);
  });

  it('keeps the order of names without numbers', () => {
    expect(orderFrames(['b.jpg', 'a.jpg']).frameOf).toEqual([0, 1]);
  });

  it.each([
    ['the same number twice', ['x/1.jpg', 'y/1.jpg', 'y/2.jpg'], 'got "x/1.jpg" and "y/1.jpg", both number 1'],
    ['a name without a number among others', ['1.jpg', 'cover.jpg'], 'as in "1.jpg", got "cover.jpg"'],
    ['a hole of days', [0, 1, 2, 3, 4, 1e9], 'got 0 to 1000000000 of which 6 are there'],
  ])('refuses %s', (_, ids, message) => {
    expect(() => orderFrames(ids)).toThrow(message);
  });

  it('takes the number that differs where a name has several', () => {
    expect(orderFrames(['f_2_cam1.jpg', 'f_0_cam1.jpg']).frameOf).toEqual([1, 0]);
    expect(orderFrames(['2.0', '0.0', '1.0']).frameOf).toEqual([2, 0, 1]);
  });

  it('a hole among consecutive numbers is a hole, however long', () => {
    const order = orderFrames([0, 1, 2, 3, 400, 401, 402, 403]);
    expect(order).toMatchObject({ frames: 404, notices: [] });
    expect(order.frameOf[4]).toBe(400);
  });

  it.each([
    ['s', 1 / 30, undefined, 30],
    ['s', 1001 / 30000, 's', 30000 / 1001],
    ['ms', 1000 / 30, undefined, 30],
    ['ms', 1000 / 59.94005994, 'ms', 60000 / 1001],
    ['us', 1e6 / 25, undefined, 25],
  ] as const)('finds frames, holes and rate by times in %s', (unit, spacing, stated, fps) => {
    const frames = Array.from({ length: 300 }, (_, frame) => frame).filter((frame) => frame < 100 || frame >= 110);
    const shuffled = frames.map((_, at) => frames[(at * 7) % frames.length]);
    const values = shuffled.map((frame) => {
      const time = 1e4 + frame * spacing;
      return unit === 's' ? Number(time.toFixed(6)) : Math.round(time);
    });
    const order = orderFrames(values, { times: { values, unit: stated } });
    expect(order.frameOf).toEqual(shuffled);
    expect(order.frames).toBe(300);
    expect(order.fps).toBeCloseTo(fps, 6);
  });

  it('numbers place the frames where there are times too, which tell the rate', () => {
    const order = orderFrames([7, 9, 8], { times: { values: [0.28, 0.36, 0.32], unit: 's' } });
    expect(order.frameOf).toEqual([0, 2, 1]);
    expect(order.fps).toBeCloseTo(25, 9);
  });
});
