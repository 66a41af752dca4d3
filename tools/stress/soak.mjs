// Loads, lifts, streams, trains and closes without end, and fits a line through the memory that is held after each round:
//   node --expose-gc tools/stress/soak.mjs [--minutes 1]
import { rmSync } from 'node:fs';
import path from 'node:path';
import { finetune, PoseLifter } from '../../dist/index.js';
import { keypoints, makeDataset, numberFlag, temporaryFolder } from './inputs.mjs';

const minutes = numberFlag('minutes', 1);
/** Growth over the whole time by the fitted line. */
const MOST_MB = 16;
/** The first part, in which caches and the allocator fill. */
const WARM = 0.25;

const folder = temporaryFolder();
const dataset = await makeDataset(folder);
const model = { frames: 9, layers: 1, width: 32, hidden: 64, heads: 4 };
const size = { width: 1000, height: 1000 };
const out = path.join(folder, 'out');

async function round() {
  const lifter = await PoseLifter.load('pstmo-s-27', { device: 'cpu', threads: 1 });
  await lifter.lift(keypoints(300), { ...size, onProgress: () => undefined });
  const stream = await lifter.stream(size);
  for (let i = 0; i < 20; i++) await stream.push({ data: keypoints(1, i).data, shape: [17, 2] });
  await stream.end();
  await lifter.close();
  rmSync(out, { recursive: true, force: true });
  await finetune({ dataset, out, model, epochs: 1, batch: 32, threads: 1, device: 'cpu' });
}

const begin = performance.now();
const points = [];
let rounds = 0;
for (let share = 0; share < 1; share = (performance.now() - begin) / (60_000 * minutes)) {
  await round();
  rounds++;
  global.gc?.();
  if (share >= WARM) points.push([(performance.now() - begin) / 60_000, process.memoryUsage.rss() / 1e6]);
}
const mean = (at) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
const [x, y] = [mean(0), mean(1)];
const slope =
  points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
const growth = slope * minutes;
console.log(
  `soak: ${minutes} min, ${rounds} rounds; about ${y.toFixed(0)} MB, slope ${slope.toFixed(2)} MB a minute, ` +
    `${growth.toFixed(1)} MB over the time (at most ${MOST_MB})`,
);
process.exitCode = growth < MOST_MB ? 0 : 1;
