// Real detections against real 3D: P-MPJPE of each camera of a Pose2Sim session, beside per-frame linear regression.
//   node bench/studies/pose2sim/run.mjs <folder> --model <model> [--baseline <dataset>] [--no-flip] [--name pose2sim] [--out folder]
import { basename, join } from 'node:path';
import { liftClip } from '../../../dist/cli/lift-clip.js';
import { readDataset } from '../../../dist/datasets/dataset-file.js';
import { fitLinear, predictLinear } from '../../../dist/evaluation/baselines.js';
import { workMotion } from '../../../dist/export/index.js';
import { PoseLifter } from '../../../dist/index.js';
import { undistortKeypoints } from '../../../dist/keypoints/camera.js';
import { readKeypoints } from '../../../dist/keypoints/index.js';
import { normalizeKeypoints } from '../../../dist/keypoints/normalize.js';
import { jointErrorsMm, meanByJoint, similarityAligned } from '../../../dist/metrics/index.js';
import { fitFrameRate } from '../../../dist/models/frame-rate.js';
import { human36m17 } from '../../../dist/skeletons/human36m.js';
import { mapToHuman36m } from '../../../dist/skeletons/to-human36m.js';
import { readFlags } from '../../measure/flags.mjs';
import { median } from '../../measure/rounds.mjs';
import { markdownTable, writeResults } from '../../report/report.mjs';
import { readCameras } from './read-cameras.mjs';
import { readTrc } from './read-trc.mjs';

const flags = readFlags('node bench/studies/pose2sim/run.mjs <folder> --model <model>', {
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
  const limbsMm = limbSpreadMm(predicted);
  const pMpjpeMm = byJoint.reduce((sum, error) => sum + error, 0) / byJoint.length;
  return { pMpjpeMm, limbsMm, byJoint: Object.fromEntries(PAIRS.map(([marker], i) => [marker, byJoint[i]])) };
}

/** The limbs' bones among the pairs: what both the lifted poses and the markers have. */
const LIMBS = ['R', 'L'].flatMap((side) =>
  [
    ['Hip', 'Knee'],
    ['Knee', 'Ankle'],
    ['Shoulder', 'Elbow'],
    ['Elbow', 'Wrist'],
  ].map((ends) => ends.map((end) => PAIRS.findIndex(([marker]) => marker === side + end))),
);

/** Mean over the limbs of the standard deviation of a bone's length over time, mm, of points (T, pairs, 3). */
function limbSpreadMm({ data, shape: [frames, pairs] }) {
  const spreads = LIMBS.map(([a, b]) => {
    const lengths = Array.from({ length: frames }, (_, frame) =>
      Math.hypot(...[0, 1, 2].map((i) => data[(frame * pairs + a) * 3 + i] - data[(frame * pairs + b) * 3 + i])),
    );
    const mean = lengths.reduce((sum, value) => sum + value, 0) / frames;
    return 1000 * Math.sqrt(lengths.reduce((sum, value) => sum + (value - mean) ** 2, 0) / frames);
  });
  return spreads.reduce((sum, value) => sum + value, 0) / spreads.length;
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

/**
 * How far the hip is, mean over the frames in metres, from the middle of the hips' markers, when camera and world are those of the
 * calibration, as with --camera, --trajectory and --world; and the mean of what is off, in the session's axes.
 */
async function hipInTheWorld(track, { camera, extrinsics, width, height }) {
  const poses = await liftClip(lifter, { track, suffix: '' }, { camera }, { flip: !flags['no-flip'] });
  const seen = { ...track, keypoints: undistortKeypoints(track.keypoints, camera, { width, height }) };
  const centred = { fx: camera.fx, fy: camera.fx, cx: width / 2, cy: height / 2 };
  const steps = { trajectory: { camera: centred }, world: { from: 'extrinsics', extrinsics, up: 'z' } };
  const { result } = workMotion({ poses, layout: lifter.config.outputLayout, model, track: seen }, steps);
  const hips = ['RHip', 'LHip'].map((marker) => truth.names.indexOf(marker));
  const off = Array.from({ length: truth.frames }, (_, frame) => {
    // Ours is (y, z, x) of a world with z up.
    const [y, z, x] = result.motion.positions.subarray(frame * 51, frame * 51 + 3);
    return [x, y, z].map((value, axis) => {
      const [right, left] = hips.map((hip) => truth.points[(frame * truth.names.length + hip) * 3 + axis]);
      return value - (right + left) / 2;
    });
  });
  const mean = (of) => off.reduce((sum, one) => sum + of(one), 0) / off.length;
  return { meanM: mean((one) => Math.hypot(...one)), biasM: [0, 1, 2].map((axis) => mean((one) => one[axis])) };
}

const model = basename(flags.model);
const fitted = flags.baseline ? await readDataset(flags.baseline, { splits: ['train'] }) : undefined;
const linear = fitted && fitLinear(fitted);
const lifter = await PoseLifter.load(flags.model);
const fps = truth.fps;
const rate = fitFrameRate(lifter.config, fps);
const cameras = [];
for (const [index, camera] of readCameras(folder).entries()) {
  const { name, width, height } = camera;
  const track = readKeypoints(camera.folder, { size: { width, height }, fps });
  const { frames, joints: detected, layout, people } = track;
  if (frames !== truth.frames) {
    throw new Error(`${name} has ${frames} frames, the truth ${truth.frames}.`);
  }
  const poses = await liftClip(lifter, { track, suffix: '' }, {}, { flip: !flags['no-flip'] });
  const own = mapToHuman36m(layout, { data: track.keypoints, shape: [frames, detected, 2] });
  const methods = { pstmo: score(poses) };
  if (linear) {
    methods.linear = score(predictLinear(linear, normalizeKeypoints(own.data, width, height)));
  }
  const motion = workedMotion({ poses, layout: lifter.config.outputLayout, model, track });
  const personPixels = median(personHeights(own));
  const hip = await hipInTheWorld(track, camera);
  cameras.push({ name, width, height, frames, layout, people, personPixels, methods, motion, hip, mark: MARKS[index] });
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
const truthLimbsMm = limbSpreadMm(target);
const rows = cameras.map(({ name, methods, mark, personPixels }) => [
  name,
  methods.pstmo.pMpjpeMm.toFixed(1),
  methods.linear ? methods.linear.pMpjpeMm.toFixed(1) : '',
  String(mark),
  methods.pstmo.pMpjpeMm < mark ? 'yes' : 'no',
  ...[methods.pstmo.limbsMm, methods.linear?.limbsMm, truthLimbsMm].map((value) => value?.toFixed(1) ?? ''),
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
const metres = (value) => value.toFixed(3);
const hipRows = cameras.map(({ name, hip }) => [name, metres(hip.meanM), ...hip.biasM.map(metres)]);
const titles = [
  ...['P-MPJPE, mm', 'pstmo', 'linear regression', 'mark', 'below'],
  ...['limbs vary, pstmo', 'linear regression', 'the 3D itself', 'person, px high'],
];
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

${model} on OpenPose BODY_25B detections of ${cameras.length} cameras x ${truth.frames} frames at ${fps} Hz, mapped to Human3.6M's 17 joints, ${flags['no-flip'] ? 'no mirrored pass' : 'mirrored test'}; no camera's calibration is used but in the last table.
Read and lifted as \`pstmo lift --fps ${fps}\` does, the person who is largest for longest: the 2D ${rate.step === 1 ? 'is not resampled' : `is resampled to ${rate.fps} Hz for the network`}, windows take ${rate.stride === 1 ? 'every frame' : `one frame in ${rate.stride}`}; ${windowFrames} frames
span ${seconds(windowFrames, rate.stride, rate.fps)} s, in training ${seconds(windowFrames, modelStride, modelFps)} s.
P-MPJPE over hips, knees, ankles, neck, shoulders, elbows and wrists (${PAIRS.length} joints; the neck against our thorax), similarity Procrustes a
frame over those joints, against the triangulated 3D in ${flags.truth}.

${markdownTable(titles, rows)}

How much the bones of arms and legs change their lengths: the standard deviation over time, mean of the eight.

Linear regression: a frame at a time${fitted ? `, fitted on the training split of ${fitted.name}, clean 2D` : ' (not fitted: no data set was named)'}.

${markdownTable(['mean error, mm', ...cameras.map(({ name }) => name)], jointRows)}

What \`--rigid\` and \`--lock-feet\` change: the standard deviation of a bone's length over time (mean of the bones), in how many of the ${2 * truth.frames} frames
of both feet one was found to stand, how far a standing ankle strays from the middle of its stand (mean), and the error. Focal length and floor are estimated from the same 2D, as \`pstmo lift --trajectory --world stance\` does.

${markdownTable(motionTitles, motionRows)}

Where the person is: the hip beside the middle of the hips' markers, in the session's own world, when the camera's calibration is given
(\`--camera\`, \`--trajectory\`, \`--world camera.json\`). One camera fixes what is across its view well, and the distance by the person's size.

${markdownTable(['metres', 'from the markers (mean)', 'off in x', 'y', 'z'], hipRows)}`;
const about = { model, baseline: fitted?.name, truth: flags.truth, fps, rate, flip: !flags['no-flip'], pairs: PAIRS };
writeResults(flags.name, { about, truthLimbsMm, cameras }, text, { folder: flags.out });
