import { PoseError } from '../../../base/pose-error.js';
import { DetectionTable } from '../../detection-table.js';
import type { FoundDetections } from '../../detections.js';
import { type JointColumns, jointColumns, namesJoints } from './csv-columns.js';
import { CsvFrames, rowColumns } from './csv-frames.js';
import { type CsvLine, CsvTable, cellNumber, cellsOf, checkWidth } from './csv-table.js';
import { isLongHeader, readLongCsv } from './long-csv.js';

/**
 * A plain CSV, parted by commas, semicolons or tabs, a row a frame (or a person in a frame): under a header with
 * `<joint>_x`, `<joint>_y` and (optionally) `<joint>_c` (or conf, confidence, score, likelihood, visibility), or x0, y0,
 * c0, x1, ...; beside them a frame or time and a person or track, other columns are passed over. A row a joint where
 * columns are `joint`, `x` and `y`. Without a header: x, y of each joint, or x, y, confidence where the number of columns
 * divides by three and not by two or `joints` says so; no other columns. Throws `ERR_FORMAT`.
 */
export function readPlainCsv(
  where: string,
  text: string | Iterable<string>,
  joints: number | undefined,
): FoundDetections {
  const table = new CsvTable(text);
  const [first] = table.head(1);
  if (first === undefined) throw new PoseError('ERR_FORMAT', `${where}: expected rows, got none.`);
  const header = first.cells;
  if (!headed(header)) return readRows(where, header, table, countedColumns(where, header.length, joints));
  if (isLongHeader(header)) return readLongCsv(where, table);
  return readRows(where, header, table.after(1), jointColumns(where, header));
}

function readRows(
  where: string,
  header: readonly string[],
  lines: Iterable<CsvLine>,
  { joints, places }: JointColumns,
): FoundDetections {
  const named = headed(header);
  const taken = new Set(named ? places.flat() : header.keys());
  const columns = rowColumns(header, taken);
  const frames = new CsvFrames(where, header, columns);
  const detections = new DetectionTable();
  const triples = new Float64Array(joints.length * 3);
  for (const line of lines) {
    checkWidth(where, line, header.length);
    const { image, again } = frames.imageOf(line);
    if (again && columns.person < 0) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${line.number}: expected one row a frame, got frame ${frames.nameOf(line)} again and no column that tells people apart.`,
      );
    }
    for (const [joint, columns] of places.entries()) {
      for (const axis of [0, 1, 2]) {
        const column = columns[axis];
        const place = () => `${where}: line ${line.number}: column ${column + 1}`;
        triples[joint * 3 + axis] =
          column >= 0 ? cellNumber(place, line.cells[column], Number.NaN) : axis === 2 ? 1 : Number.NaN;
      }
    }
    detections.push({ image, triples, track: frames.trackOf(line) });
  }
  const numbered = joints.every((name) => /^\d+$/.test(name));
  const found: FoundDetections = { ...frames.images(), detections, notices: [] };
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
