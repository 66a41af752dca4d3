// Records the launches of one job on the emulated device, for tools/ptx/count.py.
//   node tools/ptx/record.mjs <job> <file>
// Jobs: `<what>:<precision>[:dry]`, what one of `ops` (every case of an operation, with arrays in bf16 too where they may be), `lifter` (the
// compiled lifter's small cases), `windows` and `video` (the compiled lifter at the published shape), `stage1` and `stage2` (a training step
// at the published shape). Dry: launches alone, at the batch of the forecast, 2,304 windows or 160 samples.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiledCases, writeCases, writeLifterCases } from '../emulation/cases.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const addon = path.join(root, 'build/emulated/build/Release/pstmo.node');
const WHAT = ['ops', 'lifter', 'windows', 'video', 'stage1', 'stage2'];
/** P-STMO-S at N = 243. */
const PUBLISHED = { frames: 243, width: 256, hidden: 512, heads: 8, layers: 3, mlpBlocks: 1 };

const [job, file, inner] = process.argv.slice(2);
const [what, precision, dry] = (job ?? '').split(':');
if (!WHAT.includes(what) || !['fp32', 'tf32', 'bf16'].includes(precision) || file === undefined) {
  console.error(
    `record: expected <${WHAT.join('|')}>:<fp32|tf32|bf16>[:dry] <file>, got "${job ?? ''} ${file ?? ''}".`,
  );
  process.exit(2);
}

/** The cases of `what` in files, as tools/emulation/case-child.mjs takes them. */
async function cases() {
  const folder = path.join(root, 'build/ptx/cases');
  const compiled = await compiledCases(root);
  const written = what === 'ops' ? writeCases(compiled.opCases, folder) : [];
  if (what === 'lifter') {
    mkdirSync(folder, { recursive: true });
    written.push(...writeLifterCases(compiled, folder).filter(({ long }) => !long));
  }
  const wanted = precision === 'bf16' ? ['bf16', 'narrow'] : [precision];
  return written
    .map(({ argument }) => argument)
    .filter((one) => one.endsWith(':own') && wanted.includes(one.split(':').at(-2)));
}

/** Keypoints, poses: numbers in [-1, 1] that are the same each time. */
const pattern = (length) => Float32Array.from({ length }, (_, i) => Math.sin(12.9898 * i) * Math.cos(0.37 * i));

/** One pass or step of the published network. */
async function published() {
  const { NativeModel } = createRequire(import.meta.url)(addon);
  const { nativeConfig } = await import(
    pathToFileURL(path.join(root, 'build/op-cases/test/helpers/native-model.js')).href
  );
  const training = what.startsWith('stage');
  const config = nativeConfig({ ...PUBLISHED, stage: what === 'stage1' ? 1 : 2, dropout: training ? 0.1 : 0 });
  const options = { device: 'cuda:0', precision, threads: 1, matmul: 'own', compiled: training ? 'off' : 'on' };
  const model = new NativeModel(config, options);
  await model.initialize(7);
  const batch = training ? (dry ? 160 : 1) : dry ? 2304 : 2;
  const { frames, joints, outputJoints } = config;
  if (what === 'windows') {
    await model.liftWindows({ keypoints: pattern(batch * frames * joints * 2), batch });
  } else if (what === 'video') {
    const keypoints = pattern(batch * joints * 2);
    await model.lift({ keypoints, stride: 1, flip: false, first: 0, count: batch, batch });
  } else {
    await model.setSequences({
      keypoints: pattern(frames * joints * 2),
      poses: pattern(frames * outputJoints * 3),
      lengths: Int32Array.of(frames),
    });
    const hidden = (count, every) => Uint8Array.from({ length: count }, (_, i) => Number(i % every > 0));
    const masks = { masked: hidden(frames, 5), jointMask: hidden(frames * joints, 8).map((seen) => 1 - seen) };
    await model.train({
      samples: Int32Array.from({ length: 3 * batch }, (_, i) => (i % 3 === 1 ? (i / 3) % frames : 0)),
      batch,
      stride: 1,
      shuffleFrames: false,
      flip: false,
      learningRate: 1e-4,
      seed: 1,
      firstStep: 0,
      update: true,
      ...(what === 'stage1' && masks),
    });
  }
  await model.close();
}

if (inner === 'inner') {
  await published();
} else {
  rmSync(file, { force: true });
  const env = {
    ...process.env,
    PSTMO_EMULATION_RECORD: path.resolve(file),
    ...(dry && { PSTMO_EMULATION_DRY: '1', PSTMO_EMULATION_MEMORY: `${139 * 2 ** 30}` }),
  };
  const child =
    what === 'ops' || what === 'lifter'
      ? [path.join(root, 'tools/emulation/case-child.mjs'), addon, ...(await cases())]
      : [import.meta.filename, job, file, 'inner'];
  execFileSync(process.execPath, child, { env, stdio: 'inherit' });
}
