// Small runs on the CUDA device, for scripts/gpu-check.sh:
//   node scripts/gpu-parts.mjs peaks|small|out-of-memory
import { appendFileSync } from 'node:fs';
import process from 'node:process';
import { createNativeModel, measurePeak } from '../dist/binding.js';
import { parseModelConfig } from '../dist/models/config.js';
import { nativeConfig } from '../dist/models/native-config.js';
import { stepRecords } from '../dist/models/profile.js';

const PRECISIONS = ['fp32', 'tf32', 'bf16'];

/** A line for the JSON, and for people. */
function say(record, text) {
  if (process.env.data) appendFileSync(process.env.data, `${JSON.stringify(record)}\n`);
  process.stdout.write(`${text}\n`);
}

async function peaks() {
  for (const what of [...PRECISIONS, 'copy']) {
    const value = await measurePeak(0, what, 1, 'cuda:0');
    const unit = what === 'copy' ? 'GB/s' : 'GFLOP/s';
    say({ probe: `peak of ${what}`, value, unit }, `${what}: ${value.toFixed(0)} ${unit}`);
  }
}

/** Every kind of op once or more: both stages, forward and a training step, refining, in each precision. */
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

const parts = { peaks, small, 'out-of-memory': outOfMemory };
const part = parts[process.argv[2]];
if (part === undefined) {
  process.stderr.write(`gpu-parts: one of ${Object.keys(parts).join(', ')} expected, got ${process.argv[2]}.\n`);
  process.exit(2);
}
await part();
