// Starts worker threads that load, lift, stream, train and close without end, and terminates each at a random instant:
//   node test/models/terminate-workers.mjs <times> <seed>
// Prints how many were terminated. A process that dies prints nothing.
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createNativeModel } from '../../dist/binding.js';
import { PoseLifter } from '../../dist/index.js';
import { parseModelConfig } from '../../dist/networks/config.js';
import { nativeConfig } from '../../dist/networks/native-config.js';

const JOINTS = 17;
const LONGEST_MS = 500;
const AT_ONCE = 4;

/** (frames, 17, 2), pixels. */
function keypoints(frames) {
  const data = Float32Array.from({ length: frames * JOINTS * 2 }, (_, i) => 300 + 200 * Math.sin(i));
  return { data, shape: [frames, JOINTS, 2] };
}

async function train() {
  const native = createNativeModel(nativeConfig(parseModelConfig({ frames: 9, width: 64, hidden: 64 })), {
    device: 'cpu',
    precision: 'fp32',
    threads: 1,
  });
  await native.initialize(1);
  const frames = 40;
  await native.setSequences({
    keypoints: keypoints(frames).data.map((value) => value / 1000),
    poses: new Float32Array(frames * JOINTS * 3).fill(0.1),
    lengths: Int32Array.of(frames),
  });
  const samples = Int32Array.from({ length: 3 * 64 }, (_, i) => (i % 3 === 1 ? i % frames : 0));
  const order = { samples, batch: 8, stride: 1, shuffleFrames: false, learningRate: 1e-4, seed: 0, firstStep: 0 };
  await native.train({ ...order, update: true, flip: false });
  await native.close();
}

async function load() {
  for (;;) {
    const lifter = await PoseLifter.load('pstmo-s-27', { device: 'cpu', threads: 1 });
    await lifter.close();
  }
}

async function work() {
  for (;;) {
    const lifter = await PoseLifter.load('pstmo-s-27', { device: 'cpu', threads: 1 });
    const size = { width: 1000, height: 1000 };
    const lift = lifter.lift(keypoints(200), { ...size, onProgress: () => {} });
    const stream = await lifter.stream({ ...size, flip: false });
    await stream.push({ data: keypoints(1).data, shape: [JOINTS, 2] });
    await lift;
    await train();
    await lifter.close();
  }
}

async function terminateAll(times, seed) {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  let terminated = 0;
  const one = async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: random() < 0.5 ? 'load' : 'work' });
    worker.on('error', (error) => {
      console.error(error);
      process.exitCode = 1;
    });
    await new Promise((resolve) => worker.once('online', resolve));
    await new Promise((resolve) => setTimeout(resolve, random() * LONGEST_MS));
    await worker.terminate();
    terminated++;
  };
  let started = 0;
  const lane = async () => {
    while (started++ < times) await one();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  console.log(`${terminated} terminated`);
}

if (isMainThread) {
  await terminateAll(Number(process.argv[2]), Number(process.argv[3]));
} else {
  await { load, work }[workerData]();
}
