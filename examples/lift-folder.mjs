// Lifts a folder of clips with four workers, each with a model of its own:
//   node examples/lift-folder.mjs clips/ lifted/ 1920 1080 50
// One process and `pstmo lift clips/` use every core too; workers pay where clips are short and many.
import { mkdirSync, readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { PoseLifter } from 'pstmo';
import { writePoses } from 'pstmo/export';
import { readKeypoints } from 'pstmo/keypoints';

const WORKERS = 4;

if (isMainThread) {
  const [input, output, width, height, fps] = process.argv.slice(2);
  if (!fps)
    throw new Error('Usage: node lift-folder.mjs <folder of keypoints> <folder of poses> <width> <height> <fps>');
  mkdirSync(output, { recursive: true });
  const files = readdirSync(input).sort();
  const next = new Int32Array(new SharedArrayBuffer(4)); // the file that is taken next, by whoever is free
  const size = { width: Number(width), height: Number(height) };
  const start = () => {
    const data = { input, output, files, next, size, fps: Number(fps) };
    const worker = new Worker(new URL(import.meta.url), { workerData: data });
    worker.on('message', (line) => console.log(line));
    return new Promise((done, fail) => worker.on('exit', done).on('error', fail));
  };
  await Promise.all(Array.from({ length: WORKERS }, start));
} else {
  const { input, output, files, next, size, fps } = workerData;
  // One thread each: four workers fill four cores. What comes out does not depend on the number of threads.
  const lifter = await PoseLifter.load('pstmo-s-27', { threads: 1 });
  for (let at = Atomics.add(next, 0, 1); at < files.length; at = Atomics.add(next, 0, 1)) {
    try {
      const track = readKeypoints(join(input, files[at]), { size, fps });
      const keypoints = { data: track.keypoints, shape: [track.frames, track.joints, 2] };
      const { data } = await lifter.lift(keypoints, { ...size, fps, layout: track.layout });
      const path = join(output, `${parse(files[at]).name}-3d.npz`);
      writePoses(path, { poses: data, layout: 'h36m-17', model: 'pstmo-s-27', track });
      parentPort.postMessage(`${path}: ${track.frames} frames`);
    } catch (error) {
      // A broken file says which and why, and the others go on.
      parentPort.postMessage(`${files[at]}: ${error.message}`);
    }
  }
  await lifter.close();
}
