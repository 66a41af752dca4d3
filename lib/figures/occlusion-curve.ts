import { checkArguments } from '../base/check-arguments.js';
import { lineChart } from './line-chart.js';
import { picture } from './svg.js';

/** Errors with parts of the 2D hidden, as far as they are drawn. */
export interface HiddenErrors {
  dataset: { name: string };
  /** How long a joint is hidden at a time, seconds. */
  seconds: number;
  points: readonly { share: number; mpjpeMm: number; pMpjpeMm: number }[];
}

/** Error over the share of the joints that are hidden, as an SVG picture. */
export function occlusionCurve(given: HiddenErrors): string {
  checkArguments('occlusionCurve', { given }, { dataset: 'object', seconds: 'number', points: 'list' });
  const { dataset, seconds, points } = given;
  const curve = (name: string, key: 'mpjpeMm' | 'pMpjpeMm') => ({
    ...{ name, dots: true },
    points: points.map((point) => [100 * point.share, point[key]] as const),
  });
  return picture(
    lineChart({
      title: `Error against occlusion, ${dataset.name}`,
      xLabel: `joints hidden, %, ${seconds} s at a time`,
      yLabel: 'mm',
      series: [curve('MPJPE', 'mpjpeMm'), curve('P-MPJPE', 'pMpjpeMm')],
    }),
  );
}
