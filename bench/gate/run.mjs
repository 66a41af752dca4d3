// Holds every matmul of the model, and the compiled lifter, to half of its committed share of the machine's multiply-add peak, kernel and peak measured side by
// side on one thread. Shares carry over between machines of one instruction set, and loads, where times do not.
//   node bench/gate/run.mjs [--write] [--only text]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { machine, measurePeak } from '../../dist/binding.js';
import { chooseOnly, readFlags } from '../measure/flags.mjs';
import { gateCases } from './cases.mjs';
import { FLOOR, gateDecision } from './decision.mjs';

const flags = readFlags('node bench/gate/run.mjs', { write: false, only: '' });
const TABLE = fileURLToPath(new URL('../results/kernel-ratios.json', import.meta.url));
const PEAK_SECONDS = 0.002;
const PEAKS_A_TURN = 2;
const TURNS = flags.write ? 60 : 12;
/** A kernel below the floor goes on taking turns until a quiet moment shows that it is not slow, all of them together this long. */
const PATIENCE_MS = 80_000;

const { isas, bf16 } = machine();
const [isa] = isas;
const precisions = ['fp32', ...(bf16 ? ['bf16'] : [])];
const cases = chooseOnly(gateCases, flags.only, ({ name }) => name);
const table = existsSync(TABLE) ? JSON.parse(readFileSync(TABLE, 'utf8')) : {};

let patience = PATIENCE_MS;

/**
 * Best rate and largest peak of some short turns: a busy machine only ever lowers either. Ends early above `enough`, and has patience
 * below it.
 */
async function measure({ open, flops }, precision, enough) {
  const { turn: run, close } = await open(precision);
  let rate = 0;
  let peak = 0;
  for (let turn = 0; turn < TURNS || (rate < enough * peak && patience > 0); turn++) {
    const start = performance.now();
    for (let i = 0; i < PEAKS_A_TURN; i++) {
      peak = Math.max(peak, await measurePeak(1, precision, PEAK_SECONDS));
    }
    rate = Math.max(rate, (1e-9 * flops) / (await run()));
    if (rate >= enough * peak && enough > 0 && turn > 0) {
      break;
    }
    patience -= turn < TURNS ? 0 : performance.now() - start;
  }
  await close();
  return { rate, peak };
}

/** Shares by name. */
async function measureAll(precision, committed) {
  const shares = {};
  let largest = 0;
  for (const one of cases) {
    const { name } = one;
    shares[name] = await measure(one, precision, FLOOR * (committed[name] ?? 0));
    largest = Math.max(largest, shares[name].peak);
  }
  // To be committed, a share must not be flattered by a peak that was disturbed; to be judged, it may.
  const over = (own) => (flags.write ? largest : own);
  return Object.fromEntries(
    Object.entries(shares).map(([name, { rate, peak }]) => [name, Number((rate / over(peak)).toFixed(3))]),
  );
}

async function judge() {
  const own = table[isa];
  if (own === undefined) {
    const known = Object.keys(table).join(', ') || 'none';
    return console.log(
      `Skipped: no shares are committed for ${isa} (committed: ${known}). \`npm run bench:gate -- --write\` adds them.`,
    );
  }
  for (const precision of Object.keys(own).filter((name) => !precisions.includes(name))) {
    console.log(`Skipped: ${precision}: this machine has no such matrix products.`);
  }
  let failed = 0;
  for (const precision of precisions.filter((name) => name in own)) {
    const measured = await measureAll(precision, own[precision]);
    const { below, unknown, stale } = gateDecision(own[precision], measured);
    failed += below.length;
    const held = Object.keys(measured).length - below.length - unknown.length;
    console.log(`${precision}: ${held} kernels above ${100 * FLOOR}% of their committed share of the peak.`);
    for (const { name, measured: now, committed } of below) {
      console.log(
        `  below: ${name}: ${(100 * now).toFixed(0)}% of the peak, committed ${(100 * committed).toFixed(0)}%`,
      );
    }
    for (const name of unknown) {
      console.log(`  no committed share: ${name}`);
    }
    for (const name of flags.only ? [] : stale) {
      console.log(`  committed, but measured no more: ${name}`);
    }
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

async function write() {
  table[isa] = {};
  for (const precision of precisions) {
    table[isa][precision] = await measureAll(precision, {});
  }
  writeFileSync(TABLE, `${JSON.stringify(table, null, 1)}\n`);
  console.log(`${TABLE}: ${precisions.join(' and ')} of ${isa}, ${cases.length} kernels each`);
}

await (flags.write ? write() : judge());
