// Lifts people as they move: a pose for every frame that comes, here of the bundled clip played at its own rate.
//   node examples/stream-webcam.mjs [frames]
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PoseLifter } from 'pstmo';
import { readKeypoints } from 'pstmo/keypoints';

const [, , wanted = '300'] = process.argv;
const view = { width: 1920, height: 1080, fps: 50, layout: 'coco-17' };

/** What a webcam and its detector would give: the joints of one frame, (17, 2) pixels, 50 times a second. */
async function* webcam() {
  const clip = readKeypoints(fileURLToPath(new URL('walking.json', import.meta.url)));
  const start = performance.now();
  for (let frame = 0; frame < Math.min(Number(wanted), clip.frames); frame++) {
    await wait(Math.max(0, start + (1000 * frame) / view.fps - performance.now()));
    yield { data: clip.keypoints.slice(frame * 34, (frame + 1) * 34), shape: [17, 2] };
  }
}

const lifter = await PoseLifter.load('pstmo-s-27');
// `lookahead` frames must follow a frame before its pose comes: 0 is at once, more is surer, half a window (13) as good as `lift`.
const stream = await lifter.stream({ ...view, lookahead: 4 });
let [frames, poses, busy] = [0, 0, 0];

/** Your program's part: a pose is (17, 3) metres, camera axes, the hip at zero. */
function use({ data }) {
  poses++;
  const [knee, ankle] = [5, 6].map((joint) => data.subarray(3 * joint, 3 * joint + 3));
  const shin = Math.hypot(...knee.map((value, axis) => value - ankle[axis]));
  if (poses % 50 === 0)
    console.log(`pose ${poses}: left shin ${shin.toFixed(2)} m, left ankle at ${ankle[1].toFixed(2)} m below the hip`);
}

for await (const keypoints of webcam()) {
  const before = performance.now();
  const pose = await stream.push(keypoints);
  busy += performance.now() - before;
  frames++;
  if (pose) use(pose); // the first `lookahead` frames give none yet
}
// What is still owed when the camera stops.
const rest = await stream.end();
for (let at = 0; at < rest.data.length; at += 51) use({ data: rest.data.subarray(at, at + 51) });
await lifter.close();
console.log(`${frames} frames, ${poses} poses, ${(busy / frames).toFixed(1)} ms a frame`);
