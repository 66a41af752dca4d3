import { PoseError } from '../../../base/pose-error.js';
import { DetectionTable } from '../../detection-table.js';
import type { FoundDetections } from '../../detections.js';
import { shown } from '../json/json-value.js';
import { CsvFrames } from './csv-frames.js';
import { CsvTable, cellNumber, checkWidth } from './csv-table.js';

/** Whether a text starts as DeepLabCut's CSV does. */
export function isDeepLabCut(head: string): boolean {
  return /^\W*scorer\W*[,;\t]/.test(head);
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
export function readDeepLabCut(where: string, text: string | Iterable<string>): FoundDetections {
  const table = new CsvTable(text);
  const { individuals, bodyparts, coords, rows } = headerOf(where, table.head(4));
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
  const frames = new CsvFrames(where, ['frame'], { frame: 0, time: -1, person: -1 });
  const detections = new DetectionTable();
  const triples = new Float64Array(joints.length * 3);
  for (const line of table.after(rows)) {
    checkWidth(where, line, bodyparts.length + 1);
    const { image, again } = frames.imageOf(line);
    if (again) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${line.number}: expected one row a frame, got frame ${frames.nameOf(line)} again.`,
      );
    }
    for (const [person, track] of people.entries()) {
      if (!present[person]) continue;
      let somewhere = false;
      for (const [joint, own] of columns[person].entries()) {
        for (const axis of [0, 1, 2]) {
          const column = own[axis];
          const place = () => `${where}: line ${line.number}: column ${column + 1}`;
          const value = column >= 0 ? cellNumber(place, line.cells[column], Number.NaN) : axis === 2 ? 1 : Number.NaN;
          triples[joint * 3 + axis] = value;
          if (axis < 2 && Number.isFinite(value)) somewhere = true;
        }
      }
      // Tracks of who is nowhere in a frame are empty there, which is no detection lost.
      if (somewhere) detections.push({ image, track, triples });
    }
  }
  return { ...frames.images(), detections, jointNames: joints, notices: [] };
}

function headerOf(where: string, lines: readonly { cells: string[]; number: number }[]): Header {
  const rows = new Map<string, string[]>();
  for (const { cells } of lines) {
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
