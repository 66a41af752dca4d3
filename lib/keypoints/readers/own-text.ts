import { PoseError } from '../../base/pose-error.js';
import type { FoundTrack } from '../people/assemble-track.js';
import type { FoundDetection, RawDetections } from '../settle-detections.js';
import { isBlank } from './json/frame-fields.js';
import { type JsonRecord, numberField, shown, wrongValue } from './json/json-value.js';
import { CsvFrames } from './tables/csv-frames.js';
import { cellNumber, checkWidth, linesOf } from './tables/csv-table.js';

/** What this project calls its JSON files: 2D alone, and lifted poses with the 2D that they came from. */
export const keypointsFormat = 'pstmo-keypoints';
export const posesFormat = 'pstmo-poses';

/**
 * This project's JSON: `{"format": "pstmo-keypoints", "version": 1, "keypointLayout": "coco-17", "size": [1920, 1080],
 * "fps": 50, "frames": ["0.jpg", ...], "keypoints": [[[x, y, confidence], ...], ...]}`; `size`, `fps`, `frames` and the
 * confidences may be left out, and an unknown point is null. A file of lifted poses has the same fields.
 */
export function readOwnJson(where: string, file: JsonRecord): FoundTrack {
  const { keypoints, frames: names, size } = file;
  if (file.version !== 1) throw wrongValue(`${where}: version`, '1', file.version);
  if (!Array.isArray(keypoints) || keypoints.length === 0)
    throw wrongValue(`${where}: keypoints`, 'a list of frames', keypoints);
  const seen = keypoints.findIndex((row) => !isBlank(row));
  const joints = Array.isArray(keypoints[seen]) ? keypoints[seen].length : 0;
  if (joints === 0) throw wrongValue(`${where}: keypoints[${Math.max(0, seen)}]`, 'a list of joints', keypoints[seen]);
  const points = new Float32Array(keypoints.length * joints * 2).fill(Number.NaN);
  const confidence = new Float32Array(keypoints.length * joints);
  for (const [frame, row] of keypoints.entries()) {
    if (isBlank(row)) continue;
    if (!Array.isArray(row) || row.length !== joints) {
      throw wrongValue(`${where}: keypoints[${frame}]`, `a list of ${joints} joints`, row);
    }
    for (const [joint, point] of row.entries()) {
      if (isBlank(point)) continue;
      const right = Array.isArray(point) && (point.length === 2 || point.length === 3);
      if (!right || point.some((value: unknown) => typeof value !== 'number' && value !== null)) {
        throw wrongValue(`${where}: keypoints[${frame}][${joint}]`, '[x, y], [x, y, confidence] or null', point);
      }
      if (point.includes(null)) continue;
      points.set([point[0], point[1]], (frame * joints + joint) * 2);
      confidence[frame * joints + joint] = point[2] ?? 1;
    }
  }
  const found: FoundTrack = { keypoints: points, confidence, frames: keypoints.length, joints, people: 1, notices: [] };
  if (file.keypointLayout !== undefined) {
    if (typeof file.keypointLayout !== 'string')
      throw wrongValue(`${where}: keypointLayout`, 'a name', file.keypointLayout);
    found.layout = file.keypointLayout;
  }
  if (size !== undefined && size !== null) {
    if (!Array.isArray(size) || size.length !== 2 || size.some((value) => typeof value !== 'number')) {
      throw wrongValue(`${where}: size`, '[width, height]', size);
    }
    [found.width, found.height] = size as number[];
  }
  if (file.fps !== undefined && file.fps !== null && typeof file.fps !== 'number') {
    throw wrongValue(`${where}: fps`, 'a number', file.fps);
  }
  found.fps = numberField(file, 'fps');
  if (typeof file.person === 'string') found.id = file.person;
  if (Array.isArray(file.filled) && file.filled.length === keypoints.length) found.filled = file.filled.map(Number);
  if (names !== undefined) {
    if (!Array.isArray(names) || names.length !== keypoints.length) {
      throw wrongValue(`${where}: frames`, `a list of ${keypoints.length} names`, names);
    }
    const bad = names.findIndex((name) => typeof name !== 'string' && typeof name !== 'number');
    if (bad >= 0) throw wrongValue(`${where}: frames[${bad}]`, 'a name or a number', names[bad]);
    found.frameIds = names.map(String);
  }
  return found;
}

/**
 * This project's CSV: a header with `frame` and, for every joint of a layout, `<joint>_x_px`, `<joint>_y_px` and
 * (optionally) `<joint>_confidence`, in any order; a row a frame, an empty cell where a point is unknown. The joints'
 * names say the layout; other columns are passed over.
 */
export function readKeypointCsv(where: string, text: string): RawDetections {
  const lines = linesOf(text);
  const header = lines[0].cells;
  const column = new Map(header.map((name, index) => [name, index]));
  const names = header.filter((name) => name.endsWith('_x_px')).map((name) => name.slice(0, -'_x_px'.length));
  if (names.length === 0 || !column.has('frame') || column.size !== header.length) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: line 1: expected distinct columns frame, <joint>_x_px, <joint>_y_px, got ${shown(header.join(','))}.`,
    );
  }
  const columns = names.map((name) => {
    const y = column.get(`${name}_y_px`);
    if (y === undefined)
      throw new PoseError('ERR_FORMAT', `${where}: line 1: expected a column ${name}_y_px beside ${name}_x_px.`);
    return { x: column.get(`${name}_x_px`)!, y, confidence: column.get(`${name}_confidence`) };
  });
  const frames = new CsvFrames(where, header, { frame: column.get('frame')!, time: -1, person: -1 });
  const detections: FoundDetection[] = [];
  for (const line of lines.slice(1)) {
    checkWidth(where, line, header.length);
    const number = (at: number, empty: number) =>
      cellNumber(`${where}: line ${line.number}: ${header[at]}`, line.cells[at], empty);
    const { image, again } = frames.imageOf(line);
    if (again) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${line.number}: expected one row a frame, got frame ${frames.nameOf(line)} again.`,
      );
    }
    const triples = columns.flatMap(({ x, y, confidence }) => [
      number(x, Number.NaN),
      number(y, Number.NaN),
      confidence === undefined ? 1 : number(confidence, Number.NaN),
    ]);
    detections.push({ image, triples });
  }
  return { ...frames.images(), detections, jointNames: names, notices: [] };
}
