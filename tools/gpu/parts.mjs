// Small runs on the CUDA device, for tools/gpu/check.sh:
//   node tools/gpu/parts.mjs peaks|small|errors|speeds|kernels|linear-backward|out-of-memory [precision...]
import { appendFileSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { createRandom } from '../../dist/base/random.js';
import { createNativeModel, measurePeak, runOp } from '../../dist/binding.js';
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

const emulated = process.env.PSTMO_PREBUILD !== undefined;
const SHAPES = emulated
  ? [{ name: 'small', model: { frames: 9, layers: 1, width: 32, hidden: 32 }, windows: 2, video: 4 }]
  : [
      { name: 'P-STMO-S, N = 243', model: { frames: 243 }, windows: 2048, video: 20_000 },
      { name: 'P-STMO, N = 243', model: { frames: 243, layers: 4 }, windows: 2048, video: 20_000 },
      { name: 'P-STMO-S, N = 81', model: { frames: 81 }, windows: 4096, video: 40_000 },
      { name: 'P-STMO-S, N = 27', model: { frames: 27 }, windows: 8192, video: 80_000 },
    ];

/** How far the compiled lifter is from op by op, on every shape. */
async function errors() {
  for (const { name, model } of SHAPES) {
    for (const precision of ['bf16', 'tf32', 'fp32']) {
      const error = await compiledError(parseModelConfig(model), precision, emulated ? 2 : 8);
      const passed = error < COMPILED_TOLERANCE[precision];
      if (!passed) process.exitCode = 1;
      const said = `${name}, ${precision}: compiled is ${error.toExponential(1)} from op by op in fp32${passed ? '' : ', too much'}`;
      say({ check: `compiled, ${name}, ${precision}`, error, passed }, said);
    }
  }
}

/** How fast the compiled lifter is beside op by op, copies included, in the precisions that are named. */
async function speeds(...precisions) {
  for (const [i, { name, model, windows, video }] of SHAPES.entries()) {
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
    for (const precision of precisions) {
      process.stdout.write(`${name}, ${precision}\n`);
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

/** The kernel that each stage of the compiled lifter is. */
const KERNELS = {
  'spatial encoder': 'encoderKernel',
  'strided convolution': 'gatherMatmulKernel',
  head: 'gatherMatmulKernel',
  'norm, Q K V': 'normMatmulKernel',
  'strided layer, expand': 'normMatmulKernel',
  'attention, output': 'fusedAttentionKernel',
  'feed-forward': 'feedForwardKernel',
};
const FORECAST_WINDOWS = 2304;

/** Milliseconds of each kernel, all template arguments together, by the forecast of docs/gpu.md for windows in bf16. */
function forecastOf() {
  const text = readFileSync(new URL('../../docs/gpu.md', import.meta.url), 'utf8');
  const section = /^### windows:bf16, 2304 windows[\s\S]*?(?=^#)/m.exec(text)[0];
  const kernels = new Map();
  for (const [, kernel, ms] of section.matchAll(/^\| (\w+)[^|]*\| ([\d.]+) \|/gm))
    kernels.set(kernel, (kernels.get(kernel) ?? 0) + Number(ms));
  return kernels;
}

/** The compiled lifter's time kernel by kernel, bf16, N = 243, beside the forecast. */
async function kernels() {
  const { model } = SHAPES[0];
  const windows = emulated ? 2 : FORECAST_WINDOWS;
  const config = parseModelConfig(model);
  const lifter = await randomModel(config, { precision: 'bf16', compiled: 'on' });
  const whole = { keypoints: randomKeypoints(windows * config.frames), batch: windows };
  await lifter.liftWindows(whole);
  const runs = [];
  for (let run = 0; run < 5; run++) {
    await lifter.startProfile('stages');
    await lifter.liftWindows(whole);
    const stages = new Map();
    for (const { op, seconds: time } of await lifter.stopProfile()) stages.set(op, (stages.get(op) ?? 0) + 1000 * time);
    runs.push(stages);
  }
  await lifter.close();
  const measured = new Map();
  for (const stage of runs[0].keys()) {
    const ms = runs.map((stages) => stages.get(stage)).sort((a, b) => a - b)[2];
    say({ probe: `stage ${stage}, ${windows} windows, bf16`, value: ms, unit: 'ms' }, `${ms.toFixed(3)} ms  ${stage}`);
    const kernel = KERNELS[stage] ?? stage;
    measured.set(kernel, (measured.get(kernel) ?? 0) + ms);
  }
  if (emulated) process.stdout.write('Times of the emulated device, beside a forecast for an H200:\n');
  const forecasts = forecastOf();
  for (const [kernel, ms] of measured) {
    const forecast = forecasts.get(kernel);
    if (forecast === undefined) {
      say(
        { compare: kernel, forecast: null, measured: ms, unit: 'ms' },
        `${kernel}: measured ${ms.toFixed(2)} ms, no forecast`,
      );
      continue;
    }
    const ratio = ms / forecast;
    const off = Math.abs(ratio - 1) > 0.2 ? ', over 20% off' : '';
    say(
      { compare: kernel, forecast, measured: ms, unit: 'ms', ratio },
      `${kernel}: forecast ${forecast.toFixed(2)} ms, measured ${ms.toFixed(2)} ms, ${ratio.toFixed(2)} times${off}`,
    );
  }
}

/** A linear layer's backward pass at a training step's shape, by cuBLASLt where one is found and by own kernels. */
function linearBackward() {
  const [rows, inside, outside] = emulated ? [64, 32, 32] : [160 * 243, 256, 768];
  const values = (count) => new Float32Array(count).fill(0.01);
  for (const matmul of ['auto', 'own']) {
    const tensors = {
      ...{ x: values(rows * inside), weight: values(outside * inside), dZ: values(rows * outside) },
      ...{ dX: values(rows * inside), dWeight: values(outside * inside), dBias: values(outside) },
    };
    const device = { device: 'cuda:0', precision: 'bf16', threads: 0, isa: 'auto', matmul };
    const time = runOp(device, 'linearBackward', tensors, { rows, in: inside, out: outside }, emulated ? 1 : 20);
    const value = 1000 * time;
    say(
      { probe: `linearBackward ${rows} x ${inside} -> ${outside}, bf16, matmul ${matmul}`, value, unit: 'ms' },
      `linearBackward, matmul ${matmul}: ${value.toFixed(3)} ms`,
    );
  }
}

/** Op by op, a batch that no device holds is refused by its code, and the device goes on afterwards. */
async function outOfMemory() {
  // On the emulated device PSTMO_EMULATION_MEMORY makes it small.
  const [frames, width] = process.env.PSTMO_EMULATION_MEMORY ? [512, 64] : [1 << 20, 256];
  const config = nativeConfig(parseModelConfig({ frames: 27, width, hidden: 2 * width }));
  const model = createNativeModel(config, { device: 'cuda:0', precision: 'fp32', threads: 0, compiled: 'off' });
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

const parts = {
  peaks,
  small,
  errors,
  speeds,
  kernels,
  'linear-backward': linearBackward,
  'out-of-memory': outOfMemory,
};
const part = parts[process.argv[2]];
if (part === undefined) {
  process.stderr.write(`gpu-parts: one of ${Object.keys(parts).join(', ')} expected, got ${process.argv[2]}.\n`);
  process.exit(2);
}
await part(...process.argv.slice(3));
