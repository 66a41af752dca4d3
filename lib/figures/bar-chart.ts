import { checkArguments } from '../base/check-arguments.js';
import { largest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { seriesClass, ticks } from './line-chart.js';
import { type Drawing, element, heading, label, px } from './svg.js';

export interface BarChartOptions {
  title: string;
  unit: string;
  /** One row each. */
  groups: readonly string[];
  /** One bar a row each; values of 0 or more, as many as there are groups. */
  series: readonly { name: string; values: readonly number[] }[];
  width?: number;
}

const nameWidth = 130;
const right = 56;
const barHeight = 9;

/** Horizontal bars, grouped in rows. Throws `ERR_ARGUMENT` for values that do not fit the groups. */
export function barChart(given: BarChartOptions): Drawing {
  checkArguments(
    'barChart',
    { given },
    { title: 'text', unit: 'text', groups: 'list', series: 'list', width: 'number?' },
  );
  const { title, unit, groups, series, width = 640 } = given;
  const wrong = series.find(({ values }) => values.length !== groups.length || values.some((value) => !(value >= 0)));
  if (groups.length === 0 || series.length === 0 || wrong) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${title}: expected ${groups.length} values of 0 or more of each series, got ${wrong ? `[${wrong.values.join(', ')}]` : 'none'}.`,
    );
  }
  const top = 48 + 16 * Math.ceil(series.length / 3);
  const rowHeight = series.length * barHeight + 8;
  const inner = width - nameWidth - right;
  const most = largest(series.flatMap(({ values }) => [...values])) || 1;
  const length = (value: number) => (value / most) * inner;
  const bottom = top + groups.length * rowHeight;
  const parts = [heading(14, 24, `${title}, ${unit}`)];
  series.forEach(({ name }, index) => {
    const [x, y] = [nameWidth + (index % 3) * 170, 44 + 16 * Math.floor(index / 3)];
    const swatch = element('rect', { x, y: y - 9, width: 10, height: 10, fill: 'currentColor' });
    parts.push(element('g', { class: seriesClass(index) }, swatch + label(x + 15, y, name)));
  });
  for (const tick of ticks(0, most)) {
    const x = nameWidth + length(tick);
    const d = `M${px(x)} ${top}V${bottom}`;
    parts.push(element('path', { class: 'grid', stroke: 'currentColor', d }));
    parts.push(label(x, bottom + 16, String(Number(tick.toPrecision(6))), { class: 'quiet', 'text-anchor': 'middle' }));
  }
  groups.forEach((group, row) => {
    const y = top + row * rowHeight + 4;
    parts.push(label(nameWidth - 8, y + (series.length * barHeight) / 2 + 4, group, { 'text-anchor': 'end' }));
    series.forEach(({ values }, index) => {
      const bar = { x: nameWidth, y: y + index * barHeight, width: length(values[row]), height: barHeight - 1 };
      parts.push(element('rect', { class: seriesClass(index), fill: 'currentColor', ...bar }));
      const at = [bar.x + bar.width + 4, bar.y + barHeight - 2] as const;
      parts.push(label(...at, values[row].toFixed(1), { class: 'quiet', 'font-size': 9 }));
    });
  });
  return { width, height: bottom + 28, body: parts.join('\n') };
}
