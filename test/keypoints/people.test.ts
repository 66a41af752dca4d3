import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { undistortKeypoints } from '../../lib/keypoints/camera.js';
import { type CustomLayout, parseCustomLayout } from '../../lib/keypoints/custom-layout.js';
import { fillGaps } from '../../lib/keypoints/filters/fill-gaps.js';
import { resampleFrames } from '../../lib/keypoints/filters/resample.js';
import { smoothOneEuro, smoothSavitzkyGolay } from '../../lib/keypoints/filters/smoothing.js';
import { cheapestAssignment } from '../../lib/keypoints/people/assignment.js';
import { splitAtGaps } from '../../lib/keypoints/people/split-track.js';
import { trackPeople } from '../../lib/keypoints/people/track-people.js';
import { readKeypoints } from '../../lib/keypoints/read-keypoints.js';

const cost = (costs: Float64Array, columns: number, of: ArrayLike<number>) =>
  Array.from(of).reduce((sum, column, row) => sum + (column < 0 ? 0 : costs[row * columns + column]), 0);

/** The least cost over every way to give rows to columns. */
function leastCost(costs: Float64Array, rows: number, columns: number): number {
  const choose = (row: number, free: number[], skips: number): number => {
    if (row === rows) return 0;
    const taken = free.map(
      (column) =>
        costs[row * columns + column] +
        choose(
          row + 1,
          free.filter((other) => other !== column),
          skips,
        ),
    );
    return Math.min(...taken, ...(skips > 0 ? [choose(row + 1, free, skips - 1)] : []));
  };
  return choose(
    0,
    Array.from({ length: columns }, (_, column) => column),
    Math.max(0, rows - columns),
  );
}

describe('cheapestAssignment', () => {
  it.each([
    [4, 4],
    [3, 5],
    [5, 3],
    [1, 6],
    [6, 1],
  ])('is as cheap as the best of all, %d x %d', (rows, columns) => {
    const random = createRandom(rows * 10 + columns);
    for (let round = 0; round < 20; round++) {
      const costs = Float64Array.from({ length: rows * columns }, () => Math.round(random.uniform() * 20) - 5);
      const columnsOf = cheapestAssignment(costs, rows, columns);
      const used = [...columnsOf].filter((column) => column >= 0);
      expect(new Set(used).size).toBe(Math.min(rows, columns));
      expect(cost(costs, columns, columnsOf)).toBe(leastCost(costs, rows, columns));
    }
  });
});

describe('trackPeople', () => {
  const body = [0, 0, 40, 0, 0, 100, 40, 100];
  /** Detections of [frame, x] as (D, 4, 3). */
  const detections = (list: [number, number][]) => {
    const rows = list.flatMap(([, x]) =>
      [0, 1, 2, 3].flatMap((joint) => [body[joint * 2] + x, body[joint * 2 + 1], 1]),
    );
    const points = { data: Float32Array.from(rows), shape: [list.length, 4, 3] };
    return { points, frames: list.map(([frame]) => frame) };
  };
  const track = (list: [number, number][], options = {}) => {
    const { points, frames } = detections(list);
    return [...trackPeople(points, frames, options)];
  };

  it('keeps two people apart whatever their order, and numbers them by appearance', () => {
    expect(
      track([
        [0, 0],
        [0, 60],
        [1, 62],
        [1, 3],
        [2, 6],
        [2, 64],
      ]),
    ).toEqual([0, 1, 1, 0, 0, 1]);
  });

  it('finds the links that are best together, not one after the other', () => {
    // Both moved by 14 to the right: the second was nearest to where the first is now.
    const moved: [number, number][] = [
      [0, 0],
      [0, 26],
      [1, 14],
      [1, 40],
    ];
    expect(track(moved)).toEqual([0, 1, 0, 1]);
  });

  it('a person may be missing for the allowance, and is another after it', () => {
    expect(
      track(
        [
          [0, 0],
          [4, 2],
        ],
        { maxGap: 3 },
      ),
    ).toEqual([0, 0]);
    expect(
      track(
        [
          [0, 0],
          [4, 2],
        ],
        { maxGap: 2 },
      ),
    ).toEqual([0, 1]);
  });

  it('one far away is somebody else', () => {
    expect(
      track([
        [0, 0],
        [1, 500],
      ]),
    ).toEqual([0, 1]);
  });

  it('refuses what does not fit', () => {
    const { points, frames } = detections([[0, 0]]);
    expect(() => trackPeople(points, [], {})).toThrow('D frames');
    expect(() => trackPeople(points, frames, { layout: 'coco-17' })).toThrow('has 17 joints, the points 4');
    expect(() => trackPeople(points, frames, { gap: 3 } as object)).toThrow('got gap');
    const crowd = detections(Array.from({ length: 257 }, (_, x): [number, number] => [0, x * 100]));
    expect(() => trackPeople(crowd.points, crowd.frames)).toThrow(expect.objectContaining({ code: 'ERR_LIMIT' }));
  });
});

describe('gaps', () => {
  const nan = Number.NaN;

  it('are bridged nearer to the surer end, in a straight line where both are as sure', () => {
    const line = Float32Array.of(0, 0, nan, nan, nan, nan, nan, nan, 8, 4);
    const straight = fillGaps(line, 5, 1, { confidence: Float32Array.of(0.5, 0, 0, 0, 0.5) });
    expect([...straight.keypoints]).toEqual([0, 0, 2, 1, 4, 2, 6, 3, 8, 4]);
    const pulled = Float32Array.of(0, 0, nan, nan, 8, 4);
    const { keypoints } = fillGaps(pulled, 3, 1, { confidence: Float32Array.of(0.9, 0, 0.3) });
    expect(keypoints[2]).toBeCloseTo(2);
  });

  it('longer than the limit are marked, and nothing is interpolated across them', () => {
    // Joint 1 is unknown in frame 1, on this side of a long gap.
    const xs = [
      [0, 10],
      [1, nan],
      [nan, nan],
      [nan, nan],
      [nan, nan],
      [5, 50],
    ];
    const known = Float32Array.from(xs.flatMap((row) => row.flatMap((x) => [x, x])));
    const { keypoints, filled } = fillGaps(known, 6, 2, { maxGap: 2 });
    expect([...filled]).toEqual([0, 0, 2, 2, 2, 0]);
    expect(keypoints[(1 * 2 + 1) * 2]).toBe(10);
    expect(keypoints.every(Number.isFinite)).toBe(true);
  });

  it('cut a track into clips, each with its own frames', () => {
    const row = (x: number) => Array.from({ length: 17 }, (_, joint) => [x + joint, 100, 0.9]);
    const keypoints = Array.from({ length: 60 }, (_, frame) =>
      frame >= 10 && frame < 40 ? Array.from({ length: 17 }, () => null) : row(frame),
    );
    const file = { format: 'pstmo-keypoints', version: 1, keypointLayout: 'coco-17', fps: 30, keypoints };
    const bytes = new TextEncoder().encode(JSON.stringify(file));
    const track = readKeypoints(bytes, { where: 'own' });
    expect(track.notices.join()).toContain('30 of 60 frames lie in gaps of more than 15 frames');
    const clips = splitAtGaps(track);
    expect(clips.map(({ frames, frameIds }) => [frames, frameIds[0]])).toEqual([
      [10, '0'],
      [20, '40'],
    ]);
    expect(clips[1].keypoints[0]).toBe(40);
    expect(clips[1].keypoints.length).toBe(20 * 34);
    expect(splitAtGaps(readKeypoints(bytes, { where: 'own', maxGap: 1 }))).toHaveLength(1);
  });

  it('doubtful points are taken as unknown on request', () => {
    const list = [0, 1, 2].map((image) => ({
      image_id: image,
      keypoints: Array.from({ length: 17 }, (_, joint) => [
        image === 1 && joint === 0 ? 900 : 100 + joint,
        50,
        image === 1 && joint === 0 ? 0.1 : 0.9,
      ]).flat(),
    }));
    const bytes = new TextEncoder().encode(JSON.stringify(list));
    expect(readKeypoints(bytes, { where: 'a' }).keypoints[34]).toBe(900);
    const track = readKeypoints(bytes, { where: 'a', minConfidence: 0.3 });
    expect(track.keypoints[34]).toBe(100);
    expect(track.confidence[17]).toBe(0);
  });
});

describe('filters', () => {
  const frames = 60;
  const line = Float32Array.from({ length: frames * 2 }, (_, at) => (at % 2 === 0 ? 3 * Math.floor(at / 2) : 5));
  const random = createRandom(3);
  const noise = line.map((value) => value + random.uniform() - 0.5);
  const roughness = (data: Float32Array) => data.reduce((sum, value, at) => sum + Math.abs(value - line[at]), 0);

  it('Savitzky-Golay leaves polynomials of its degree alone, ends too, and takes noise off', () => {
    const parabola = Float32Array.from({ length: 20 }, (_, t) => 2 + t - 0.1 * t * t);
    const { data } = smoothSavitzkyGolay({ data: parabola, shape: [20, 1] }, { window: 7, degree: 2 });
    for (const [t, value] of data.entries()) expect(value).toBeCloseTo(parabola[t], 4);
    const smooth = smoothSavitzkyGolay({ data: noise, shape: [frames, 1, 2] }, { window: 11, degree: 2 });
    expect(roughness(smooth.data)).toBeLessThan(0.6 * roughness(noise));
    expect(smoothSavitzkyGolay({ data: Float32Array.of(1, 5), shape: [2, 1] }).data).toEqual(Float32Array.of(1, 5));
    expect(() => smoothSavitzkyGolay({ data: noise, shape: [frames, 2] }, { window: 4 })).toThrow('odd window');
  });

  it('One-Euro steadies what stands and follows what moves', () => {
    const still = Float32Array.from({ length: frames }, (_, t) => (t % 2) * 0.01);
    const steady = smoothOneEuro({ data: still, shape: [frames, 1] }, 30, { minCutoff: 1, beta: 0 }).data;
    expect(Math.max(...steady.subarray(30)) - Math.min(...steady.subarray(30))).toBeLessThan(0.003);
    const slow = smoothOneEuro({ data: line, shape: [frames, 2] }, 30, { minCutoff: 1, beta: 0 }).data;
    const fast = smoothOneEuro({ data: line, shape: [frames, 2] }, 30, { minCutoff: 1, beta: 1 }).data;
    const late = (data: Float32Array) => line[(frames - 1) * 2] - data[(frames - 1) * 2];
    expect(late(fast)).toBeLessThan(0.2 * late(slow));
    expect(() => smoothOneEuro({ data: line, shape: [frames, 2] }, 0)).toThrow('positive fps');
  });
});

describe('resampleFrames', () => {
  it('takes lines at other times, there and back', () => {
    const data = Float32Array.from({ length: 13 }, (_, t) => 10 * t);
    const down = resampleFrames({ data, shape: [13, 1] }, 1.2);
    expect(down.shape).toEqual([11, 1]);
    for (const [row, value] of down.data.entries()) expect(value).toBeCloseTo(12 * row, 4);
    const back = resampleFrames(down, 1 / 1.2, 13);
    for (const [t, value] of back.data.entries()) expect(value).toBeCloseTo(data[t], 3);
    expect(() => resampleFrames({ data, shape: [13, 1] }, 0)).toThrow('positive step');
  });
});

describe('undistortKeypoints', () => {
  const size = { width: 1000, height: 800 };

  it('centres the image and makes pixels square', () => {
    const camera = { fx: 1000, fy: 500, cx: 400, cy: 300 };
    expect([...undistortKeypoints(Float32Array.of(500, 350), camera, size)]).toEqual([600, 500]);
  });

  it('takes back what the lens does', () => {
    const [fx, k1, k2, p1, p2] = [900, -0.2, 0.05, 0.001, -0.002];
    for (const [u, v] of [
      [0.1, 0.2],
      [-0.4, 0.3],
      [0.5, -0.4],
    ]) {
      const r2 = u * u + v * v;
      const radial = 1 + k1 * r2 + k2 * r2 * r2;
      const x = u * radial + 2 * p1 * u * v + p2 * (r2 + 2 * u * u);
      const y = v * radial + p1 * (r2 + 2 * v * v) + 2 * p2 * u * v;
      const camera = { fx, fy: fx, cx: 500, cy: 400, distortion: [k1, k2, p1, p2] };
      const [a, b] = undistortKeypoints(Float32Array.of(x * fx + 500, y * fx + 400), camera, size);
      expect(a).toBeCloseTo(u * fx + 500, 2);
      expect(b).toBeCloseTo(v * fx + 400, 2);
    }
  });
});

describe('a layout of the caller', () => {
  const parts = ['hip', 'knee', 'ankle', 'shoulder', 'elbow', 'wrist'].flatMap((part) => [
    `left ${part}`,
    `right ${part}`,
  ]);
  const joints = ['skull', 'chin', ...parts.map((part) => part.replace(' ', '-'))];
  const map: CustomLayout['map'] = {
    ...Object.fromEntries(parts.map((part) => [part, part.replace(' ', '-')])),
    neck: { skull: 0.5, chin: 0.5 },
    head: 'skull',
  };
  const layout = { name: 'suit', joints, map };

  it('is mapped into the 17, with hip, thorax and spine derived', () => {
    const row = joints.flatMap((_, joint) => [10 * joint, 100 + joint, 0.5 + joint / 100]);
    const text = new TextEncoder().encode(`${row.join(',')}\n${row.join(',')}\n`);
    const track = readKeypoints(text, { where: 'own.csv', layout });
    expect(track).toMatchObject({ layout: 'h36m-17', joints: 17, frames: 2 });
    const x = (joint: number) => track.keypoints[joint * 2];
    const at = (name: string) => 10 * joints.indexOf(name);
    expect(x(0)).toBeCloseTo((at('left-hip') + at('right-hip')) / 2);
    expect(x(8)).toBeCloseTo((at('left-shoulder') + at('right-shoulder')) / 2);
    expect(x(7)).toBeCloseTo((x(0) + x(8)) / 2);
    expect(x(9)).toBeCloseTo(5);
    expect(track.confidence[9]).toBeCloseTo(0.5);
    expect(track.notices.join()).toContain('suit');
  });

  it.each<[string, unknown, string]>([
    ['a list', [], 'an object with name, joints and map'],
    ['an unknown field', { ...layout, parents: [] }, 'got "parents"'],
    ['a joint twice', { ...layout, joints: [...joints, 'skull'] }, 'names that differ, got "skull"'],
    ['a target that is none', { ...layout, map: { ...map, tail: 'skull' } }, 'map["tail"]'],
    ['a source that is none', { ...layout, map: { ...map, head: 'hat' } }, 'names out of joints, got "hat"'],
    ['weights that do not add up', { ...layout, map: { ...map, head: { skull: 0.6 } } }, 'add up to 1, got 0.6'],
    ['a joint left out', { ...layout, map: { ...map, head: undefined } }, 'map["head"]'],
    ['entries left out', { ...layout, map: { head: 'skull' } }, 'an entry for right hip, right knee'],
  ])('refuses %s', (_, value, message) => {
    expect(() => parseCustomLayout(value, 'suit.json')).toThrow(message);
    expect(() => parseCustomLayout(value, 'suit.json')).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }));
  });
});
