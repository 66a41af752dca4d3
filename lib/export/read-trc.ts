import { checkArguments } from '../base/check-arguments.js';
import { GrowingFloats } from '../base/growing-floats.js';
import { PoseError } from '../base/pose-error.js';
import type { MarkerMotion } from './marker-motion.js';

const metresIn = new Map([
  ...['m', 'meter', 'meters', 'metre', 'metres'].map((name) => [name, 1] as const),
  ...['cm', 'centimeter', 'centimeters', 'centimetre', 'centimetres'].map((name) => [name, 0.01] as const),
  ...['mm', 'millimeter', 'millimeters', 'millimetre', 'millimetres'].map((name) => [name, 0.001] as const),
]);

/**
 * Reads a TRC file: five lines of header, then a row a frame of frame number, time and three numbers a marker, which stay in the file's
 * axes (OpenSim: y up). The first frame number, less 1, says when the markers start. A marker without a place is NaN. Throws `ERR_FORMAT` with the line.
 */
export function parseTrc(text: string | Iterable<string>, where: string): MarkerMotion {
  checkArguments('parseTrc', { text, where }, 'list|object|text', 'text');
  const lines = cellsIn(typeof text === 'string' ? text.split(/\r?\n/) : text);
  const wrong = (line: number, expected: string, got: string) =>
    new PoseError(
      'ERR_FORMAT',
      `${where}: line ${line}: expected ${expected}, got ${JSON.stringify(got.slice(0, 40))}.`,
    );
  const [type, names, values, markerNames] = Array.from({ length: 5 }, () => lines.next().value);
  if (!type?.[0].startsWith('PathFileType')) throw wrong(1, 'PathFileType', type?.[0] ?? '');
  const named = new Map((names ?? []).map((name, index) => [name.toLowerCase(), values?.[index] ?? '']));
  const [units = '', rate = ''] = ['units', 'datarate'].map((name) => named.get(name));
  const unit = metresIn.get(units.toLowerCase());
  const fps = Number(rate);
  if (unit === undefined) throw wrong(3, 'Units of m, cm or mm', units);
  if (!(fps > 0 && Number.isFinite(fps))) throw wrong(3, 'a DataRate', rate);
  const markers = (markerNames ?? []).slice(2).filter((name) => name !== '');
  const width = 2 + 3 * markers.length;
  const positions = new GrowingFloats();
  let frames = 0;
  let first = Number.NaN;
  let number = 5;
  for (const cells of lines) {
    number++;
    if (markers.length === 0 || cells.every((cell) => cell === '')) continue;
    // A line may end with a tab, or have lost the tabs of markers at its end that were not seen.
    const closed = cells.length === width + 1 && cells[width] === '';
    const trimmed = cells.length > 1 && cells.length < width && (cells.length - 2) % 3 === 0;
    if (cells.length !== width && !closed && !trimmed) throw wrong(number, `${width} cells`, String(cells.length));
    if (frames++ === 0) first = Number(cells[0]);
    for (let at = 2; at < width; at++) {
      const cell = cells[at] ?? '';
      const value = cell === '' || /^nan$/i.test(cell) ? Number.NaN : Number(cell);
      if (Number.isNaN(value) && cell !== '' && !/^nan$/i.test(cell)) throw wrong(number, 'a number', cell);
      positions.push(value * unit);
    }
  }
  if (frames === 0) throw wrong(4, 'markers and a row a frame', String(markers.length));
  const start = Number.isInteger(first) && first > 1 ? first - 1 : 0;
  return { positions: positions.taken(), frames, markers, fps, start };
}

/** The cells of each line: between tabs or, where the line of names has none, blanks, as some programs write them. */
function* cellsIn(lines: Iterable<string>): Generator<string[], undefined> {
  let number = 0;
  let blanks = false;
  for (const line of lines) {
    number++;
    if (number === 2) blanks = !line.includes('\t');
    yield blanks ? line.trim().split(/\s+/) : line.split('\t').map((cell) => cell.trim());
  }
}
