import { PoseError } from '../../base/pose-error.js';
import type { Detection, FoundDetections } from '../detections.js';
import { cellNumber, cellsOf, linesOf } from './csv-table.js';
import { shown } from './json-value.js';

const axes = new Map([
  ['x', 0],
  ['y', 1],
  ...['c', 'conf', 'confidence', 'score', 'likelihood', 'visibility', 'v', 'p'].map((name) => [name, 2] as const),
]);
const frameNames = ['frame', 'frame_id', 'image', 'image_id', 'time', 'timestamp', ''];
const personNames = ['person', 'person_id', 'id', 'track', 'track_id'];

interface Columns {
  joints: string[];
  /** Columns of x, y and confidence of each joint; -1 where there is none. */
  places: number[][];
  frame: number;
  person: number;
}

/**
 * A plain CSV, a row a frame (or a person in a frame): under a header with `<joint>_x`, `<joint>_y` and (optionally)
 * `<joint>_c` (or conf, confidence, score, likelihood, visibility), or x0, y0, c0, x1, ...; beside them `frame` and
 * `person` (or id, track_id), other columns are passed over. Without a header: x, y of each joint, or x, y, confidence
 * where the number of columns divides by three and not by two or `joints` says so; no other columns. Throws `ERR_FORMAT`.
 */
export function readPlainCsv(where: string, text: string, joints: number | undefined): FoundDetections {
  const lines = linesOf(text);
  if (lines.length === 0) throw new PoseError('ERR_FORMAT', `${where}: expected rows, got none.`);
  const named = headed(lines[0].cells);
  const columns = named ? namedColumns(where, lines[0].cells) : countedColumns(where, lines[0].cells.length, joints);
  const width = lines[0].cells.length;
  const images = new Map<string, number>();
  const detections: Detection[] = [];
  for (const { cells, number } of lines.slice(named ? 1 : 0)) {
    if (cells.length !== width) {
      throw new PoseError('ERR_FORMAT', `${where}: line ${number}: expected ${width} cells, got ${cells.length}.`);
    }
    const value = (column: number, empty: number) =>
      column < 0 ? empty : cellNumber(`${where}: line ${number}: column ${column + 1}`, cells[column], empty);
    const id = columns.frame < 0 ? String(images.size) : cells[columns.frame];
    if (!images.has(id)) images.set(id, images.size);
    else if (columns.person < 0) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${number}: expected one row a frame, got frame ${shown(id)} again.`,
      );
    }
    const triples = columns.places.flatMap(([x, y, sure]) => {
      const point = [value(x, Number.NaN), value(y, Number.NaN)];
      return [...point, Number.isFinite(point[0]) ? value(sure, sure < 0 ? 1 : 0) : 0];
    });
    if (triples.every((coordinate, at) => at % 3 === 2 || Number.isNaN(coordinate))) continue;
    const detection: Detection = { image: images.get(id)!, triples, score: 1 };
    if (columns.person >= 0) detection.track = cells[columns.person];
    detections.push(detection);
  }
  const numbered = columns.joints.every((name) => /^\d+$/.test(name));
  const found: FoundDetections = { images: [...images.keys()], detections, notices: [] };
  return numbered ? found : { ...found, jointNames: columns.joints };
}

/** Whether a first line may be one of {@link readPlainCsv}: a header with x columns, or nothing but numbers. */
export function isPlainCsv(line: string): boolean {
  const cells = cellsOf(line);
  return cells.length > 3 && (!headed(cells) || cells.some((cell) => /^x_?\d+$|.[_. ]x$/i.test(cell)));
}

/** Whether a first line is a header: some cell is no number. */
function headed(cells: readonly string[]): boolean {
  return cells.some((cell) => cell !== '' && Number.isNaN(Number(cell)) && !/^nan$/i.test(cell));
}

function namedColumns(where: string, cells: readonly string[]): Columns {
  const places = new Map<string, number[]>();
  for (const [column, cell] of cells.entries()) {
    const numbered = /^([A-Za-z]+)_?(\d+)$/.exec(cell);
    const [joint, axis] = numbered ? [numbered[2], numbered[1]] : splitName(cell);
    const index = axes.get(axis.toLowerCase());
    if (joint === '' || index === undefined) continue;
    const place = places.get(joint) ?? [-1, -1, -1];
    if (place[index] >= 0) throw new PoseError('ERR_FORMAT', `${where}: line 1: expected one column ${shown(cell)}.`);
    place[index] = column;
    places.set(joint, place);
  }
  const joints = [...places].filter(([, [x, y]]) => x >= 0 && y >= 0);
  if (joints.length === 0) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: line 1: expected columns <joint>_x and <joint>_y, or x0, y0, ..., got ${shown(cells.join(','))}.`,
    );
  }
  const lower = cells.map((cell) => cell.toLowerCase());
  return {
    joints: joints.map(([name]) => name),
    places: joints.map(([, place]) => place),
    frame: lower.findIndex((cell) => frameNames.includes(cell)),
    person: lower.findIndex((cell) => personNames.includes(cell)),
  };
}

/** "left_hip_x" as "left_hip" and "x"; empty where nothing parts the two. */
function splitName(cell: string): [string, string] {
  const at = Math.max(cell.lastIndexOf('_'), cell.lastIndexOf('.'), cell.lastIndexOf(' '));
  return at > 0 ? [cell.slice(0, at), cell.slice(at + 1)] : ['', ''];
}

function countedColumns(where: string, width: number, joints: number | undefined): Columns {
  const fitting = [2, 3].filter(
    (channels) => width % channels === 0 && width / channels === (joints ?? width / channels),
  );
  if (fitting.length !== 1) {
    throw new PoseError(
      'ERR_FORMAT',
      fitting.length === 0
        ? `${where}: expected 2 or 3 columns a joint${joints === undefined ? '' : ` of ${joints}`}, got ${width} columns.`
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
    frame: -1,
    person: -1,
  };
}
