import { checkArguments } from '../../base/check-arguments.js';
import { GrowingFloats } from '../../base/growing-floats.js';
import { PoseError } from '../../base/pose-error.js';
import { columnName, layoutOfJointNames } from '../../keypoints/layout.js';
import { type CsvLine, CsvTable, cellNumber } from '../../keypoints/readers/tables/csv-table.js';

/** Poses of a CSV: (T, J, 3) metres in the file's axes, in the order of the layout's joints. */
export interface CsvPoses {
  positions: Float32Array;
  layout: string;
  /** Frame of the video, from 0, that is the first row's: the first number in `frame`. */
  start: number;
  fps?: number;
}

const ending = '_x_m';

/**
 * Reads what `posesToCsv` writes: columns `<joint>_x_m`, `<joint>_y_m`, `<joint>_z_m` in any order, whose names say the layout;
 * `time_s`, where it is filled, says the frame rate. Throws `ERR_FORMAT` with line and column.
 */
export function parsePosesCsv(text: string | Iterable<string>, where: string): CsvPoses {
  checkArguments('parsePosesCsv', { text, where }, 'list|object|text', 'text');
  const table = new CsvTable(text);
  const [head, first] = table.head(2);
  const columns = new Map((head?.cells ?? []).map((name, index) => [name, index]));
  const joints = [...columns.keys()]
    .filter((name) => name.endsWith(ending))
    .map((name) => name.slice(0, -ending.length));
  const layout = layoutOfJointNames(joints);
  if (!layout || first === undefined) {
    const got = joints.length > 0 ? joints.slice(0, 20).join(', ') : 'no such column';
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: line 1: expected columns <joint>${ending} of a known layout and a row a frame, got ${got}.`,
    );
  }
  const wanted = layout.joints.flatMap((joint) => ['x', 'y', 'z'].map((axis) => `${columnName(joint)}_${axis}_m`));
  const missing = wanted.find((name) => !columns.has(name));
  if (missing) throw new PoseError('ERR_FORMAT', `${where}: line 1: expected a column ${missing}, got none.`);
  const places = wanted.map((name) => columns.get(name)!);
  const positions = new GrowingFloats();
  let rows = 0;
  let last = first;
  for (const line of table.after(1)) {
    const { cells, number } = line;
    if (cells.length !== columns.size) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${number}: expected ${columns.size} cells, got ${cells.length}.`,
      );
    }
    for (const [index, column] of places.entries()) {
      const value = cellNumber(() => `${where}: line ${number}: ${wanted[index]}`, cells[column], Number.NaN);
      if (!Number.isFinite(value)) {
        throw new PoseError('ERR_FORMAT', `${where}: line ${number}: ${wanted[index]}: expected a number, got none.`);
      }
      positions.push(value);
    }
    rows++;
    last = line;
  }
  const at = (name: string, { cells }: CsvLine) => {
    const column = columns.get(name);
    return column === undefined ? Number.NaN : Number(cells[column] || 'none');
  };
  const fps = (rows - 1) / (at('time_s', last) - at('time_s', first));
  const start = at('frame', first);
  return {
    ...{ positions: positions.taken(), layout: layout.name, start: Number.isInteger(start) && start > 0 ? start : 0 },
    ...(fps > 0 && Number.isFinite(fps) && { fps: Number(fps.toFixed(3)) }),
  };
}
