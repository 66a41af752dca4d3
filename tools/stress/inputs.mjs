// What the checks work on, made in a temporary folder: a data set, a command that trains a small network on it, and clips.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { writeDataset } from '../../dist/datasets/dataset-file.js';
import { writeNpz } from '../../dist/formats/numpy/npz-writer.js';

export const root = path.resolve(import.meta.dirname, '../..');
export const main = path.join(root, 'dist/cli/main.js');
const JOINTS = 17;

/** Numbers from 0 to 1, the same for a seed. */
export function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The value of a flag that is a number: `--count 20`. */
export function numberFlag(name, otherwise) {
  const { values } = parseArgs({ options: { [name]: { type: 'string' } }, strict: false });
  return Number(values[name] ?? otherwise);
}

/** A folder that is removed when the process ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pstmo-stress-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** (frames, 17, 2), pixels about the middle of 1000 x 1000. */
export function keypoints(frames, seed = 0) {
  const data = Float32Array.from({ length: frames * JOINTS * 2 }, (_, i) => 500 + 200 * Math.sin(0.7 * i + seed));
  return { data, shape: [frames, JOINTS, 2] };
}

/** Writes a data set of made-up motion and returns its path. */
export async function makeDataset(folder, frames = 60) {
  const sequences = ['subject1', 'subject2', 'subject3'].map((subject, number) => ({
    ...{ name: `${subject}/walk`, subject, action: 'walk', camera: '0', split: number < 2 ? 'train' : 'validation' },
    ...{ fps: 50, frames, width: 1000, height: 1000 },
    keypoints: keypoints(frames, number).data.map((value) => value / 500 - 1),
    poses: Float32Array.from({ length: frames * JOINTS * 3 }, (_, i) =>
      i % (JOINTS * 3) < 3 ? 0 : 0.3 * Math.sin(0.4 * i + number),
    ),
  }));
  const file = path.join(folder, 'dataset.safetensors');
  const layouts = { inputLayout: 'h36m-17', outputLayout: 'h36m-17', rootJoint: 0 };
  await writeDataset(file, { name: 'made up', source: 'tools/stress', ...layouts, sequences });
  return file;
}

/** The arguments that train the smallest network on a data set into `out`. */
export function trainArguments(dataset, out, epochs = 3) {
  const model = ['frames=9', 'layers=1', 'width=32', 'hidden=64', 'heads=4'].flatMap((field) => ['--set', field]);
  const settings = ['--epochs', String(epochs), '--batch', '16', '--threads', '1', '--checkpoint-every', '3'];
  return ['finetune', dataset, '--out', out, ...model, ...settings, '--resume'];
}

/** Writes clips to a folder and returns it. */
export function makeClips(folder, count, frames) {
  const clips = path.join(folder, 'clips');
  mkdirSync(clips);
  for (let i = 0; i < count; i++) writeNpz(path.join(clips, `clip${i}.npz`), { keypoints: keypoints(frames, i) });
  return clips;
}

/** The arguments that lift a folder into another. */
export function liftArguments(model, clips, out) {
  const size = ['--size', '1000x1000', '--fps', '50', '--layout', 'h36m-17'];
  return ['lift', clips, '--model', model, '--out', out, ...size, '--threads', '1'];
}

/** Starts the command line; `done` gives code, signal and what it wrote. `before` is put before node's own name. */
export function start(args, before = []) {
  const [program, ...rest] = [...before, process.execPath, main, ...args];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      text += bytes;
    });
  }
  const done = new Promise((settle) => {
    child.on('close', (code, signal) => settle({ code, signal, text }));
  });
  return { child, done };
}

/** Runs the command line to a good end, or throws. */
export async function run(args) {
  const { code, text } = await start(args).done;
  if (code !== 0) throw new Error(`pstmo ${args.join(' ')} ended with ${code}:\n${text}`);
}
