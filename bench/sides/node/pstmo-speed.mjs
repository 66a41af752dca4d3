// This project's work, a turn at a time. First line: { task, side, frames, batch, precision, threads, ... }, then { steps, case }.
import { readFileSync } from 'node:fs';
import { createRandom } from '../../../dist/base/random.js';
import { createNativeModel } from '../../../dist/binding.js';
import { PoseLifter } from '../../../dist/index.js';
import { parseModelConfig } from '../../../dist/networks/config.js';
import { nativeConfig } from '../../../dist/networks/native-config.js';
import { loadWeights, readWeights } from '../../../dist/networks/weights.js';
import { randomKeypoints } from '../model-files.mjs';
import { answerTurns } from './answer.mjs';

const SEQUENCES = 8;
const SEQUENCE_FRAMES = 500;
const JOINTS = 17;
/** Rows of the network that are enough to tell a rate: 32 windows at N = 243. */
const PROBE_ROWS = 7776;
const PROBE_CLIPS = 20;
const IMAGE = { width: 1000, height: 1000 };

const models = new Map();
let lifter;
let step = 0;

/** The model of a request, opened once; `side`: compiled, which must be supported then, or op by op. */
async function modelOf({ side, files, frames, precision, threads, withoutFolds = [] }) {
  const key = JSON.stringify([files?.weights, frames, precision, withoutFolds]);
  if (!models.has(key)) {
    const weights = files && (await readWeights(files.weights));
    const config = weights?.config ?? parseModelConfig({ frames });
    const compiled = side === 'compiled' ? 'auto' : 'off';
    const model = createNativeModel(nativeConfig(config), {
      device: 'cpu',
      precision,
      threads,
      compiled,
      withoutFolds,
    });
    if (side === 'compiled' && model.unsupportedReason) {
      throw new Error(`not compiled: ${model.unsupportedReason}`);
    }
    await (weights ? loadWeights(model, weights) : model.initialize(0));
    models.set(key, model);
  }
  return models.get(key);
}

/** Windows are gathered from sequences, every second one mirrored, as in a real training; dropout is on. */
async function trainingTurn(request) {
  const { batch } = request;
  const model = await modelOf(request);
  await model.setSequences({
    keypoints: randomKeypoints(SEQUENCES * SEQUENCE_FRAMES),
    poses: randomKeypoints((SEQUENCES * SEQUENCE_FRAMES * 3) / 2),
    lengths: new Int32Array(SEQUENCES).fill(SEQUENCE_FRAMES),
  });
  const random = createRandom(0, 'samples');
  const turn = async (steps) => {
    const samples = new Int32Array(3 * steps * batch);
    for (let i = 0; i < samples.length; i += 3) {
      samples.set([random.integer(SEQUENCES), random.integer(SEQUENCE_FRAMES), (i / 3) % 2], i);
    }
    const order = { samples, batch, stride: 1, shuffleFrames: false, learningRate: 1e-4, seed: 0, firstStep: step };
    await model.train({ ...order, update: true, flip: false });
    step += steps;
  };
  return { turn, about: { device: model.device } };
}

/** Windows that lie ready, (B, N, 17, 2): copied in, poses copied out. */
async function windowsTurn(request) {
  const { files, frames, batch } = request;
  const model = await modelOf(request);
  const keypoints = new Float32Array(readFileSync(files.keypoints).buffer, 0, batch * frames * JOINTS * 2);
  const lift = () => model.liftWindows({ keypoints, batch });
  const poses = await lift();
  const turn = async (steps) => {
    for (let i = 0; i < steps; i++) {
      await lift();
    }
  };
  return { turn, about: { device: model.device, pose: [...poses.subarray(0, 3 * JOINTS)] } };
}

/** One video, a piece of it a step, step after step along it and again from its start. A short lift tells how much fits into a piece. */
async function videoTurn(request) {
  const { frames, videoFrames, flip, piece } = request;
  const model = await modelOf(request);
  const keypoints = randomKeypoints(videoFrames);
  const lift = (first, count) => model.lift({ keypoints, stride: 1, flip, first, count, batch: 0 });
  const probe = Math.min(piece.most, Math.ceil(PROBE_ROWS / frames));
  await lift(0, probe);
  const start = performance.now();
  await lift(0, probe);
  const fits = (1000 * piece.seconds * probe) / (performance.now() - start);
  const count = Math.max(1, Math.min(piece.most, Math.round(fits)));
  let first = 0;
  const turn = async (steps) => {
    for (let i = 0; i < steps; i++) {
      await lift(first, count);
      first = first + 2 * count > videoFrames ? 0 : first + count;
    }
  };
  return { turn, about: { device: model.device, piece: count } };
}

/**
 * Clips through the package's front door, in pixels, one `liftMany` a step; `joined`: the same frames as one video. A few clips tell
 * how many fit into a step.
 */
async function clipsTurn({ side, files, clipFrames, joined, piece, precision, threads }) {
  const compiled = side === 'compiled' ? 'auto' : 'off';
  lifter ??= await PoseLifter.load(files.weights, { device: 'cpu', precision, threads, compiled });
  const lift = async (count) => {
    const data = randomKeypoints(count * clipFrames).map((value) => 500 * (value + 1));
    const [clips, frames] = joined ? [1, count * clipFrames] : [count, clipFrames];
    const size = frames * JOINTS * 2;
    const inputs = Array.from({ length: clips }, (_, clip) => ({
      keypoints: { data: data.subarray(clip * size, (clip + 1) * size), shape: [frames, JOINTS, 2] },
    }));
    const start = performance.now();
    for await (const poses of lifter.liftMany(inputs, { ...IMAGE, flip: false })) {
      if (poses.shape[0] !== frames) {
        throw new Error(`A clip of ${frames} frames came back with ${poses.shape[0]} poses.`);
      }
    }
    return (performance.now() - start) / 1000;
  };
  await lift(PROBE_CLIPS);
  const fits = (piece.seconds * PROBE_CLIPS) / (await lift(PROBE_CLIPS));
  const count = Math.max(1, Math.min(Math.floor(piece.most / clipFrames), Math.round(fits)));
  const turn = async (steps) => {
    for (let i = 0; i < steps; i++) {
      await lift(count);
    }
  };
  return { turn, about: { device: lifter.device, piece: count * clipFrames } };
}

/** A live video without look-ahead, a frame a step. */
async function streamTurn({ files, precision, threads }) {
  const own = await PoseLifter.load(files.weights, { device: 'cpu', precision, threads });
  const stream = await own.stream({ ...IMAGE, flip: false });
  const turn = async (steps) => {
    const data = randomKeypoints(steps).map((value) => 500 * (value + 1));
    const milliseconds = [];
    for (let frame = 0; frame < steps; frame++) {
      const keypoints = { data: data.slice(frame * JOINTS * 2, (frame + 1) * JOINTS * 2), shape: [JOINTS, 2] };
      const start = performance.now();
      await stream.push(keypoints);
      milliseconds.push(performance.now() - start);
    }
    return { milliseconds };
  };
  return { turn, about: { device: own.device } };
}

const TASKS = { training: trainingTurn, windows: windowsTurn, video: videoTurn, clips: clipsTurn, stream: streamTurn };

await answerTurns(
  async (request) => {
    const { turn, about } = await TASKS[request.task](request);
    return { turn, about: { name: 'pstmo', ...about } };
  },
  () => ({ nativeBytes: [...models.values()].reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) }),
);
