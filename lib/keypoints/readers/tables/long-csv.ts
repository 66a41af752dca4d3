import { PoseError } from '../../../base/pose-error.js';
import { DetectionTable } from '../../detection-table.js';
import type { FoundDetections } from '../../detections.js';
import { shown } from '../json/json-value.js';
import { axisOf } from './csv-columns.js';
import { CsvFrames, rowColumns } from './csv-frames.js';
import { type CsvTable, cellNumber, checkWidth } from './csv-table.js';

/** Names of the column that names a row's joint, without capitals and signs, the likeliest first. */
const jointNames = [
  ...[
    'joint',
    'jointname',
    'keypoint',
    'keypointname',
    'landmark',
    'landmarkname',
    'bodypart',
    'part',
    'node',
    'marker',
  ],
  ...['point', 'pointname', 'jointid', 'jointidx', 'jointindex', 'keypointid', 'keypointidx', 'keypointindex', 'kpt'],
  ...['kptid', 'kpid', 'landmarkid', 'landmarkidx', 'landmarkindex', 'pointid', 'label', 'name', 'index'],
];

/** Stands for the confidence of a joint of which there was no row yet: no cell's number. */
const noRow = Number.NEGATIVE_INFINITY;

/** Columns of a row a joint. */
interface LongColumns {
  joint: number;
  x: number;
  y: number;
  sure: number;
}

/** Whether a header is of a table with a row a joint. */
export function isLongHeader(header: readonly string[]): boolean {
  return columnsIn(header) !== undefined;
}

function columnsIn(header: readonly string[]): LongColumns | undefined {
  const plain = header.map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, ''));
  const joint = jointNames.map((name) => plain.indexOf(name)).find((column) => column >= 0);
  const [x, y, sure] = [0, 1, 2].map((axis) => header.findIndex((name) => axisOf(name) === axis));
  return joint === undefined || x < 0 || y < 0 ? undefined : { joint, x, y, sure };
}

/** A table with a row a joint: columns for the joint's name or number, x, y, a confidence, the frame and the person. */
export function readLongCsv(where: string, table: CsvTable): FoundDetections {
  const header = table.head(1)[0].cells;
  const columns = columnsIn(header)!;
  const placing = rowColumns(header, new Set(Object.values(columns)));
  if (placing.frame < 0 && placing.time < 0) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: line 1: expected a column frame or time beside ${header[columns.joint]}, got ${header.slice(0, 12).join(', ')}.`,
    );
  }
  const frames = new CsvFrames(where, header, placing);
  const joints = new Map<string, number>();
  const people = new Map<string, number>();
  const detections = new DetectionTable();
  for (const line of table.after(1)) {
    checkWidth(where, line, header.length);
    const { cells, number } = line;
    const place = `${where}: line ${number}`;
    const name = cells[columns.joint];
    if (name === '') throw new PoseError('ERR_FORMAT', `${place}: ${header[columns.joint]}: expected a joint, got "".`);
    const { image } = frames.imageOf(line);
    const track = frames.trackOf(line);
    const joint = joints.get(name) ?? joints.size;
    joints.set(name, joint);
    if ((joint + 1) * 3 > detections.width) widen(detections, roomFor(joint));
    const key = `${image} ${track}`;
    const person = people.get(key) ?? detections.length;
    if (person === detections.length) {
      people.set(key, person);
      detections.push({
        image,
        track,
        triples: new Float64Array(Math.max(detections.width, 3 * roomFor(joint))).fill(noRow),
      });
    }
    const point = detections.triples(person).subarray(joint * 3, joint * 3 + 3);
    if (point[2] !== noRow) {
      throw new PoseError(
        'ERR_FORMAT',
        `${place}: expected each joint once a person and frame, got ${shown(name)} of frame ${frames.nameOf(line)} again.`,
      );
    }
    for (const [axis, column] of [columns.x, columns.y, columns.sure].entries()) {
      point[axis] = column < 0 ? 1 : cellNumber(() => `${place}: ${header[column]}`, cells[column], Number.NaN);
    }
    if (point[2] === noRow) point[2] = Number.NaN;
  }
  const names = [...joints.keys()];
  const numbered = names.every((name) => /^\d+$/.test(name));
  if (numbered) names.sort((a, b) => Number(a) - Number(b));
  const places = names.map((name) => joints.get(name)!);
  detections.rewrite(names.length * 3, (points, triples) => {
    for (const [index, joint] of places.entries()) {
      const point = points.subarray(joint * 3, joint * 3 + 3);
      triples.set(point[2] === noRow ? [Number.NaN, Number.NaN, 0] : point, index * 3);
    }
  });
  const found: FoundDetections = { ...frames.images(), detections, notices: [] };
  return numbered ? found : { ...found, jointNames: names };
}

/** Makes room for more joints at people who are there. */
function widen(people: DetectionTable, joints: number): void {
  people.rewrite(joints * 3, (points, row) => {
    row.set(points);
    row.fill(noRow, points.length);
  });
}

/** Joints that a row has room for where it needs one's place: few more, for an hour's rows take their room many times. */
function roomFor(joint: number): number {
  return joint + 1 + (joint >> 3);
}
