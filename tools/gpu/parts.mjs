// Small runs on the CUDA device, for tools/gpu/check.sh:
//   node tools/gpu/parts.mjs peaks|small|compiled|out-of-memory
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { createRandom } from '../../dist/base/random.js';
import { createNativeModel, measurePeak } from '../../dist/binding.js';
import { parseModelConfig } from '../../dist/networks/config.js';
import { nativeConfig } from '../../dist/networks/native-config.js';
import { stepRecords } from '../../dist/profiling/profile.js';

const PRECISIONS = ['fp32', 'tf32', 'bf16'];

/** A line for the JSON, and for people. */
function say(record, text) {
  if (process.env.data) appendFileSync(process.env.data, `${JSON.stringify(record)}\n`);
  if (text !== '') process.stdout.write(`${text}\n`);
}

async function peaks() {
  for (const what of [...PRECISIONS, 'copy']) {
    const value = await measurePeak(0, what, 1, 'cuda:0');
    const unit = what === 'copy' ? 'GB/s' : 'GFLOP/s';
    say({ probe: `peak of ${what}`, value, unit }, `${what}: ${value.toFixed(0)} ${unit}`);
  }
}

/** Every kind of op once or more: both stages, forward and a training step, refining, in each precision; and the compiled lifter's kernels. */
async function small() {
  const shape = { frames: 9, width: 64, hidden: 128, layers: 1, decoderLayers: 1 };
  const models = [{}, { stage: 1 }, { refine: { root: 'truth' } }, { backbone: 'transformer', width: 136 }];
  for (const precision of PRECISIONS) {
    for (const model of models) {
      const config = parseModelConfig({ ...shape, ...model });
      for (const training of [false, true]) {
        const records = await stepRecords({ config, device: 'cuda', precision, batch: 3, training });
        process.stdout.write(
          `${precision} ${JSON.stringify(model)} ${training ? 'step' : 'forward'}: ${records.length} ops and copies\n`,
        );
      }
    }
    const error = await compiledError(parseModelConfig({ ...shape, frames: 27 }), precision, 3);
    process.stdout.write(`${precision} compiled: ${error.toExponential(1)} from op by op in fp32\n`);
  }
}

/** Largest allowed difference of compiled from op by op in fp32, as in test/native/lifter-cases.ts. */
const COMPILED_TOLERANCE = { fp32: 1e-5, tf32: 2e-3, bf16: 2e-2 };
const seconds = process.env.PSTMO_PREBUILD ? 0.01 : 1;

async function randomModel(config, options) {
  const model = createNativeModel(nativeConfig(config), { device: 'cuda:0', threads: 0, ...options });
  await model.initialize(1);
  return model;
}

function randomKeypoints(frames) {
  const random = createRandom('compiled');
  return Float32Array.from({ length: frames * 34 }, () => random.uniform(-1, 1));
}

async function compiledError(config, precision, batch) {
  const windows = { keypoints: randomKeypoints(batch * config.frames), batch };
  const poses = [];
  for (const options of [
    { precision, compiled: 'on' },
    { precision: 'fp32', compiled: 'off' },
  ]) {
    const model = await randomModel(config, options);
    poses.push(await model.liftWindows(windows));
    await model.close();
  }
  const [compiled, opByOp] = poses;
  const norm = (values) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return norm(compiled.map((value, i) => value - opByOp[i])) / norm(opByOp);
}

/** The median rate of `work`, which does `count` of something, after two calls: the second records a CUDA graph. */
async function rateOf(count, work) {
  await work();
  await work();
  const times = [];
  const end = performance.now() + 1000 * seconds;
  while (times.length < 3 || performance.now() < end) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return count / times.sort((a, b) => a - b)[times.length >> 1];
}

/** Folds of the compiled lifter whose worth only a GPU can show: timed without each, on the first shape. */
const TIMED_FOLDS = ['feedForward', 'encoder', 'firstLayer'];

/** Compiled beside op by op: how far apart, and how fast, copies included. Decides whether compiled becomes the default on a GPU. */
async function compiled() {
  const emulated = process.env.PSTMO_PREBUILD !== undefined;
  const shapes = emulated
    ? [{ name: 'small', model: { frames: 9, layers: 1, width: 32, hidden: 32 }, windows: 2, video: 4 }]
    : [
        { name: 'P-STMO-S, N = 243', model: { frames: 243 }, windows: 2048, video: 20_000 },
        { name: 'P-STMO, N = 243', model: { frames: 243, layers: 4 }, windows: 2048, video: 20_000 },
        { name: 'P-STMO-S, N = 81', model: { frames: 81 }, windows: 4096, video: 40_000 },
        { name: 'P-STMO-S, N = 27', model: { frames: 27 }, windows: 8192, video: 80_000 },
      ];
  for (const [i, { name, model, windows, video }] of shapes.entries()) {
    const ways = [
      { by: 'compiled', compiled: 'on' },
      ...(i > 0 ? [] : TIMED_FOLDS).map((fold) => ({
        by: `compiled without ${fold}`,
        compiled: 'on',
        withoutFolds: [fold],
      })),
      { by: 'op by op', compiled: 'off' },
    ];
    const config = parseModelConfig(model);
    const whole = { keypoints: randomKeypoints(windows * config.frames), batch: windows };
    const frames = randomKeypoints(video);
    for (const precision of ['bf16', 'tf32', 'fp32']) {
      const error = await compiledError(config, precision, emulated ? 2 : 8);
      const passed = error < COMPILED_TOLERANCE[precision];
      if (!passed) process.exitCode = 1;
      const said = `${name}, ${precision}: compiled is ${error.toExponential(1)} from op by op in fp32${passed ? '' : ', too much'}`;
      say({ check: `compiled, ${name}, ${precision}`, error, passed }, said);
      for (const { by, ...options } of ways) {
        const lifter = await randomModel(config, { precision, ...options });
        const lift = (flip) => () =>
          lifter.lift({ keypoints: frames, stride: 1, flip, first: 0, count: video, batch: 0 });
        const rates = {
          'windows/s': await rateOf(windows, () => lifter.liftWindows(whole)),
          'frames/s': await rateOf(video, lift(false)),
          'frames/s mirrored': await rateOf(video, lift(true)),
        };
        await lifter.close();
        for (const [unit, value] of Object.entries(rates))
          say({ probe: `${name}, ${precision}, by ${by}`, value, unit }, '');
        const text = Object.entries(rates).map(([unit, value]) => `${Math.round(value)} ${unit}`);
        process.stdout.write(`  by ${by}: ${text.join(', ')}\n`);
      }
    }
  }
}

/** A batch that no device holds is refused by its code, and the device goes on afterwards. */
async function outOfMemory() {
  // On the emulated device PSTMO_EMULATION_MEMORY makes it small.
  const [frames, width] = process.env.PSTMO_EMULATION_MEMORY ? [512, 64] : [1 << 20, 256];
  const config = nativeConfig(parseModelConfig({ frames: 27, width, hidden: 2 * width }));
  const model = createNativeModel(config, { device: 'cuda:0', precision: 'fp32', threads: 0 });
  const request = { keypoints: new Float32Array(frames * 17 * 2), stride: 1, flip: false, first: 0, count: frames };
  let refused;
  try {
    await model.initialize(0);
    // 28 million tokens, 2 KB each in every array of twice the width.
    await model.lift({ ...request, batch: frames });
  } catch (error) {
    refused = error;
  }
  const fits = await model.lift({ ...request, keypoints: new Float32Array(8 * 34), count: 8, batch: 4 });
  await model.close();
  const passed = refused?.code === 'ERR_CUDA_OOM' && fits.every(Number.isFinite);
  say(
    { check: 'out of memory', code: refused?.code ?? null, message: refused?.message ?? null, passed },
    `${refused?.code}: ${refused?.message}`,
  );
  if (!passed) process.exitCode = 1;
}

const parts = { peaks, small, compiled, 'out-of-memory': outOfMemory };
const part = parts[process.argv[2]];
if (part === undefined) {
  process.stderr.write(`gpu-parts: one of ${Object.keys(parts).join(', ')} expected, got ${process.argv[2]}.\n`);
  process.exit(2);
}
await part();
