import { PoseError } from '../../../base/pose-error.js';
import type { FoundDetection, RawDetections } from '../../settle-detections.js';
import { type JointColumns, jointColumns, namesJoints } from './csv-columns.js';
import { CsvFrames, rowColumns } from './csv-frames.js';
import { type CsvLine, cellNumber, cellsOf, checkWidth, linesOf } from './csv-table.js';
import { isLongHeader, readLongCsv } from './long-csv.js';

const scoreNames = ['instancescore', 'personscore', 'bboxscore', 'boxscore', 'detectionscore', 'score'];

/**
 * A plain CSV, parted by commas, semicolons or tabs, a row a frame (or a person in a frame): under a header with
 * `<joint>_x`, `<joint>_y` and (optionally) `<joint>_c` (or conf, confidence, score, likelihood, visibility), or x0, y0,
 * c0, x1, ...; beside them a frame or time and a person or track, other columns are passed over. A row a joint where
 * columns are `joint`, `x` and `y`. Without a header: x, y of each joint, or x, y, confidence where the number of columns
 * divides by three and not by two or `joints` says so; no other columns. Throws `ERR_FORMAT`.
 */
export function readPlainCsv(where: string, text: string, joints: number | undefined): RawDetections {
  const lines = linesOf(text);
  if (lines.length === 0) throw new PoseError('ERR_FORMAT', `${where}: expected rows, got none.`);
  const header = lines[0].cells;
  if (!headed(header)) return readRows(where, header, lines, countedColumns(where, header.length, joints));
  if (isLongHeader(header)) return readLongCsv(where, lines);
  return readRows(where, header, lines.slice(1), jointColumns(where, header));
}

function readRows(
  where: string,
  header: readonly string[],
  lines: readonly CsvLine[],
  { joints, places }: JointColumns,
): RawDetections {
  const named = headed(header);
  const taken = new Set(named ? places.flat() : header.keys());
  const columns = rowColumns(header, taken);
  const score = header.findIndex((name, column) => !taken.has(column) && scoreNames.includes(plainName(name)));
  const frames = new CsvFrames(where, header, columns);
  const detections: FoundDetection[] = [];
  for (const line of lines) {
    checkWidth(where, line, header.length);
    const { image, again } = frames.imageOf(line);
    if (again && columns.person < 0) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${line.number}: expected one row a frame, got frame ${frames.nameOf(line)} again and no column that tells people apart.`,
      );
    }
    const value = (column: number, empty: number) =>
      column < 0 ? empty : cellNumber(`${where}: line ${line.number}: column ${column + 1}`, line.cells[column], empty);
    const triples = places.flatMap(([x, y, sure]) => {
      return [value(x, Number.NaN), value(y, Number.NaN), value(sure, sure < 0 ? 1 : Number.NaN)];
    });
    const own = named && score >= 0 ? value(score, Number.NaN) : Number.NaN;
    detections.push({ image, triples, track: frames.trackOf(line), score: Number.isFinite(own) ? own : undefined });
  }
  const numbered = joints.every((name) => /^\d+$/.test(name));
  const found: RawDetections = { ...frames.images(), detections, notices: [] };
  return numbered ? found : { ...found, jointNames: joints };
}

/** Whether a first line may be one of {@link readPlainCsv}: a header with x columns, or nothing but numbers. */
export function isPlainCsv(line: string): boolean {
  const cells = cellsOf(line);
  if (cells.length <= 3) return false;
  return !headed(cells) || isLongHeader(cells) || namesJoints(cells);
}

/** Whether a first line is a header: some cell is no number. */
function headed(cells: readonly string[]): boolean {
  return cells.some((cell) => cell !== '' && Number.isNaN(Number(cell)) && !/^nan$/i.test(cell));
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function countedColumns(where: string, width: number, joints: number | undefined): JointColumns {
  const fitting = [2, 3].filter(
    (channels) => width % channels === 0 && width / channels === (joints ?? width / channels),
  );
  if (fitting.length !== 1) {
    throw new PoseError(
      'ERR_FORMAT',
      fitting.length === 0
        ? `${where}: expected 2 or 3 columns a joint${joints === undefined ? '' : ` of ${joints}`}, got ${width} columns without names: a first line names them, as frame, person, nose_x, nose_y, nose_c, ...`
        : `${where}: ${width} columns may be ${width / 2} joints of x, y or ${width / 3} of x, y, confidence: give the option layout.`,
    );
  }
  const [channels] = fitting;
  const count = width / channels;
  return {
    joints: Array.from({ length: count }, (_, joint) => String(joint)),
    places: Array.from({ length: count }, (_, joint) =>
      [0, 1, 2].map((axis) => (axis < channels ? joint * channels + axis : -1)),
    ),
  };
}
