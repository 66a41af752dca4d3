import { PoseError } from '../../base/pose-error.js';
import { DetectionTable } from '../detection-table.js';
import type { FoundDetections } from '../detections.js';
import type { FoundTrack } from '../people/assemble-track.js';
import { isBlank } from './json/frame-fields.js';
import { type JsonRecord, numberField, shown, wrongValue } from './json/json-value.js';
import { findItem, isList } from './json/long-value.js';
import { CsvFrames } from './tables/csv-frames.js';
import { CsvTable, cellNumber, checkWidth } from './tables/csv-table.js';

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
  if (!isList(keypoints) || keypoints.length === 0)
    throw wrongValue(`${where}: keypoints`, 'a list of frames', keypoints);
  const seen = findItem(keypoints, (row) => !isBlank(row));
  const joints = Array.isArray(seen?.item) ? seen.item.length : 0;
  if (joints === 0) throw wrongValue(`${where}: keypoints[${seen?.index ?? 0}]`, 'a list of joints', seen?.item);
  const points = new Float32Array(keypoints.length * joints * 2).fill(Number.NaN);
  const confidence = new Float32Array(keypoints.length * joints);
  let frame = -1;
  for (const row of keypoints) {
    frame++;
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
  if (isList(file.filled) && file.filled.length === keypoints.length) found.filled = Array.from(file.filled, Number);
  if (names !== undefined) {
    if (!isList(names) || names.length !== keypoints.length) {
      throw wrongValue(`${where}: frames`, `a list of ${keypoints.length} names`, names);
    }
    const bad = findItem(names, (name) => typeof name !== 'string' && typeof name !== 'number');
    if (bad) throw wrongValue(`${where}: frames[${bad.index}]`, 'a name or a number', bad.item);
    found.frameIds = Array.from(names, String);
  }
  return found;
}

/**
 * This project's CSV: a header with `frame` and, for every joint of a layout, `<joint>_x_px`, `<joint>_y_px` and
 * (optionally) `<joint>_confidence`, in any order; a row a frame, an empty cell where a point is unknown. The joints'
 * names say the layout; other columns are passed over.
 */
export function readKeypointCsv(where: string, text: string | Iterable<string>): FoundDetections {
  const table = new CsvTable(text);
  const header = table.head(1)[0].cells;
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
  const detections = new DetectionTable();
  const triples = new Float64Array(names.length * 3);
  for (const line of table.after(1)) {
    checkWidth(where, line, header.length);
    const { image, again } = frames.imageOf(line);
    if (again) {
      throw new PoseError(
        'ERR_FORMAT',
        `${where}: line ${line.number}: expected one row a frame, got frame ${frames.nameOf(line)} again.`,
      );
    }
    for (const [joint, { x, y, confidence }] of columns.entries()) {
      for (const [axis, at] of [x, y, confidence].entries()) {
        const place = () => `${where}: line ${line.number}: ${header[at!]}`;
        triples[joint * 3 + axis] = at === undefined ? 1 : cellNumber(place, line.cells[at], Number.NaN);
      }
    }
    detections.push({ image, triples });
  }
  return { ...frames.images(), detections, jointNames: names, notices: [] };
}
