import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import Benchmark from 'benchmark';
import { createNativeModel } from '../../dist/binding.js';
import { readKeypoints } from '../../dist/keypoints/index.js';
import { normalizeKeypoints } from '../../dist/keypoints/normalize.js';
import { parseModelConfig } from '../../dist/networks/config.js';
import { nativeConfig } from '../../dist/networks/native-config.js';
import { randomKeypoints } from '../sides/model-files.mjs';
import { commandOf } from '../sides/runner.mjs';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;
const CLIP = fileURLToPath(new URL('../../examples/walking.json', import.meta.url));
const SIZE = { width: 1920, height: 1080 };
const VIDEO_FRAMES = 5000;

/** What JavaScript does around the network, by Benchmark.js: import, crossing into native code, reading and normalising keypoints. */
export async function measureJavaScript(bench, { seconds }) {
  if (!bench.wants('javascript')) {
    return;
  }
  bench.progress('javascript');
  const config = nativeConfig(parseModelConfig({ frames: 9, width: 32, hidden: 32, heads: 4, layers: 1 }));
  const native = createNativeModel(config, { device: 'cpu', precision: 'fp32', threads: 1 });
  await native.initialize(0);
  const smallest = native.tensors.reduce((a, b) => (product(a.shape) <= product(b.shape) ? a : b)).name;
  const video = randomKeypoints(VIDEO_FRAMES);
  const frames = readKeypoints(CLIP, { size: SIZE }).frames;
  const { command, env } = commandOf('node', bench.flags);
  const program = (code) => (deferred) =>
    execFile(command, ['--input-type=module', '-e', code], { env }, () => deferred.resolve());
  const tests = [
    ['starting and ending Node', program(''), true],
    ['the same with `import "pstmo"`', program(`import ${JSON.stringify(INDEX)}`), true],
    ['synchronous call into native code', () => native.memoryBytes],
    ['call answered by a promise', (deferred) => native.read('value', smallest).then(() => deferred.resolve()), true],
    [`reading a detector's JSON of ${frames} frames`, () => readKeypoints(CLIP, { size: SIZE })],
    [`normalising the keypoints of ${VIDEO_FRAMES} frames`, () => normalizeKeypoints(video, 1920, 1080)],
  ];
  for (const [name, fn, defer = false] of tests) {
    if (bench.stopping) {
      break;
    }
    const { mean, rme, sample } = await run(name, fn, defer, seconds);
    const fields = { section: 'javascript', unit: 's', name, seconds: mean, samples: sample.length };
    bench.rows.push({ ...fields, relativeErrorPercent: rme });
  }
  await native.close();
}

const product = (shape) => shape.reduce((a, b) => a * b, 1);

function run(name, fn, defer, seconds) {
  return new Promise((resolve, reject) => {
    new Benchmark(name, fn, {
      ...{ defer, maxTime: seconds, async: true },
      onComplete: ({ target }) => (target.error ? reject(target.error) : resolve(target.stats)),
    }).run();
  });
}
