// Real detections against real 3D: P-MPJPE of each camera of a Pose2Sim session, beside per-frame linear regression.
//   node bench/pose2sim.mjs <folder> --model <model> [--baseline <dataset>] [--no-flip] [--name pose2sim] [--out folder]
import { basename, join } from 'node:path';
import { readDataset } from '../dist/datasets/dataset-file.js';
import { workMotion } from '../dist/export/index.js';
import { PoseLifter } from '../dist/index.js';
import { normalizeKeypoints } from '../dist/keypoints/normalize.js';
import { jointErrorsMm, meanByJoint, similarityAligned } from '../dist/metrics/index.js';
import { fitLinear, predictLinear } from '../dist/models/baselines.js';
import { windowStride } from '../dist/models/network-input.js';
import { human36m17 } from '../dist/skeletons/human36m.js';
import { mapToHuman36m } from '../dist/skeletons/to-human36m.js';
import { readFlags } from './common/flags.mjs';
import { markdownTable, writeResults } from './common/report.mjs';
import { median } from './common/rounds.mjs';
import { readCameras } from './pose2sim/read-cameras.mjs';
import { readTrc } from './pose2sim/read-trc.mjs';

const flags = readFlags('node bench/pose2sim.mjs <folder> --model <model>', {
  ...{ model: 'pstmo-s-27', baseline: '', truth: 'demo_filt_0-100.trc', 'no-flip': false, name: 'pose2sim', out: '' },
});
const [folder] = flags.positionals;
if (folder === undefined) {
  process.stderr.write('Name the folder of the session (with pose-2d, pose-3d and calib-2d).\n');
  process.exit(2);
}

/**
 * Marker and joint. The session's neck is BODY_25B's upper neck, 28 cm under the top of the head: of Human3.6M's joints that
 * is the thorax (the base of the neck, 23 cm under it), not its "neck", which lies inside the head.
 */
const PAIRS = [
  ...['Hip', 'Knee', 'Ankle', 'Shoulder', 'Elbow', 'Wrist'].flatMap((part) => [
    [`R${part}`, `right ${part.toLowerCase()}`],
    [`L${part}`, `left ${part.toLowerCase()}`],
  ]),
  ['Neck', 'thorax'],
];

/** P-MPJPE that a PyTorch reference of N = 27 reached, cameras 1 to 4, mm: the marks to be below. */
const MARKS = [84, 69, 83, 92];

/** Rows (T, pairs, 3) of points (T, all, 3). */
function select(points, frames, all, indices) {
  const out = new Float32Array(frames * indices.length * 3);
  for (let frame = 0; frame < frames; frame++) {
    indices.forEach((index, i) => {
      const from = (frame * all + index) * 3;
      out.set(points.subarray(from, from + 3), (frame * indices.length + i) * 3);
    });
  }
  return { data: out, shape: [frames, indices.length, 3] };
}

const truth = readTrc(join(folder, 'pose-3d', flags.truth));
const markers = PAIRS.map(([marker]) => truth.names.indexOf(marker));
const joints = PAIRS.map(([, joint]) => human36m17.joints.indexOf(joint));
const target = select(truth.points, truth.frames, truth.names.length, markers);

/** P-MPJPE, and the mean error of each pair, of poses (T, 17, 3). */
function score(poses) {
  const predicted = select(poses, truth.frames, human36m17.joints.length, joints);
  const errors = jointErrorsMm(similarityAligned(predicted, target), target);
  const byJoint = meanByJoint(errors);
  const pMpjpeMm = byJoint.reduce((sum, error) => sum + error, 0) / byJoint.length;
  return { pMpjpeMm, byJoint: Object.fromEntries(PAIRS.map(([marker], i) => [marker, byJoint[i]])) };
}

/** Bones and feet before and after they are made rigid and locked, with an assumed focal length and up from the stance. */
function workedMotion(lifted) {
  const place = { trajectory: {}, world: { from: 'stance' } };
  const rigid = workMotion(lifted, { ...place, rigid: true });
  const locked = workMotion(lifted, { ...place, rigid: true, lockFeet: true });
  const { bonesBefore, bonesAfter } = rigid.report;
  const { skateBefore, skateAfter } = locked.report;
  const errors = [rigid, locked].map(({ result }) => score(result.motion.positions).pMpjpeMm);
  return { bonesBefore, bonesAfter, skateBefore, skateAfter, rigidPMpjpeMm: errors[0], lockedPMpjpeMm: errors[1] };
}

const model = basename(flags.model);
const fitted = flags.baseline ? await readDataset(flags.baseline, { splits: ['train'] }) : undefined;
const linear = fitted && fitLinear(fitted);
const lifter = await PoseLifter.load(flags.model);
const fps = truth.fps;
const stride = windowStride(lifter.config, fps);
const cameras = [];
for (const [index, camera] of readCameras(folder).entries()) {
  const { name, width, height, frames, people, filledJoints } = camera;
  if (frames !== truth.frames) {
    throw new Error(`${name} has ${frames} frames, the truth ${truth.frames}.`);
  }
  const keypoints = { data: camera.keypoints, shape: [frames, 25, 2] };
  const lifted = await lifter.lift(keypoints, { width, height, fps, layout: 'body-25b', flip: !flags['no-flip'] });
  const own = mapToHuman36m('body-25b', keypoints);
  const methods = { pstmo: score(lifted.data) };
  if (linear) {
    methods.linear = score(predictLinear(linear, normalizeKeypoints(own.data, width, height)));
  }
  const heights = personHeights(own);
  const track = {
    ...camera,
    joints: 25,
    layout: 'body-25b',
    fps,
    frameIds: [],
    filled: new Uint8Array(frames),
    notices: [],
  };
  track.confidence = new Float32Array(frames * 25).fill(1);
  cameras.push({
    name,
    width,
    height,
    frames,
    people,
    filledJoints,
    personPixels: median(heights),
    methods,
    motion: workedMotion({ poses: lifted.data, layout: 'h36m-17', model, track }),
    mark: MARKS[index],
  });
}
const { frames: windowFrames, fps: modelFps, stride: modelStride } = lifter.config;
await lifter.close();

/** How high the person is in each image, pixels. */
function personHeights({ data, shape: [frames, count] }) {
  return Array.from({ length: frames }, (_, frame) => {
    const ys = Array.from({ length: count }, (_, joint) => data[(frame * count + joint) * 2 + 1]);
    return Math.max(...ys) - Math.min(...ys);
  });
}

const seconds = (frames, every, rate) => (((frames - 1) * every) / rate).toFixed(2);
const rows = cameras.map(({ name, methods, mark, personPixels }) => [
  name,
  methods.pstmo.pMpjpeMm.toFixed(1),
  methods.linear ? methods.linear.pMpjpeMm.toFixed(1) : '',
  String(mark),
  methods.pstmo.pMpjpeMm < mark ? 'yes' : 'no',
  personPixels.toFixed(0),
]);
const jointRows = PAIRS.map(([marker]) => [
  marker,
  ...cameras.map(({ methods }) => methods.pstmo.byJoint[marker].toFixed(0)),
]);
const one = (value) => value.toFixed(1);
const motionRows = cameras.map(({ name, methods, motion }) => [
  name,
  ...[motion.bonesBefore.meanMm, motion.bonesAfter.meanMm].map(one),
  String(motion.skateBefore.frames),
  ...[motion.skateBefore.meanMm, motion.skateAfter.meanMm].map(one),
  ...[methods.pstmo.pMpjpeMm, motion.rigidPMpjpeMm, motion.lockedPMpjpeMm].map(one),
]);
const motionTitles = [
  'mm',
  'bones vary, lifted',
  'rigid',
  'frames of standing feet',
  'feet stray, rigid',
  'locked',
  'P-MPJPE, lifted',
  'rigid',
  'locked',
];
const text = `# Real detections: pose2sim-single

${model} on OpenPose BODY_25B detections of ${cameras.length} cameras x ${truth.frames} frames at ${fps} Hz, mapped to Human3.6M's 17 joints, ${flags['no-flip'] ? 'no mirrored pass' : 'mirrored test'}; no camera's calibration is used.
As \`pstmo lift --fps ${fps}\` does, windows take ${stride === 1 ? 'every frame' : `one frame in ${stride}`}: ${windowFrames} frames span ${seconds(windowFrames, stride, fps)} s, in training ${seconds(windowFrames, modelStride, modelFps)} s.
P-MPJPE over hips, knees, ankles, neck, shoulders, elbows and wrists (${PAIRS.length} joints; the neck against our thorax), similarity Procrustes a
frame over those joints, against the triangulated 3D in ${flags.truth}.

${markdownTable(['P-MPJPE, mm', 'pstmo', 'linear regression', 'mark', 'below', 'person, px high'], rows)}

Linear regression: a frame at a time${fitted ? `, fitted on the training split of ${fitted.name}, clean 2D` : ' (not fitted: no data set was named)'}.

${markdownTable(['mean error, mm', ...cameras.map(({ name }) => name)], jointRows)}

What \`--rigid\` and \`--lock-feet\` change: the standard deviation of a bone's length over time (mean of the bones), in how many of the ${2 * truth.frames} frames
of both feet one was found to stand, how far a standing ankle strays from the middle of its stand (mean), and the error. Focal length and floor are estimated from the same 2D, as \`pstmo lift --trajectory --world stance\` does.

${markdownTable(motionTitles, motionRows)}`;
const about = { model, baseline: fitted?.name, truth: flags.truth, fps, stride, flip: !flags['no-flip'], pairs: PAIRS };
writeResults(flags.name, { about, cameras }, text, { folder: flags.out });
