// Replaces a model file again and again while it is loaded; each load must give the one model or the other, whole:
//   node tools/stress/swap.mjs [--count 200]
import { copyFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { PoseLifter } from '../../dist/index.js';
import { keypoints, makeDataset, numberFlag, run, temporaryFolder, trainArguments } from './inputs.mjs';

if (!isMainThread) {
  const { models, place } = workerData;
  for (let i = 0; ; i++) {
    copyFileSync(models[i % 2], `${place}.new`);
    renameSync(`${place}.new`, place);
  }
}

const count = numberFlag('count', 200);
const folder = temporaryFolder();
const dataset = await makeDataset(folder, 20);
const models = [];
for (const [index, epochs] of [1, 3].entries()) {
  const out = path.join(folder, `model${index}`);
  await run(trainArguments(dataset, out, epochs));
  models.push(path.join(out, 'model.safetensors'));
}
async function poses(file) {
  const lifter = await PoseLifter.load(file, { device: 'cpu', threads: 1 });
  const { data } = await lifter.lift(keypoints(9), { width: 1000, height: 1000 });
  await lifter.close();
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
}
const known = await Promise.all(models.map(poses));
const place = path.join(folder, 'model.safetensors');
copyFileSync(models[0], place);
const worker = new Worker(new URL(import.meta.url), { workerData: { models, place } });
const seen = [0, 0];
let wrong = known[0] === known[1] ? count : 0;
for (let i = 0; i < count; i++) {
  const which = known.indexOf(await poses(place));
  if (which < 0) wrong++;
  else seen[which]++;
}
await worker.terminate();
console.log(
  `swap: ${count} loads of a file that is replaced; ${seen.join(' and ')} of the two models, ${wrong} of neither`,
);
process.exitCode = wrong === 0 ? 0 : 1;
