// Far people beside near ones: the same views from where the person is 260 and 800 pixels tall, with pixel noise of equal size.
//   node bench/studies/distance.mjs <data set> [--model pstmo-s-27] [--split test] [--subjects 05,16,135] [--pixels 3] [--seed 1]
// The data set is one of `pstmo prepare mocap`. Each camera moves along its line of sight; it is 1920 pixels wide, 2200 in focal length.
import { basename } from 'node:path';
import { readDataset } from '../../dist/datasets/index.js';
import { evaluate } from '../../dist/index.js';
import { readFlags } from '../measure/flags.mjs';
import { markdownTable, writeResults } from '../report/report.mjs';

const flags = readFlags('node bench/studies/distance.mjs <data set>', {
  ...{ model: 'pstmo-s-27', split: 'test', subjects: '05,16,135', heights: [800, 260], pixels: 3, seed: 1 },
  ...{ threads: 0, name: 'distance', out: '' },
});
const [path] = flags.positionals;
if (path === undefined) {
  process.stderr.write('Name a data set of `pstmo prepare mocap`.\n');
  process.exit(2);
}

const IMAGE = { width: 1920, height: 1080, focal: 2200 };
/** What a person's height in pixels is worked out from, metres. */
const STATURE = 1.7;

const subjects = flags.subjects.split(',');
const dataset = await readDataset(path, { splits: [flags.split], subjects });

/** A sequence as seen from where the middle of the root's path is `distance` metres deep, on the same line of sight. */
function seenFrom(sequence, distance) {
  const { poses, root, frames } = sequence;
  const joints = poses.length / frames / 3;
  const middle = [0, 1, 2].map((axis) => {
    let sum = 0;
    for (let frame = 0; frame < frames; frame++) sum += root[3 * frame + axis];
    return sum / frames;
  });
  const shift = middle.map((value) => value * (distance / middle[2] - 1));
  const focal = (2 * IMAGE.focal) / IMAGE.width;
  const keypoints = new Float32Array(frames * joints * 2);
  for (let i = 0; i < frames * joints; i++) {
    const at = 3 * Math.floor(i / joints);
    const [x, y, z] = [0, 1, 2].map((axis) => poses[3 * i + axis] + root[at + axis] + shift[axis]);
    keypoints[2 * i] = (focal * x) / Math.max(z, 0.5);
    keypoints[2 * i + 1] = (focal * y) / Math.max(z, 0.5);
  }
  return { ...sequence, keypoints, width: IMAGE.width, height: IMAGE.height };
}

const noise = { kind: 'gaussian', sigma: flags.pixels, unit: 'pixels' };
const rows = [];
for (const height of flags.heights) {
  const distance = (IMAGE.focal * STATURE) / height;
  const seen = { ...dataset, sequences: dataset.sequences.map((sequence) => seenFrom(sequence, distance)) };
  const report = await evaluate({
    ...{ model: flags.model, dataset: seen, split: flags.split, noise, seed: flags.seed, baselines: false },
    threads: flags.threads,
  });
  for (const { name, methods } of report.conditions) {
    const { mpjpeMm, pMpjpeMm } = methods[0].overall;
    rows.push({ height, distance, condition: name, mpjpeMm, pMpjpeMm });
  }
}

const model = basename(flags.model);
const [near, far] = [Math.max(...flags.heights), Math.min(...flags.heights)].map((height) =>
  rows.findLast((row) => row.height === height),
);
const ratio = far.mpjpeMm / near.mpjpeMm;
const text = `# Far people and near ones

${model} on subjects ${subjects.join(', ')} (${flags.split} split), every frame, mirrored test. Each camera stands on its own line of sight, as far
away as makes a person of ${STATURE} m so many pixels tall in an image of ${IMAGE.width}x${IMAGE.height} (focal length ${IMAGE.focal} pixels). Noise: Gaussian, ${flags.pixels} pixels, seed ${flags.seed}.

${markdownTable(
  ['person, px', 'metres away', '2D', 'MPJPE, mm', 'P-MPJPE, mm'],
  rows.map((row) =>
    [row.height, row.distance.toFixed(1), row.condition, row.mpjpeMm.toFixed(1), row.pMpjpeMm.toFixed(1)].map(String),
  ),
)}

With noise, far people's MPJPE is **${ratio.toFixed(2)}** times that of near ones.`;
writeResults(
  flags.name,
  { model, split: flags.split, subjects, pixels: flags.pixels, seed: flags.seed, rows, ratio },
  text,
  {
    folder: flags.out,
  },
);
