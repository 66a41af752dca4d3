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
export function parseTrc(text: string, where: string): MarkerMotion {
  // Some programs part with blanks, which is clear as long as every marker has a place in every frame.
  const parting = text.includes('\t') ? /\t/ : /\s+/;
  const lines = text
    .split(/\r?\n/)
    .map((line) => (parting.source === '\\t' ? line : line.trim()).split(parting).map((cell) => cell.trim()));
  const wrong = (line: number, expected: string, got: string) =>
    new PoseError(
      'ERR_FORMAT',
      `${where}: line ${line}: expected ${expected}, got ${JSON.stringify(got.slice(0, 40))}.`,
    );
  if (!lines[0][0].startsWith('PathFileType')) throw wrong(1, 'PathFileType', lines[0][0]);
  const named = new Map((lines[1] ?? []).map((name, index) => [name.toLowerCase(), lines[2]?.[index] ?? '']));
  const [units = '', rate = ''] = ['units', 'datarate'].map((name) => named.get(name));
  const unit = metresIn.get(units.toLowerCase());
  const fps = Number(rate);
  if (unit === undefined) throw wrong(3, 'Units of m, cm or mm', units);
  if (!(fps > 0 && Number.isFinite(fps))) throw wrong(3, 'a DataRate', rate);
  const markers = (lines[3] ?? []).slice(2).filter((name) => name !== '');
  const rows = lines.map((cells, index) => ({ cells, number: index + 1 })).slice(5);
  const filled = rows.filter(({ cells }) => cells.some((cell) => cell !== ''));
  if (markers.length === 0 || filled.length === 0) throw wrong(4, 'markers and a row a frame', String(markers.length));
  const width = 2 + 3 * markers.length;
  for (const { cells, number } of filled) {
    // A line may end with a tab, or have lost the tabs of markers at its end that were not seen.
    const closed = cells.length === width + 1 && cells[width] === '';
    const trimmed = cells.length > 1 && cells.length < width && (cells.length - 2) % 3 === 0;
    if (cells.length !== width && !closed && !trimmed) throw wrong(number, `${width} cells`, String(cells.length));
  }
  const positions = new Float32Array(filled.length * markers.length * 3);
  for (const [frame, { cells, number }] of filled.entries()) {
    for (let at = 0; at < markers.length * 3; at++) {
      const cell = cells[at + 2] ?? '';
      const value = cell === '' || /^nan$/i.test(cell) ? Number.NaN : Number(cell);
      if (Number.isNaN(value) && cell !== '' && !/^nan$/i.test(cell)) throw wrong(number, 'a number', cell);
      positions[frame * markers.length * 3 + at] = value * unit;
    }
  }
  const first = Number(filled[0].cells[0]);
  const start = Number.isInteger(first) && first > 1 ? first - 1 : 0;
  return { positions, frames: filled.length, markers, fps, start };
}
