import { describe, expect, it } from 'vitest';
import { walkingClip } from '../../lib/datasets/walking/walking-clip.js';
import type { LiftedPoses } from '../../lib/export/poses/lifted-poses.js';
import {
  attentionFigure,
  barChart,
  errorBars,
  heatMap,
  type LoggedLine,
  lineChart,
  occlusionCurve,
  picture,
  skeletonStrip,
  trainingCurves,
} from '../../lib/figures/index.js';

/** What every picture must be: one well-formed element whose numbers are numbers, light and dark. */
function check(svg: string): string {
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 \d+ \d+"[\s\S]*<\/svg>\n$/);
  expect(svg).not.toMatch(/NaN|undefined|Infinity|null/);
  expect(svg).toContain('prefers-color-scheme:dark');
  const open: string[] = [];
  for (const [, end, name, closed] of svg.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (end) expect(open.pop()).toBe(name);
    else if (!closed) open.push(name);
  }
  expect(open).toEqual([]);
  return svg;
}

const clip = walkingClip();
const frames = 6;
const result: LiftedPoses = {
  poses: clip.poses.slice(0, frames * 17 * 3),
  layout: 'h36m-17',
  model: 'truth',
  track: {
    keypoints: Float32Array.from(clip.keypoints.subarray(0, frames * 17 * 2)),
    confidence: Float32Array.from(clip.confidence.subarray(0, frames * 17)),
    ...{ frames, joints: 17, layout: 'coco-17', width: 1920, height: 1080, fps: 50, people: 1, notices: [] },
    frameIds: Array.from({ length: frames }, (_, frame) => String(frame)),
    filled: new Uint8Array(frames),
  },
};

describe('skeletonStrip', () => {
  it('draws each column in 2D and in 3D, within the picture', () => {
    const svg = check(skeletonStrip(result, { columns: 3, width: 900 }));
    expect(svg).toContain('viewBox="0 0 900 ');
    // 2D: 12 lines of COCO's own and 4 of the trunk; 3D: 16 bones, each with its halo.
    expect(svg.match(/<line /g)).toHaveLength(3 * (12 + 4 + 2 * 16));
    expect(svg.match(/<ellipse /g)).toHaveLength(3);
    expect(svg).toContain('0.02 s');
    const xs = [...svg.matchAll(/ x[12]="([-\d.]+)"/g)].map((match) => Number(match[1]));
    expect(Math.min(...xs)).toBeGreaterThan(0);
    expect(Math.max(...xs)).toBeLessThan(900);
  });

  it('draws others of the same frames below, and refuses those of more', () => {
    const other = { name: 'the <truth>', poses: result.poses, layout: 'h36m-17' };
    const svg = check(skeletonStrip(result, { columns: 3, others: [other] }));
    expect(svg.match(/<line /g)).toHaveLength(3 * (12 + 4 + 2 * 2 * 16));
    expect(svg).toContain('the &lt;truth&gt; (h36m-17)');
    const longer = { ...other, poses: new Float32Array(result.poses.length + 51) };
    expect(() => skeletonStrip(result, { others: [longer] })).toThrow('expected 6 frames');
  });

  it('needs a sensible number of columns', () => {
    expect(() => skeletonStrip(result, { columns: 0 })).toThrow('got 0');
  });
});

describe('charts', () => {
  it('put points where the axes say', () => {
    const series = [
      {
        name: 'a',
        points: [
          [0, 0],
          [10, 100],
        ] as const,
        dots: true,
      },
    ];
    const svg = check(picture(lineChart({ title: 't', xLabel: 'x', yLabel: 'y', series, width: 282, height: 186 })));
    // 200 x 100 inside the axes; the top is 5 % above the largest value.
    const dots = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(dots).toEqual([
      [0, 100],
      [200, 4.8],
    ]);
    for (const tick of [20, 40, 60, 80, 100]) expect(svg).toContain(`>${tick}</text>`);
  });

  it('have logarithmic ticks where asked, and refuse what they cannot show', () => {
    const options = { title: 'loss', xLabel: 'steps', yLabel: 'm', logarithmic: true };
    const svg = check(
      picture(
        lineChart({
          ...options,
          series: [
            {
              name: 'a',
              points: [
                [1, 0.03],
                [2, 2],
              ],
            },
          ],
        }),
      ),
    );
    for (const tick of ['0.05', '0.1', '0.2', '0.5', '1', '2']) expect(svg).toContain(`>${tick}</text>`);
    const nothing = { ...options, series: [{ name: 'a', points: [[1, 0]] as [number, number][] }] };
    expect(() => lineChart(nothing)).toThrow('expected points with positive values, got (1, 0)');
    expect(() => lineChart({ ...options, series: [] })).toThrow('got none');
    expect(() => barChart({ title: 'b', unit: 'mm', groups: ['x'], series: [{ name: 'a', values: [-1] }] })).toThrow(
      'got [-1]',
    );
  });

  it('show matrices cell by cell, and large ones by the means of blocks', () => {
    const matrix = Float32Array.of(0, 0, 0, 4);
    const { body } = heatMap(matrix, 2, { title: 'm', size: 100 });
    // One run across the upper row, two in the lower one.
    expect(body.match(/M/g)).toHaveLength(3);
    expect(body).toContain('M50 50h50v50h-50z');
    const large = heatMap(new Float32Array(96 * 96).fill(1), 96, { title: 'l' });
    expect(large.body.match(/M/g)).toHaveLength(48);
    expect(() => heatMap(matrix, 3, { title: 'm' })).toThrow('expected 3 x 3 values, got 4');
  });
});

describe('figures', () => {
  it('of a training show loss and validation of both stages', () => {
    const lines = (multiple: number): LoggedLine[] => [
      ...[1, 2, 3, 4].map((step) => ({ kind: 'step' as const, step, loss: 1 / step, multiple })),
      { kind: 'epoch', step: 4, loss: 0.5, multiple, validation: 70.5 },
    ];
    const svg = check(
      trainingCurves([
        { name: 'a', lines: lines(0) },
        { name: 'b', lines: lines(1) },
      ]),
    );
    for (const text of ['Stage I: training loss', 'Stage II: validation', 'MPJPE, mm']) expect(svg).toContain(text);
    expect(() => trainingCurves([{ name: 'empty.jsonl', lines: [] }])).toThrow('empty.jsonl');
  });

  it('of an evaluation show actions, and joints without the root', () => {
    const pooled = (name: string, mpjpeMm: number) => ({ name, mpjpeMm, jointErrorsMm: new Array(17).fill(mpjpeMm) });
    const method = (name: string, error: number) => ({
      ...{ method: name, actions: [pooled('Walking', error), pooled('Sitting & <more>', 2 * error)] },
      subjects: [pooled('S9', error)],
      overall: pooled('all frames', error),
    });
    const model = { config: { outputLayout: 'h36m-17' } };
    const conditions = [{ name: 'as in the data set', methods: [method('P-STMO', 40), method('mean pose', 200)] }];
    const svg = check(errorBars({ model, conditions }));
    expect(svg).toContain('Sitting &amp; &lt;more&gt;');
    expect(svg).toContain('>left wrist<');
    expect(svg).not.toContain('>hip<');
    expect(svg.match(/<rect class="series1"/g)).toHaveLength(2 + 16);
    // Clips of motion capture are no actions: too many, each of one subject.
    const clips = Array.from({ length: 21 }, (_, clip) => pooled(`clip ${clip}`, 40));
    const many = [{ name: 'clean', methods: [{ ...method('P-STMO', 40), actions: clips }] }];
    expect(check(errorBars({ model, conditions: many }))).toMatch(/MPJPE by subject[\s\S]*>S9</);
  });

  it('of occlusion and attention are pictures', () => {
    const points = [0, 0.5].map((share) => ({ share, mpjpeMm: 40 + 100 * share, pMpjpeMm: 30 }));
    expect(check(occlusionCurve({ dataset: { name: 'd' }, seconds: 0.4, points }))).toContain('joints hidden');
    const maps = { data: Float32Array.from({ length: 2 * 9 }, (_, at) => at), shape: [2, 3, 3] };
    const svg = check(attentionFigure([0, 1].map((layer) => ({ module: 'tem', layer, maps }))));
    expect(svg.match(/layer \d, head \d: 3 tokens/g)).toHaveLength(4);
    expect(() => attentionFigure([])).toThrow('got none');
  });
});
