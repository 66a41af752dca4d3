import { describe, expect, it } from 'vitest';
import type { EvaluationReport } from '../../lib/evaluation/report.js';
import { evaluationSummary } from '../../lib/evaluation/summary.js';

const row = (name: string) => ({
  name,
  frames: 1_234_567,
  mpjpeMm: 63.743464669186736,
  jointErrorsMm: [0, 20.381908726620388],
});
const report = {
  model: { name: 'm', config: { fps: 29.97002997 } },
  framesPerSecond: 123.456789,
  conditions: [
    {
      name: 'clean',
      methods: [
        {
          ...{ method: 'P-STMO', actions: [row('Walking')], subjects: [row('S9')], cameras: [row('0')] },
          ...{ overall: row('all frames'), actionAverage: row('action average') },
          mpiInf3dhp: {
            sequences: [row('TS1')],
            average: { ...row('average'), groups: [{ name: 'Head', pck: 1 / 3 }] },
          },
        },
      ],
    },
  ],
} as unknown as EvaluationReport;

describe('the summary of an evaluation', () => {
  it('has every row, to six digits, and joints only where everything is pooled', () => {
    const short = (name: string) => ({ name, frames: 1_234_567, mpjpeMm: 63.7435 });
    const whole = (of: string) => ({ ...short(of), jointErrorsMm: [0, 20.3819] });
    expect(evaluationSummary(report)).toEqual({
      ...report,
      conditions: [
        {
          name: 'clean',
          methods: [
            {
              ...{ method: 'P-STMO', actions: [short('Walking')], subjects: [short('S9')], cameras: [short('0')] },
              ...{ overall: whole('all frames'), actionAverage: whole('action average') },
              mpiInf3dhp: {
                sequences: [short('TS1')],
                average: { ...whole('average'), groups: [{ name: 'Head', pck: 0.333333 }] },
              },
            },
          ],
        },
      ],
    });
  });
});
