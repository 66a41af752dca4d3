#!/usr/bin/env node
// The benchmark: one run, one report. Every part of it can be had alone: --only 'windows.*243.*fp32'.
//   node bench/run.mjs [--peers] [--quick] [--only pattern] [--rounds 9] [--seconds 0.2] [--threads 2] [--out folder]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { machine } from '../dist/binding.js';
import { Bench } from './measure/bench.mjs';
import { readFlags, refuseOnly } from './measure/flags.mjs';
import { machineAbout } from './measure/machine.mjs';
import { writeResults } from './report/report.mjs';
import { assess } from './report/results.mjs';
import { shareFigure } from './report/share-figure.mjs';
import { benchReport } from './report/tables.mjs';
import { measureClips } from './sections/clips.mjs';
import { measureFolds } from './sections/folds.mjs';
import { measureJavaScript } from './sections/javascript.mjs';
import { measureStart } from './sections/start.mjs';
import { measureStream } from './sections/stream.mjs';
import { measureTraining } from './sections/training.mjs';
import { measureVideo } from './sections/video.mjs';
import { measureWindows } from './sections/windows.mjs';
import { SIDES } from './sides/sides.mjs';

const flags = readFlags('node bench/run.mjs', {
  ...{ peers: false, quick: false, only: '', sides: [''], precisions: ['fp32', 'bf16'] },
  ...{ threads: machine().threads, rounds: 9, seconds: 0.2, out: '' },
});
if (flags.quick) {
  flags.rounds = Math.min(flags.rounds, 2);
  flags.seconds = Math.min(flags.seconds, 0.1);
}
if (flags.sides[0] === '') {
  flags.sides = SIDES.filter(({ peer }) => flags.peers || !peer).map(({ side }) => side);
}
const { quick, rounds, seconds, threads } = flags;

const RESULTS = fileURLToPath(new URL('results', import.meta.url));
const PART = fileURLToPath(new URL('../out/bench', import.meta.url));
mkdirSync(PART, { recursive: true });

const FEW = Math.min(rounds, 3);
const BATCHES = [1, 16, 64, 512];
const NETWORKS = quick
  ? [{ frames: 27, layers: 3, batches: [1, 16], rounds }]
  : [
      { frames: 27, layers: 3, batches: BATCHES, rounds },
      { frames: 81, layers: 3, batches: BATCHES, rounds },
      { frames: 243, layers: 3, batches: BATCHES, rounds },
      { frames: 243, layers: 4, batches: [16, 64], rounds },
      { frames: 9, layers: 3, batches: [64], rounds: FEW },
      { frames: 351, layers: 3, batches: [16], rounds: FEW },
    ];
const VIDEO = {
  networks: quick ? [{ frames: 27, layers: 3 }] : [27, 243].map((frames) => ({ frames, layers: 3 })),
  ...{ videoFrames: quick ? 500 : 5000, rounds, pieceSeconds: 5 * seconds },
};
const FOLDS = { ...VIDEO, frames: quick ? 27 : 243, layers: 3, pieceSeconds: 3 * seconds };
const CLIPS = {
  frames: 27,
  layers: 3,
  clips: quick ? 20 : 1000,
  clipFrames: 100,
  rounds,
  pieceSeconds: 5 * seconds,
};

const bench = new Bench(flags);
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    bench.progress(`\n${signal}: what was measured is written after this turn.`);
    bench.stopping = true;
  });
}

const start = performance.now();
const sections = [
  () => measureWindows(bench, NETWORKS),
  () => measureVideo(bench, VIDEO),
  () => measureClips(bench, CLIPS),
  () => measureStream(bench, { networks: VIDEO.networks, rounds: FEW, framesARound: quick ? 30 : 200 }),
  () => measureFolds(bench, FOLDS),
  () => measureTraining(bench, { frames: 27, batch: quick ? 16 : 160, rounds, seconds: 2 * seconds }),
  () => measureStart(bench, { frames: 243, rounds: 2 * rounds }),
  () => measureJavaScript(bench, { seconds: 2 * seconds }),
];
await refuseUnknown();
for (const section of sections) {
  try {
    await section();
  } catch (error) {
    bench.miss('the rest of a section', error.message);
  }
  writeFileSync(join(PART, 'bench.json'), JSON.stringify(resultsSoFar(), null, 1));
}
bench.close();

const complete = !quick && flags.only === '' && !bench.stopping;
const results = resultsSoFar(complete);
// Only a whole run takes the place of the committed one.
const folder = flags.out || (complete ? RESULTS : PART);
mkdirSync(folder, { recursive: true });
const picture = shareFigure(results);
if (picture) {
  writeFileSync(join(folder, 'bench.svg'), picture);
}
writeResults('bench', results, benchReport(results), { folder });

/** False for a pattern that is none. */
function matches(label) {
  try {
    return new RegExp(flags.only, 'i').test(label);
  } catch {
    return false;
  }
}

/** Ends with what there is where `--only` names none of it. */
async function refuseUnknown() {
  bench.listing = true;
  for (const section of sections) await section();
  bench.listing = false;
  if (bench.labels.some((label) => matches(label))) return;
  bench.close();
  refuseOnly(flags.only, bench.labels);
}

function resultsSoFar(complete = false) {
  const peaks = bench.largestPeaks;
  const minutes = Number(((performance.now() - start) / 60_000).toFixed(1));
  const date = new Date().toISOString().slice(0, 10);
  const about = { ...machineAbout(), date, threads, rounds, seconds, sides: flags.sides, complete, minutes };
  return { about, peaks, rows: assess(bench.rows, peaks), missing: bench.missing };
}
