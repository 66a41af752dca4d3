import { checkArguments } from '../base/check-arguments.js';
import { largest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { type Drawing, element, label, px } from './svg.js';

/** Larger matrices are shown by the means of blocks of cells. */
const mostCells = 48;
const levels = 24;
/** From nothing to the most: dark blue, green, yellow. */
const ramp = [
  [29, 31, 78],
  [38, 130, 142],
  [246, 230, 103],
] as const;

export interface HeatMapOptions {
  title: string;
  size?: number;
}

/** A square matrix of values of 0 or more, row by row, as coloured cells; the most is the brightest. */
export function heatMap(values: Float32Array, rows: number, given: HeatMapOptions): Drawing {
  checkArguments('heatMap', { values, rows, given }, 'Float32Array', 'number', { title: 'text', size: 'number?' });
  const { title, size = 150 } = given;
  if (rows < 1 || values.length !== rows * rows) {
    throw new PoseError('ERR_ARGUMENT', `${title}: expected ${rows} x ${rows} values, got ${values.length}.`);
  }
  const cells = Math.min(rows, mostCells);
  const means = blockMeans(values, rows, cells);
  const most = largest(means) || 1;
  const side = size / cells;
  // Cells of a level that lie side by side make one stroke of that level's path.
  const paths = new Map<number, string[]>();
  for (let row = 0; row < cells; row++) {
    for (let first = 0; first < cells; ) {
      const level = levelOf(means[row * cells + first] / most);
      let end = first + 1;
      while (end < cells && levelOf(means[row * cells + end] / most) === level) end++;
      const run = `M${fine(first * side)} ${fine(row * side)}h${fine((end - first) * side)}v${fine(side)}h-${fine((end - first) * side)}z`;
      paths.set(level, [...(paths.get(level) ?? []), run]);
      first = end;
    }
  }
  const body = [...paths].map(([level, runs]) =>
    element('path', { fill: colourOf(level / (levels - 1)), 'shape-rendering': 'crispEdges', d: runs.join('') }),
  );
  const map = element('g', { transform: `translate(0 ${px(18)})` }, body.join('\n'));
  return { width: size, height: size + 18, body: `${label(0, 12, title, { 'font-size': 11 })}\n${map}` };
}

function levelOf(share: number): number {
  return Math.min(levels - 1, Math.floor(share * levels));
}

function colourOf(share: number): string {
  const at = Math.min(share, 0.9999) * (ramp.length - 1);
  const [from, to] = [ramp[Math.floor(at)], ramp[Math.floor(at) + 1]];
  const mix = from.map((value, channel) => Math.round(value + (at % 1) * (to[channel] - value)));
  return `rgb(${mix.join(',')})`;
}

function blockMeans(values: Float32Array, rows: number, cells: number): Float64Array {
  const sums = new Float64Array(cells * cells);
  const counts = new Float64Array(cells * cells);
  for (let at = 0; at < values.length; at++) {
    const [row, column] = [Math.floor(at / rows), at % rows];
    const cell = Math.floor((row * cells) / rows) * cells + Math.floor((column * cells) / rows);
    sums[cell] += values[at];
    counts[cell]++;
  }
  return sums.map((sum, cell) => sum / counts[cell]);
}

/** A coordinate with two decimals: cells are small. */
function fine(value: number): string {
  return String(Number(value.toFixed(2)));
}
