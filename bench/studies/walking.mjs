// The bundled walking clip, lifted: how far the poses are from its truth, joint by joint, and how the trunk leans.
//   node bench/studies/walking.mjs [--model pstmo-s-27] [--name walking] [--out folder]
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { readNpz } from '../../dist/formats/index.js';
import { PoseLifter } from '../../dist/index.js';
import { readKeypoints } from '../../dist/keypoints/index.js';
import { jointErrorsMm, meanByJoint } from '../../dist/metrics/index.js';
import { human36m17 } from '../../dist/skeletons/index.js';
import { readFlags } from '../measure/flags.mjs';
import { markdownTable, writeResults } from '../report/report.mjs';

const flags = readFlags('node bench/studies/walking.mjs', {
  model: 'pstmo-s-27',
  threads: 0,
  name: 'walking',
  out: '',
});
const clip = new URL('../../examples/', import.meta.url);
const arrays = readNpz(readFileSync(new URL('walking-truth.npz', clip)));
const [width, height] = arrays.get('size').data;
const [fps] = arrays.get('fps').data;
const track = readKeypoints(readFileSync(new URL('walking.json', clip)), { size: { width, height }, fps });
const lifter = await PoseLifter.load(flags.model, { threads: flags.threads });
const keypoints = { data: track.keypoints, shape: [track.frames, track.joints, 2] };
const poses = await lifter.lift(keypoints, { width, height, fps, layout: track.layout });
await lifter.close();

const truth = { data: Float32Array.from(arrays.get('poses').data), shape: poses.shape };
const joints = human36m17.joints;
const byJoint = meanByJoint(jointErrorsMm(poses, truth));
const mpjpeMm = byJoint.reduce((sum, error) => sum + error, 0) / byJoint.length;
/** Hip to thorax. */
const trunk = ({ data }, frame) => [0, 1, 2].map((axis) => data[(frame * 17 + 8) * 3 + axis] - data[frame * 51 + axis]);
/** Degrees between the lifted trunk and the true one. */
const angles = Array.from({ length: track.frames }, (_, frame) => {
  const [a, b] = [trunk(poses, frame), trunk(truth, frame)];
  const cosine = a.reduce((sum, value, i) => sum + value * b[i], 0) / Math.hypot(...a) / Math.hypot(...b);
  return (Math.acos(Math.min(1, cosine)) * 180) / Math.PI;
});
const trunkDegrees = angles.reduce((sum, angle) => sum + angle, 0) / angles.length;

const model = basename(flags.model);
const text = `# The bundled walking clip

${model}, mirrored pass: MPJPE **${mpjpeMm.toFixed(1)} mm** over ${track.frames} frames; the trunk (hip to thorax) is ${trunkDegrees.toFixed(1)} degrees from the true one on
average. Nothing of the clip's generator was trained on.

${markdownTable(
  ['joint', 'mean distance, mm'],
  joints.map((joint, i) => [joint, byJoint[i].toFixed(1)]),
)}`;
writeResults(
  flags.name,
  { model, mpjpeMm, trunkDegrees, jointsMm: Object.fromEntries(joints.map((joint, i) => [joint, byJoint[i]])) },
  text,
  {
    folder: flags.out,
  },
);
