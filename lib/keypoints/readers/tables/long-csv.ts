import { PoseError } from '../../../base/pose-error.js';
import type { FoundDetection, RawDetections } from '../../settle-detections.js';
import { shown } from '../json/json-value.js';
import { axisOf } from './csv-columns.js';
import { CsvFrames, rowColumns } from './csv-frames.js';
import { type CsvLine, cellNumber, checkWidth } from './csv-table.js';

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
export function readLongCsv(where: string, lines: readonly CsvLine[]): RawDetections {
  const header = lines[0].cells;
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
  const people = new Map<string, { image: number; track: string | undefined; points: Map<string, number[]> }>();
  for (const line of lines.slice(1)) {
    checkWidth(where, line, header.length);
    const { cells, number } = line;
    const place = `${where}: line ${number}`;
    const name = cells[columns.joint];
    if (name === '') throw new PoseError('ERR_FORMAT', `${place}: ${header[columns.joint]}: expected a joint, got "".`);
    const { image } = frames.imageOf(line);
    const track = frames.trackOf(line);
    const key = `${image} ${track}`;
    const person = people.get(key) ?? { image, track, points: new Map<string, number[]>() };
    people.set(key, person);
    if (person.points.has(name)) {
      throw new PoseError(
        'ERR_FORMAT',
        `${place}: expected each joint once a person and frame, got ${shown(name)} of frame ${frames.nameOf(line)} again.`,
      );
    }
    const value = (column: number, empty: number) =>
      column < 0 ? empty : cellNumber(`${place}: ${header[column]}`, cells[column], empty);
    person.points.set(name, [
      value(columns.x, Number.NaN),
      value(columns.y, Number.NaN),
      value(columns.sure, columns.sure < 0 ? 1 : Number.NaN),
    ]);
    if (!joints.has(name)) joints.set(name, joints.size);
  }
  const names = [...joints.keys()];
  const numbered = names.every((name) => /^\d+$/.test(name));
  if (numbered) names.sort((a, b) => Number(a) - Number(b));
  const detections: FoundDetection[] = [...people.values()].map(({ image, track, points }) => ({
    image,
    track,
    triples: names.flatMap((name) => points.get(name) ?? [Number.NaN, Number.NaN, 0]),
  }));
  const found: RawDetections = { ...frames.images(), detections, notices: [] };
  return numbered ? found : { ...found, jointNames: names };
}
