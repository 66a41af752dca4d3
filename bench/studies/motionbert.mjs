// The same detections lifted by us and by MotionBERT: how far the two results lie from each other.
//   node bench/studies/motionbert.mjs <folder> [--model pstmo-s-27] [--size 832x480] [--fps 30] [--name motionbert] [--out folder]
// The folder holds AlphaPose's `alphapose-results.json` (Halpe-26) and `X3D.npy` (T, 17, 3), what MotionBERT made of it.
import { basename, join } from 'node:path';
import { readNpy } from '../../dist/formats/index.js';
import { PoseLifter } from '../../dist/index.js';
import { readKeypoints } from '../../dist/keypoints/index.js';
import { jointErrorsMm, meanByJoint, pMpjpeMm, similarityAligned } from '../../dist/metrics/index.js';
import { human36m17 } from '../../dist/skeletons/index.js';
import { readFlags } from '../measure/flags.mjs';
import { markdownTable, writeResults } from '../report/report.mjs';

const flags = readFlags('node bench/studies/motionbert.mjs <folder>', {
  ...{ model: 'pstmo-s-27', size: '832x480', fps: 30, name: 'motionbert', out: '' },
});
const [folder] = flags.positionals;
if (folder === undefined) {
  process.stderr.write('Name the folder with alphapose-results.json and X3D.npy.\n');
  process.exit(2);
}

const [width, height] = flags.size.split('x').map(Number);
const track = readKeypoints(join(folder, 'alphapose-results.json'), { size: { width, height }, fps: flags.fps });
const theirs = readNpy(join(folder, 'X3D.npy'));
const shape = [track.frames, human36m17.joints.length, 3];
if (theirs.shape.join() !== shape.join()) {
  throw new Error(`X3D.npy: expected (${shape.join(', ')}), got (${theirs.shape.join(', ')}).`);
}
const lifter = await PoseLifter.load(flags.model);
const keypoints = { data: track.keypoints, shape: [track.frames, track.joints, 2] };
const ours = await lifter.lift(keypoints, { width, height, fps: flags.fps, layout: track.layout });
const { device } = lifter;
await lifter.close();

const other = { data: Float32Array.from(theirs.data), shape };
const errors = meanByJoint(jointErrorsMm(similarityAligned(other, ours), ours));
const overall = pMpjpeMm(other, ours);
const model = basename(flags.model);
const rows = human36m17.joints.map((joint, index) => [joint, errors[index].toFixed(1)]);
const text = `# The same detections, lifted by us and by MotionBERT

${model} (mirrored pass, fp32, ${device}) and the published result of MotionBERT for the same ${track.frames} frames of AlphaPose (Halpe-26), both in
Human3.6M's 17 joints. The file says neither the frames' size nor their rate: ${flags.size} (what MotionBERT's own image centre fits) and ${flags.fps} a second were taken.

P-MPJPE between the two: **${overall.toFixed(1)} mm** (MotionBERT's poses put onto ours by similarity Procrustes, a frame at a time, in our metres).
Neither is the truth: this says how far two networks, trained on different data, agree about one real video.

${markdownTable(['joint', 'mean distance, mm'], rows)}`;
const about = { model, device, size: flags.size, fps: flags.fps, frames: track.frames };
writeResults(flags.name, { about, pMpjpeMm: overall, jointsMm: Object.fromEntries(rows) }, text, { folder: flags.out });
