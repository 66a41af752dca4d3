// Opens streams of a model and forgets them: `node --expose-gc test/models/forgotten-streams.mjs <model>`. Prints the model's
// bytes before, with 200, after the collector was called, and the most while 2,000 more came that nobody collects by hand.
import { setTimeout as sleep } from 'node:timers/promises';
import { PoseLifter } from '../../dist/index.js';

const lifter = await PoseLifter.load(process.argv[2], { device: 'cpu', threads: 1 });
const frame = { data: new Float32Array(34).fill(100), shape: [17, 2] };

async function open(count) {
  for (let i = 0; i < count; i++) {
    const stream = await lifter.stream({ width: 640, height: 480 });
    await stream.push(frame);
  }
}

await open(1);
const held = await lifter.stream({ width: 640, height: 480 });
await held.push(frame);
const before = lifter.memoryBytes;
await open(200);
const opened = lifter.memoryBytes;
for (let i = 0; i < 20; i++) {
  globalThis.gc();
  await sleep(20);
}
await held.push(frame);
const after = lifter.memoryBytes;
let most = 0;
for (let i = 0; i < 20; i++) {
  await open(100);
  most = Math.max(most, lifter.memoryBytes);
}
console.log(JSON.stringify({ before, held: opened, after, most }));
await lifter.close();
