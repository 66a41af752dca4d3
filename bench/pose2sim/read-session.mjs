import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillGaps } from '../../dist/keypoints/fill-gaps.js';

const JOINTS = 25;

/** The cameras of a Pose2Sim session: for each its name, image size and one person's keypoints (T, 25, 2) in pixels. */
export function readCameras(folder) {
  const calibration = readFileSync(join(folder, 'calib-2d', 'Calib_qca.toml'), 'utf8');
  const names = readdirSync(join(folder, 'pose-2d')).filter((name) => name.endsWith('_json'));
  return names.sort().map((name) => {
    const number = /\d+/.exec(name)[0];
    return {
      name: `camera ${number}`,
      ...imageSize(calibration, number),
      ...readPerson(join(folder, 'pose-2d', name)),
    };
  });
}

function imageSize(calibration, number) {
  const size = new RegExp(`^\\[cam_${number}\\]$[^[]*^size = \\[ *([\\d.]+), *([\\d.]+)\\]`, 'm').exec(calibration);
  if (!size) {
    throw new Error(`The calibration has no size of camera ${number}.`);
  }
  return { width: Number(size[1]), height: Number(size[2]) };
}

/** The largest person of each frame: the others stand far behind. Joints that were not found are filled in time. */
function readPerson(folder) {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();
  const keypoints = new Float32Array(files.length * JOINTS * 2).fill(Number.NaN);
  let crowd = 0;
  files.forEach((file, frame) => {
    const people = JSON.parse(readFileSync(join(folder, file), 'utf8')).people.map(
      (person) => person.pose_keypoints_2d,
    );
    crowd = Math.max(crowd, people.length);
    const triples = people.sort((a, b) => diagonal(b) - diagonal(a))[0] ?? [];
    for (let joint = 0; joint < triples.length / 3; joint++) {
      const [x, y, confidence] = triples.slice(3 * joint, 3 * joint + 3);
      if (confidence > 0) {
        keypoints.set([x, y], (frame * JOINTS + joint) * 2);
      }
    }
  });
  const { filledJoints } = fillGaps(keypoints, files.length, JOINTS);
  return { frames: files.length, keypoints, filledJoints, people: crowd };
}

/** Of the box about the points that were found, in pixels. */
function diagonal(triples) {
  const found = triples.map((_, i) => i).filter((i) => i % 3 === 0 && triples[i + 2] > 0);
  const span = (axis) => {
    const values = found.map((i) => triples[i + axis]);
    return Math.max(...values) - Math.min(...values);
  };
  return found.length > 0 ? Math.hypot(span(0), span(1)) : 0;
}

/**
 * Markers of a TRC file in metres: names, and (T, markers, 3). Its columns are Y, Z, X of the calibration's axes, which is put
 * right here (a rotation, so that similarity Procrustes would not have minded).
 */
export function readTrc(path) {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  const [rate, , count, markers, unit] = lines[2].split('\t');
  const names = lines[3].split('\t').slice(2).filter(Boolean);
  const rows = lines.slice(5).filter((line) => line.trim() !== '');
  if (unit !== 'm' || names.length !== Number(markers) || rows.length !== Number(count)) {
    throw new Error(`${path}: expected ${markers} markers of ${count} frames in metres.`);
  }
  const points = new Float32Array(rows.length * names.length * 3);
  rows.forEach((row, frame) => {
    const values = row.split('\t').slice(2).map(Number);
    for (let marker = 0; marker < names.length; marker++) {
      const [y, z, x] = values.slice(3 * marker, 3 * marker + 3);
      points.set([x, y, z], (frame * names.length + marker) * 3);
    }
  });
  return { fps: Number(rate), frames: rows.length, names, points };
}
