import { PoseError } from '../../base/pose-error.js';
import type { Detection, FoundDetections } from '../detections.js';
import { cellNumber, linesOf } from './csv-table.js';
import { shown } from './json-value.js';

/** Whether a text starts as DeepLabCut's CSV does. */
export function isDeepLabCut(head: string): boolean {
  return /^\W*scorer,/.test(head);
}

/** The rows of names on top of the table. */
interface Header {
  individuals: string[] | undefined;
  bodyparts: string[];
  coords: string[];
  rows: number;
}

/**
 * DeepLabCut's CSV: rows `scorer`, `individuals` (of several animals or people), `bodyparts` and `coords` (x, y,
 * likelihood) of names, then a row a frame, its number or image first; pixels, empty where a part was not found. The
 * parts have the user's names, so that a layout of the user's own tells what they are. Throws `ERR_FORMAT`.
 */
export function readDeepLabCut(where: string, text: string): FoundDetections {
  const lines = linesOf(text);
  const { individuals, bodyparts, coords, rows } = headerOf(where, lines);
  const joints = [...new Set(bodyparts)];
  const people = [...new Set(individuals ?? ['0'])];
  // For each person and joint: the columns of x, y and likelihood.
  const columns = people.map(() => joints.map(() => [-1, -1, -1]));
  for (const [column, part] of bodyparts.entries()) {
    const axis = ['x', 'y', 'likelihood'].indexOf(coords[column]);
    if (axis < 0) continue;
    columns[individuals ? people.indexOf(individuals[column]) : 0][joints.indexOf(part)][axis] = column + 1;
  }
  const present = people.map((_, person) => columns[person].some(([x, y]) => x > 0 && y > 0));
  const images: string[] = [];
  const detections: Detection[] = [];
  for (const { cells, number } of lines.slice(rows)) {
    if (cells.length !== bodyparts.length + 1) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${number}: expected ${bodyparts.length + 1} cells, got ${cells.length}.`,
      );
    }
    const value = (column: number, empty: number) =>
      column < 0 ? empty : cellNumber(`${where}: line ${number}: column ${column + 1}`, cells[column], empty);
    for (const [person, name] of people.entries()) {
      if (!present[person]) continue;
      const triples = columns[person].flatMap(([x, y, likelihood]) => {
        const point = [value(x, Number.NaN), value(y, Number.NaN)];
        return [...point, Number.isFinite(point[0]) ? value(likelihood, likelihood < 0 ? 1 : 0) : 0];
      });
      if (triples.every((coordinate, at) => at % 3 === 2 || Number.isNaN(coordinate))) continue;
      detections.push({ image: images.length, track: name, triples, score: 1 });
    }
    images.push(cells[0]);
  }
  if (new Set(images).size !== images.length) {
    throw new PoseError('ERR_FORMAT', `${where}: expected one row a frame, got a frame twice.`);
  }
  return { images, detections, jointNames: joints, notices: [] };
}

function headerOf(where: string, lines: readonly { cells: string[]; number: number }[]): Header {
  const rows = new Map<string, string[]>();
  for (const { cells } of lines.slice(0, 4)) {
    if (!['scorer', 'individuals', 'bodyparts', 'coords'].includes(cells[0])) break;
    rows.set(cells[0], cells.slice(1));
  }
  const bodyparts = rows.get('bodyparts');
  const coords = rows.get('coords');
  if (!bodyparts || !coords || bodyparts.length === 0) {
    const got = [...rows.keys()].join(', ') || shown(lines[0]?.cells[0]);
    throw new PoseError('ERR_FORMAT', `${where}: expected rows scorer, bodyparts and coords on top, got ${got}.`);
  }
  const individuals = rows.get('individuals');
  for (const row of [coords, ...(individuals ? [individuals] : [])]) {
    if (row.length !== bodyparts.length) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: expected ${bodyparts.length} cells in each row on top, got ${row.length}.`,
      );
    }
  }
  return { individuals, bodyparts, coords, rows: rows.size };
}
