// Loads and closes a model again and again, and compares memory, threads and open files at the end with those of a tenth:
//   node --expose-gc tools/stress/cycles.mjs [--count 500]
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { PoseLifter } from '../../dist/index.js';
import { makeDataset, numberFlag, run, temporaryFolder, trainArguments } from './inputs.mjs';

const count = numberFlag('count', 500);
/** Memory that may be more at the end: the allocator's and the collector's play. */
const MOST_MB = 16;

const folder = temporaryFolder();
await run(trainArguments(await makeDataset(folder, 20), folder, 1));
const model = path.join(folder, 'model.safetensors');
const entries = (name) => {
  try {
    return readdirSync(`/proc/self/${name}`).length;
  } catch {
    return 0; // a system without /proc
  }
};
const held = () => {
  global.gc?.();
  return { megabytes: process.memoryUsage.rss() / 1e6, threads: entries('task'), files: entries('fd') };
};
let early;
for (let i = 0; i < count; i++) {
  const lifter = await PoseLifter.load(model, { device: 'cpu', threads: 2 });
  await lifter.close();
  if (i === Math.floor(count / 10)) early = held();
}
const late = held();
const growth = late.megabytes - early.megabytes;
const good = growth < MOST_MB && late.threads <= early.threads + 1 && late.files <= early.files;
console.log(
  `cycles: ${count} loads and closes; ${growth.toFixed(1)} MB more (at most ${MOST_MB}), ` +
    `threads ${early.threads} to ${late.threads}, open files ${early.files} to ${late.files}`,
);
process.exitCode = good ? 0 : 1;
