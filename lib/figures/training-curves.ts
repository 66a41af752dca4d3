import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { lineChart } from './line-chart.js';
import { picture, sideBySide, stacked } from './svg.js';

/** A line of a training's log, as far as it is drawn. */
export interface LoggedLine {
  kind: 'step' | 'epoch';
  step: number;
  loss: number;
  /** Above 0 in Stage II. */
  multiple: number;
  validation?: number | null;
}

/** Steps whose mean makes a point of the curve. */
const window = 5;

/** The loss of every logged step and the validation after each epoch, a row a log, as an SVG picture. */
export function trainingCurves(logs: readonly { name: string; lines: readonly LoggedLine[] }[]): string {
  checkArguments('trainingCurves', { logs }, 'list');
  const rows = logs.map(({ name, lines }) => {
    const steps = lines.filter(({ kind }) => kind === 'step');
    const epochs = lines.filter(({ kind }) => kind === 'epoch');
    if (steps.length === 0) {
      throw new PoseError('ERR_FORMAT', `${name}: expected logged steps of a training, got none.`);
    }
    const lifts = steps.some(({ multiple }) => multiple > 0);
    const unit = lifts ? 'metres' : 'normalised image units';
    const means = steps.map(({ step }, index): [number, number] => {
      const near = steps.slice(Math.max(0, index - window + 1), index + 1);
      return [step, near.reduce((sum, { loss }) => sum + loss, 0) / near.length];
    });
    const stage = lifts ? 'Stage II' : 'Stage I';
    const size = { width: 480, height: 280 };
    const loss = lineChart({
      ...{ title: `${stage}: training loss`, xLabel: 'steps', yLabel: unit, logarithmic: true, ...size },
      series: [
        { name: 'step', points: means },
        { name: 'mean of an epoch', points: epochs.map((epoch) => [epoch.step, epoch.loss]), dots: true },
      ],
    });
    const held = epochs.flatMap(({ step, validation }): [number, number][] =>
      typeof validation === 'number' ? [[step, validation]] : [],
    );
    if (held.length === 0) return loss;
    const validation = lineChart({
      ...{ title: `${stage}: validation`, xLabel: 'steps', yLabel: lifts ? 'MPJPE, mm' : `loss, ${unit}`, ...size },
      series: [{ name: 'validation', points: held, dots: true }],
    });
    return sideBySide([loss, validation]);
  });
  return picture(stacked(rows));
}
