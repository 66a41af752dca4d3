// Ours and the PyTorch oracle train Stage II on one prepared file: the same samples in the same order, the same initial weights.
//   node bench/studies/training-parity/run.mjs <dataset> [--samples 52000] [--frames 27] [--batch 160] [--dropout 0] [--threads 2] [--out folder]
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readDataset } from '../../../dist/datasets/dataset-file.js';
import { lineChart, picture } from '../../../dist/figures/index.js';
import { parseModelConfig } from '../../../dist/networks/config.js';
import { human36m17 } from '../../../dist/skeletons/human36m.js';
import { epochSamples } from '../../../dist/training/sampler.js';
import { COSINE_INTERVAL, learningRateAt } from '../../../dist/training/schedule.js';
import { readFlags } from '../../measure/flags.mjs';
import { machineAbout } from '../../measure/machine.mjs';
import { machineLine, markdownTable, writeResults } from '../../report/report.mjs';
import { Runner } from '../../sides/runner.mjs';
import { BLOCK, compareLosses } from './compare-losses.mjs';
import { OurTraining } from './our-training.mjs';

const flags = readFlags('node bench/studies/training-parity/run.mjs <dataset>', {
  ...{ samples: 52000, frames: 27, batch: 160, dropout: 0, threads: 2, seed: 0, out: '' },
  // Frames of each test sequence, around its middle, that are tested.
  'test-frames': 8,
});
const { frames, batch, dropout, threads, seed } = flags;
const [path] = flags.positionals;
if (path === undefined) {
  process.stderr.write('Name a data set that `pstmo prepare` made.\n');
  process.exit(2);
}
const SCHEDULE = { kind: 'cosine', floor: 2e-5 };
const LEARNING_RATE = 1e-3;
const LIMIT_MM = 2;
const results = flags.out || fileURLToPath(new URL('../../results', import.meta.url));

const dataset = await readDataset(path, { splits: ['train', 'test'] });
const training = dataset.sequences.filter(({ split }) => split === 'train');
const config = parseModelConfig({ frames, dropout, seed });
const samples = drawSamples(training);
const tests = testRuns(dataset.sequences.filter(({ split }) => split === 'test'));
const folder = mkdtempSync(join(tmpdir(), 'pstmo-parity-'));
const ours = new OurTraining(config, { batch, threads });
const theirs = new Runner('python', 'studies/training-parity/torch_training.py', { threads });
try {
  const weights = join(folder, 'initial.safetensors');
  await ours.open(training, weights);
  const { left, right } = human36m17;
  const opening = { dataset: path, weights, frames, batch, dropout, threads, left, right };
  const { name } = await theirs.ask(opening);
  const losses = await trainBoth();
  const testWindows = tests.flatMap(({ sequence, first, count }) =>
    Array.from({ length: count }, (_, i) => [sequence.name, first + i, 0]),
  );
  const errors = { ours: await ours.test(tests), theirs: (await theirs.ask({ test: testWindows })).errorMm };
  write(name, losses, errors, testWindows.length);
} finally {
  await ours.close();
  await theirs.close();
  rmSync(folder, { recursive: true });
}

/** [sequence name, centre frame, mirrored] of one epoch's beginning, in the order of our own trainings. */
function drawSamples(sequences) {
  const sampled = sequences.map((sequence, index) => ({ index, frames: sequence.frames, valid: sequence.valid }));
  const drawn = epochSamples({ sequences: sampled, every: 1, samplesPerEpoch: flags.samples, batch, seed }, 0);
  return Array.from({ length: drawn.length / 3 }, (_, i) => {
    return [sequences[drawn[3 * i]].name, drawn[3 * i + 1], drawn[3 * i + 2]];
  });
}

function testRuns(sequences) {
  return sequences.map((sequence) => {
    const count = Math.min(flags['test-frames'], sequence.frames);
    return { sequence, first: (sequence.frames - count) >> 1, count };
  });
}

/** Both sides, some steps each in turn; a JSON line a step goes into bench/results. */
async function trainBoth() {
  mkdirSync(results, { recursive: true });
  const lines = join(results, 'training-parity.jsonl');
  writeFileSync(lines, '');
  const totalSteps = Math.ceil(samples.length / batch);
  const losses = { ours: [], theirs: [] };
  for (let step = 0; step < totalSteps; step += COSINE_INTERVAL) {
    const part = samples.slice(step * batch, (step + COSINE_INTERVAL) * batch);
    const learningRate = learningRateAt(SCHEDULE, LEARNING_RATE, { epoch: 0, step, totalSteps });
    const our = await ours.train(part, learningRate);
    const their = (await theirs.ask({ samples: part, learningRate })).losses;
    losses.ours.push(...our);
    losses.theirs.push(...their);
    const rows = our.map((loss, i) => ({ step: step + i + 1, learningRate, ours: loss, theirs: their[i] }));
    appendFileSync(lines, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const last = rows.at(-1);
    process.stderr.write(`step ${last.step}/${totalSteps}: ${last.ours[0].toFixed(5)} ${last.theirs[0].toFixed(5)}\n`);
  }
  return losses;
}

function write(peer, losses, errors, windows) {
  const compared = compareLosses(...[losses.ours, losses.theirs].map((all) => all.map(([total]) => total)));
  const difference = Math.abs(errors.ours - errors.theirs);
  const about = { ...machineAbout(), date: new Date().toISOString().slice(0, 10), device: ours.device, peer };
  const within = difference < LIMIT_MM;
  const first = Math.max(...losses.ours.slice(0, 10).map(([total], i) => Math.abs(total / losses.theirs[i][0] - 1)));
  const set = { dataset: dataset.name, samples: samples.length, frames, batch, dropout, seed, windows };
  const curve = (name, key) => ({ name, points: compared.blocks.map((block) => [block.step * batch, block[key]]) });
  if (compared.blocks.length > 1) {
    const title = 'Training loss, Stage II';
    const series = [curve('pstmo', 'ours'), { ...curve(peer, 'theirs'), dashed: true }];
    const chart = lineChart({ title, xLabel: 'samples', yLabel: 'metres', logarithmic: true, series });
    writeFileSync(join(results, 'training-parity.svg'), picture(chart));
  }
  const every = Math.max(1, Math.floor(compared.blocks.length / 10));
  const rows = compared.blocks
    .filter((_, i) => (i + 1) % every === 0)
    .map((block) => [
      String(block.step * batch),
      ...[block.ours, block.theirs].map((loss) => loss.toFixed(4)),
      block.inNoise.toFixed(2),
    ]);
  const text = `# Training parity with PyTorch

Stage II of P-STMO-S, N = ${frames}, float32, dropout ${dropout}, batch ${batch}, ${samples.length} samples of ${dataset.name}, the same in the same order on both
sides, from the same initial weights (ours); Adam with amsgrad, learning rate ${LEARNING_RATE} falling to ${SCHEDULE.floor} along half a cosine.
${machineLine(about)}; ours: ${about.device}; the other: ${peer}. ${about.date}.

${markdownTable(
  ['test', 'ours', 'PyTorch', 'difference'],
  [
    [
      'MPJPE, mm',
      errors.ours.toFixed(2),
      errors.theirs.toFixed(2),
      `${difference.toFixed(2)} (${within ? 'within' : 'beyond'} ${LIMIT_MM})`,
    ],
  ],
)}

The test: mirrored mean, root at zero, ${windows} windows around the middle of every test sequence.

![Losses](training-parity.svg)

The losses of the first ten steps agree to ${first.toExponential(1)} relative. After that rounding grows, as it does between any two float32
runs; what counts is the mean of ${BLOCK} steps against its standard error (from the scatter of neighbouring batches): on average
${compared.meanInNoise.toFixed(2)} standard errors apart, at most ${compared.largestInNoise.toFixed(2)}.

${markdownTable(['samples', 'ours', 'PyTorch', 'apart, in standard errors'], rows)}`;
  writeResults('training-parity', { about, set, errors, difference, within, firstTenSteps: first, ...compared }, text, {
    folder: results,
  });
  process.exitCode = within ? 0 : 1;
}
