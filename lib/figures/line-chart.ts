import { checkArguments } from '../base/check-arguments.js';
import { largest, pushAll, smallest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { type Drawing, element, heading, label, placed, px, seriesColours } from './svg.js';

export interface ChartSeries {
  name: string;
  /** (x, y) in the order of x. */
  points: readonly (readonly [number, number])[];
  /** Dots at the points. */
  dots?: boolean;
  /** For a curve that may lie on another. */
  dashed?: boolean;
}

export interface LineChartOptions {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly ChartSeries[];
  /** The y axis is logarithmic; else it begins at 0. */
  logarithmic?: boolean;
  width?: number;
  height?: number;
}

const margin = { left: 62, right: 20, top: 40, bottom: 46 };

/** Curves over two axes. Throws `ERR_ARGUMENT` where there is no point, or one that the axes cannot show. */
export function lineChart(options: LineChartOptions): Drawing {
  checkArguments(
    'lineChart',
    { options },
    {
      ...{ title: 'text', xLabel: 'text', yLabel: 'text', series: 'list', logarithmic: 'boolean?' },
      ...{ width: 'number?', height: 'number?' },
    },
  );
  const { title, xLabel, yLabel, series, logarithmic = false, width = 640, height = 320 } = options;
  const points = series.flatMap((one) => one.points);
  const bad = points.find(([x, y]) => !(Number.isFinite(x) && Number.isFinite(y) && (logarithmic ? y > 0 : y >= 0)));
  if (points.length === 0 || bad) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${title}: expected points with ${logarithmic ? 'positive values' : 'values of 0 or more'}, got ${bad ? `(${bad.join(', ')})` : 'none'}.`,
    );
  }
  const xs = points.map(([x]) => x);
  const [left, right] = [smallest(xs), largest(xs)];
  const ys = points.map(([, y]) => y);
  const top = largest(ys) * 1.05 || 1;
  const low = logarithmic ? smallest(ys) / 1.1 : 0;
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const scale = logarithmic ? Math.log : (value: number) => value;
  const xAt = (x: number) => ((x - left) / (right - left || 1)) * inner.width;
  const yAt = (y: number) => inner.height * (1 - (scale(y) - scale(low)) / (scale(top) - scale(low)));
  const parts: string[] = [];
  for (const tick of logarithmic ? logarithmicTicks(low, top) : ticks(0, top)) {
    const y = yAt(tick);
    parts.push(
      element('path', { class: 'grid', stroke: 'currentColor', d: `M0 ${px(y)}H${inner.width}` }),
      label(-8, y + 4, number(tick), { class: 'quiet', 'text-anchor': 'end' }),
    );
  }
  for (const tick of ticks(left, right)) {
    parts.push(label(xAt(tick), inner.height + 18, number(tick), { class: 'quiet', 'text-anchor': 'middle' }));
  }
  const frame = { class: 'axis', fill: 'none', stroke: 'currentColor', d: `M0 0V${inner.height}H${inner.width}` };
  pushAll(parts, [element('path', frame), ...series.map((one, index) => curve(one, index, xAt, yAt))]);
  if (series.length > 1) {
    pushAll(
      parts,
      series.map(({ name }, index) => legendEntry(name, index, inner.width)),
    );
  }
  parts.push(label(inner.width / 2, inner.height + 38, xLabel, { 'text-anchor': 'middle' }));
  const body = [heading(14, 24, title), label(14, 38 - 2, yLabel, { class: 'quiet', 'font-size': 11 })];
  return { width, height, body: [...body, placed(margin.left, margin.top + 4, parts.join('\n'))].join('\n') };
}

function curve(
  { points, dots, dashed }: ChartSeries,
  index: number,
  xAt: (x: number) => number,
  yAt: (y: number) => number,
): string {
  const line = points.map(([x, y]) => `${px(xAt(x))} ${px(yAt(y))}`).join('L');
  const d = points.length > 0 ? `M${line}` : '';
  const pen = { stroke: 'currentColor', 'stroke-width': 1.6, ...(dashed && { 'stroke-dasharray': '6 5' }) };
  const path = element('path', { fill: 'none', ...pen, d });
  const marks = points.map(([x, y]) => element('circle', { cx: xAt(x), cy: yAt(y), r: 3, fill: 'currentColor' }));
  return element('g', { class: seriesClass(index) }, dots ? [path, ...marks].join('') : path);
}

function legendEntry(name: string, index: number, right: number): string {
  // Beside the title, where no curve runs.
  const y = 16 * index - 22;
  const swatch = element('rect', { x: right - 12, y: y - 9, width: 10, height: 10, fill: 'currentColor' });
  return element('g', { class: seriesClass(index) }, swatch + label(right - 18, y, name, { 'text-anchor': 'end' }));
}

/** The colour of the series with this number; they come again after the last. */
export function seriesClass(index: number): string {
  return `series${index % seriesColours}`;
}

/** Round numbers from `low` to `high`, about six. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low || 1) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((digit) => digit * power).find((one) => one >= rough) ?? 10 * power;
  const all: number[] = [];
  for (let count = Math.ceil(low / step); count * step <= high * (1 + 1e-9); count++) all.push(count * step);
  return all;
}

/** 1, 2 and 5 times powers of ten. */
function logarithmicTicks(low: number, high: number): number[] {
  const all: number[] = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    pushAll(
      all,
      [1, 2, 5].map((digit) => digit * 10 ** power),
    );
  }
  return all.filter((one) => one >= low && one <= high);
}

/** A number as people write it: "0.05", "20,000". */
function number(value: number): string {
  return Number(value.toPrecision(6)).toLocaleString('en', { maximumSignificantDigits: 6 });
}
