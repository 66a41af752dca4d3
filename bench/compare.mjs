#!/usr/bin/env node
// Another build of this project beside this one, in turns: windows per second of the compiled lifter, and their ratio round by round.
//   node bench/compare.mjs FOLDER [--frames 27,243] [--precisions fp32,bf16] [--rounds 9] [--seconds 1] [--threads 0] [--least 0.98]
// FOLDER is a checkout that was built (`npm ci`). Ends with 1 where a median ratio (this build / the other) is under --least.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readFlags } from './measure/flags.mjs';
import { interleave, ratios, summary } from './measure/rounds.mjs';
import { modelFiles, poseDifference } from './sides/model-files.mjs';
import { Runner } from './sides/runner.mjs';

/** Windows of one call: about 8,000 rows of the network, so that every weight is read once for many of them. */
const ROWS = 7776;
const LAYERS = 3;
/** Of the pose's root mean square. */
const TOLERANCE = { fp32: 1e-4, bf16: 0.1 };
/** Where the runner of a checkout lies, newest layout first. */
const SCRIPTS = ['bench/sides/node/pstmo-speed.mjs', 'bench/runners/pstmo-speed.mjs'];
const LISTS = ['bench/sides/sides.mjs', 'bench/sides.mjs'];

const defaults = { frames: [27, 243], precisions: ['fp32', 'bf16'], rounds: 9, seconds: 1, threads: 0, least: 0.98 };
const flags = readFlags('node bench/compare.mjs FOLDER', defaults);
const [folder, ...more] = flags.positionals;
if (folder === undefined || more.length > 0) {
  console.error('node bench/compare.mjs FOLDER: expected one folder, of another checkout that was built with npm ci.');
  process.exit(2);
}
const sides = await Promise.all([checkout('this', resolve(import.meta.dirname, '..')), checkout('other', folder)]);
const models = mkdtempSync(join(tmpdir(), 'pstmo-compare-'));
let slower = 0;
try {
  console.log('| network | precision | this build | the other | ratio, median (least to greatest) |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const frames of flags.frames) {
    const batch = Math.max(1, Math.round(ROWS / frames));
    const model = await modelFiles(models, { frames, layers: LAYERS }, batch);
    for (const precision of flags.precisions) await compare(model, batch, precision);
  }
} finally {
  rmSync(models, { recursive: true, force: true });
}
process.exitCode = slower > 0 ? 1 : 0;

/** How a checkout is asked: its runner's script and the name of its compiled lifter among the sides. */
async function checkout(name, where) {
  const root = resolve(where);
  const first = (files) => files.map((file) => join(root, file)).find((file) => existsSync(file));
  const script = first(SCRIPTS);
  if (script === undefined) throw new Error(`${where}: expected a checkout with ${SCRIPTS.join(' or ')}.`);
  const { SIDES } = await import(pathToFileURL(first(LISTS)).href);
  return { name, script, side: SIDES.find((one) => one.script.endsWith('pstmo-speed.mjs')).side };
}

async function compare({ frames, files, pose }, batch, precision) {
  const opened = [];
  const cells = [];
  try {
    for (const { name, script, side } of sides) {
      const runner = new Runner('node', script, flags);
      opened.push(runner);
      const request = {
        task: 'windows',
        files,
        frames,
        layers: LAYERS,
        precision,
        threads: flags.threads,
        batch,
        side,
      };
      const about = await runner.ask(request);
      const difference = poseDifference(about.pose, pose);
      if (difference > TOLERANCE[precision]) {
        throw new Error(`${name}, N = ${frames} ${precision}: its pose differs by ${difference.toPrecision(2)}.`);
      }
      cells.push({ runner, about, itemsAStep: batch });
    }
    await interleave(cells, flags);
  } finally {
    await Promise.all(opened.map((runner) => runner.close()));
  }
  const [ours, theirs] = cells.map(({ rates }) => rates);
  const ratio = ratios(ours, theirs);
  const rate = (rates) => summary(rates).median.toFixed(1);
  const spread = `${ratio.median.toFixed(3)} (${ratio.least.toFixed(3)} to ${ratio.greatest.toFixed(3)})`;
  console.log(`| S N = ${frames}, ${batch} windows | ${precision} | ${rate(ours)} | ${rate(theirs)} | ${spread} |`);
  if (ratio.median < flags.least) slower++;
}
