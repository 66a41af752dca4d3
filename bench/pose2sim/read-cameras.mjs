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
  const found = new Float32Array(files.length * JOINTS * 2).fill(Number.NaN);
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
        found.set([x, y], (frame * JOINTS + joint) * 2);
      }
    }
  });
  const { keypoints, filledJoints } = fillGaps(found, files.length, JOINTS);
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
