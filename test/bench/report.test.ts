import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { assess } from '../../bench/report/results.mjs';
import { shareFigure } from '../../bench/report/share-figure.mjs';
import { benchReport, figure, timeText } from '../../bench/report/tables.mjs';
import { fillSpeed, readResults, speedSection } from '../../tools/docs/fill-speed.mjs';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const windows = { section: 'windows', unit: 'windows/s', frames: 27, layers: 3, precision: 'fp32', flops: 1e9 };
const results = {
  about: {
    ...{ cpu: 'A <CPU>', cores: 2, isa: 'avx512', node: 'v20', pstmo: '0.1.0', date: '2026-01-01' },
    ...{ threads: 2, rounds: 2, seconds: 0.4, complete: true, minutes: 12 },
  },
  peaks: { fp32: 200 },
  rows: assess(
    [
      { ...windows, side: 'op-by-op', batch: 1, rates: [50, 52], peakResidentBytes: 90e6 },
      { ...windows, side: 'op-by-op', batch: 16, rates: [150, 160], peakResidentBytes: 100e6 },
      { ...windows, side: 'openvino', batch: 1, rates: [25, 26], peakResidentBytes: 200e6 },
      { ...windows, side: 'openvino', batch: 16, rates: [100, 100], peakResidentBytes: 220e6 },
      {
        section: 'start',
        frames: 243,
        layers: 3,
        precision: 'fp32',
        side: 'op-by-op',
        name: 'pstmo',
        milliseconds: [80],
      },
      { section: 'javascript', name: 'a call', seconds: 2.5e-8, relativeErrorPercent: 1.2, samples: 40 },
    ],
    { fp32: 200 },
  ),
  missing: [{ what: 'windows N=27 S fp32, PyTorch', reason: 'There is no .venv' }],
};

describe('the report of a run', () => {
  const report = benchReport(results);

  it('has a line a side with each batch, the ratios and the share of the limit', () => {
    expect(report).toContain(
      '| N = 27, fp32: op by op | 51.0 | **155 (150 to 160)** | 19.6 | 2.00 (2.00 to 2.00) | 1.55 (1.50 to 1.60) | 78% | 100 |',
    );
    expect(report).toContain('| N = 27, fp32: OpenVINO | 25.5 | **100 (100 to 100)** | 39.2 |  |  | 50% | 220 |');
  });

  it('leaves out what was not measured and says why', () => {
    expect(report).not.toContain('## Training');
    expect(report).toContain('- windows N=27 S fp32, PyTorch: There is no .venv');
  });

  it('writes times and figures with the digits that they have', () => {
    expect([2.5e-8, 4.4e-6, 0.0123, 1.5].map(timeText)).toEqual(['25.0 ns', '4.40 µs', '12.3 ms', '1.50 s']);
    expect([1234.5, 56.78, 1.2345].map(figure)).toEqual(['1235', '56.8', '1.23']);
  });
});

describe('the figure', () => {
  it('draws a bar for the best batch of each side, as long as its share', () => {
    const picture = shareFigure(results);
    const bars = [...picture.matchAll(/<rect class="([\w-]+)" x="100" y="\d+" width="([\d.]+)"/g)];
    expect(bars.map(([, side]) => side)).toEqual(['op-by-op', 'openvino']);
    expect(Number(bars[0][2]) / Number(bars[1][2])).toBeCloseTo(1.55, 2);
    expect(picture).toContain('A &#60;CPU&#62;');
    expect(picture).toContain('prefers-color-scheme: dark');
  });

  it('is empty where nothing was measured', () => {
    expect(shareFigure({ ...results, rows: [] })).toBe('');
  });
});

describe('the README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');

  it('has the speed that the committed results give', () => {
    const committed = readResults(join(root, 'bench/results/bench.json'));
    expect(fillSpeed(readme, speedSection(committed))).toBe(readme);
  });

  it('has the errors that the committed evaluation gives', () => {
    const copy = join(temporaryFolder(), 'README.md');
    copyFileSync(join(root, 'README.md'), copy);
    const evaluation = join(root, 'bench/results/evaluation-pstmo-s-27.json');
    execFileSync(process.execPath, [join(root, 'tools/docs/fill-card.mjs'), copy, '--report', evaluation]);
    expect(readFileSync(copy, 'utf8')).toBe(readme);
  });

  it('gets figures from results, in the place of older ones', () => {
    const filled = fillSpeed('a\n<!-- speed -->\nold\n<!-- end of speed -->\nb', speedSection(results));
    expect(filled).toContain('| N = 27, fp32 | 155 | 100 | 1.55 | 78% |');
    expect(filled).toContain('- From starting Node to the first N = 243 pose: 80.0 ms.');
    expect(filled).not.toContain('old');
    expect(fillSpeed(filled, '')).toBe('a\n<!-- speed -->\n<!-- end of speed -->\nb');
    expect(() => fillSpeed('no marks', '')).toThrow('marks');
  });
});
