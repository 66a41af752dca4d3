// A call of the library with few megabytes of address space left: `node test/models/scarce-calls.mjs <folder> <call> <megabytes>`.
// The folder holds what scarce.test.ts wrote. Prints as JSON what came of it, or without arguments the names of the calls.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readDataset, writeDataset } from '../../dist/datasets/index.js';
import { readPoses, writePoses } from '../../dist/export/index.js';
import { readNpz, readSafetensors } from '../../dist/formats/index.js';
import { evaluate, finetune, MaskedPoseModel, PoseLifter, pretrain } from '../../dist/index.js';
import { readKeypoints } from '../../dist/keypoints/index.js';
import { buildScene } from '../../dist/viewer/index.js';

const [, , folder, name, megabytes] = process.argv;
const at = (file) => join(folder, file);
const size = { width: 640, height: 480 };
const common = { device: 'cpu', threads: 2 };
const few = { ...common, epochs: 1, batch: 32, samplesPerEpoch: 32, select: 'last' };
const out = () => mkdtempSync(at('out-'));
const load = (model) => () =>
  model.load(at(model === PoseLifter ? 'lifter.safetensors' : 'masked.safetensors'), common);
const config = { frames: 27, layers: 1, width: 64, hidden: 128, heads: 4 };
/** Frames of what is handed over: 80 MB of keypoints. */
const FRAMES = 600_000;
const video = (frames) => ({ data: new Float32Array(frames * 34).fill(100), shape: [frames, 17, 2] });

/** What is made before the memory is scarce, and the call. */
const calls = {
  stream: [
    async () => (await load(PoseLifter)()).stream({ ...size, lookahead: 13 }),
    async (stream) => {
      for (let i = 0; i < 30; i++) await stream.push({ data: frame.data, shape: [17, 2] });
    },
  ],
  openStreams: [
    load(PoseLifter),
    async (lifter) => {
      for (let i = 0; i < 300; i++) streams.push(await lifter.stream(size));
    },
  ],
  attention: [load(PoseLifter), (lifter) => lifter.attention(long, 300_000, size)],
  reconstruct: [
    load(MaskedPoseModel),
    async (model) => {
      for (let i = 0; i < 3; i++) await model.reconstruct(video(27), model.masks(i), size);
    },
  ],
  load: [() => {}, load(PoseLifter)],
  evaluate: [() => {}, () => evaluate({ ...common, model: at('lifter.safetensors'), dataset: at('data.safetensors') })],
  pretrain: [() => {}, () => pretrain({ ...few, dataset: at('data.safetensors'), out: out(), model: config })],
  finetune: [() => {}, () => finetune({ ...few, dataset: at('data.safetensors'), out: out(), model: config })],
  readDataset: [() => {}, () => readDataset(at('data.safetensors'))],
  writeDataset: [() => readDataset(at('data.safetensors')), (data) => writeDataset(at('copy.safetensors'), data)],
  readSafetensors: [() => {}, () => readSafetensors(at('data.safetensors'))],
  readNpz: [() => {}, () => readNpz(at('clip.npz'))],
  readKeypoints: [() => {}, () => readKeypoints(at('clip.npz'), { size, layout: 'h36m-17' })],
  readPoses: [() => {}, () => readPoses(at('long-3d.npz'))],
  writePoses: [() => readPoses(at('long-3d.npz')), (lifted) => writePoses(at('copy-3d.npz'), lifted)],
  buildScene: [() => {}, () => buildScene([at('long-3d.npz')], { fps: 50, size })],
};

const long = name === 'attention' ? video(FRAMES) : undefined;
const frame = video(1);
const streams = [];

/** Sets how much address space this process may take: `bytes` more than it does, or as much as it wants. */
function limit(bytes) {
  const taken = Number(/VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  const most = bytes === undefined ? 'unlimited' : taken + bytes;
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(process.pid), `--as=${most}:unlimited`]);
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}

if (name === undefined) {
  console.log(JSON.stringify(Object.keys(calls)));
} else {
  const [make, call] = calls[name];
  const made = await make();
  limit(Number(megabytes) * 2 ** 20);
  let answer = { code: 'done' };
  try {
    await call(made);
  } catch (error) {
    answer = { name: error.name, code: error.code, message: error.message };
  }
  limit(undefined);
  console.log(JSON.stringify(answer));
}
