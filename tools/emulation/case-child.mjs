// Runs cases of operations and of the compiled lifter on the emulated device, one after another, up to the first that is wrong. It is a
// separate process, since a mutated kernel may end it.
//   node tools/emulation/case-child.mjs <addon> <file>:<precision>:<products>[:<file for what was reached>] ...
// Exit status 0: all right; 1: one is wrong or was stopped, and why stands on standard output.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import v8 from 'node:v8';
import { narrowed, widened } from './narrow.mjs';

const [addon, ...cases] = process.argv.slice(2);
const { NativeModel, runOp } = createRequire(import.meta.url)(addon);

/** ||out - expected|| / ||expected||, as test/native/op-case.ts has it. */
function errorOf(output, { at, values }) {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < values.length; i++) {
    difference += (output[at ? at[i] : i] - values[i]) ** 2;
    norm += values[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

/** Poses of a case of the compiled lifter, with weights that are the same on every device. */
async function poses({ config, batch = 1, video, withoutFolds }, options) {
  const model = new NativeModel(config, { threads: 1, ...options, ...(withoutFolds && { withoutFolds }) });
  await model.initialize(7);
  for (const { name } of model.tensors.filter(({ name }) => /norm|bn_|fcn\.0|a_2|b_2|running/.test(name))) {
    const values = await model.read('value', name);
    await model.write(
      'value',
      name,
      values.map((value, i) => value + 0.2 * Math.sin(1.7 * i + name.length)),
    );
  }
  // Weights as they are drawn attend to all tokens alike, which hides who is attended to.
  for (const { name } of model.tensors.filter(({ name }) => /self_attn\.linears\.[01]\.weight/.test(name))) {
    const values = await model.read('value', name);
    await model.write(
      'value',
      name,
      values.map((value) => 3 * value),
    );
  }
  const frames = video ? video.lengths.reduce((sum, length) => sum + length) : batch * config.frames;
  const keypoints = Float32Array.from({ length: frames * config.joints * 2 }, (_, i) => Math.sin(0.7 * i + (i % 5)));
  if (!video) return model.liftWindows({ keypoints, batch });
  const { lengths, stride, flip, first = 0, count = frames } = video;
  const clips = lengths.length > 1 && { lengths: Int32Array.from(lengths) };
  return model.lift({ keypoints, stride, flip, first, count, batch: 0, ...clips });
}

async function lifterComplaint({ lifterCase, tolerance }, precision) {
  const values = await poses(lifterCase, { device: 'cpu', precision: 'fp32', compiled: 'off' });
  const error = errorOf(await poses(lifterCase, { device: 'cuda:0', precision, compiled: 'on', matmul: 'own' }), {
    values,
  });
  return error < tolerance ? undefined : `lifter: ${lifterCase.about} is wrong by ${error}`;
}

/** Precision "narrow": bf16, and so are the arrays that may be. */
function opComplaint({ op, tensors, narrow, attributes, expected, tolerances }, precision, matmul) {
  const device = { device: 'cuda:0', isa: 'auto', threads: 1, matmul };
  const arrays = narrowed(tensors, precision === 'narrow' ? narrow : []);
  runOp({ ...device, precision: precision === 'narrow' ? 'bf16' : precision }, op, arrays, attributes);
  const results = widened(arrays);
  for (const [name, wanted] of Object.entries(expected)) {
    const error = errorOf(results[name], wanted);
    if (!(error < tolerances[precision])) return `${op}: ${name} is wrong by ${error}`;
  }
  return undefined;
}

async function complaint([file, precision, matmul, reached]) {
  process.env.PSTMO_EMULATION_REACHED = reached ?? '';
  const one = v8.deserialize(readFileSync(file));
  try {
    return await (one.lifterCase ? lifterComplaint(one, precision) : opComplaint(one, precision, matmul));
  } catch (error) {
    return `${one.op ?? 'lifter'}: ${error.message}`;
  }
}

for (const text of cases) {
  const found = await complaint(text.split(':'));
  if (found !== undefined) {
    console.log(found);
    process.exitCode = 1;
    break;
  }
}
