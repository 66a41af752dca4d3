// How much of the machine's own multiply-add peak each operation of the model reaches, peak and operation measured in turns; memory
// bounds the others, which have their GB/s.
//   node bench/studies/kernels.mjs [--rows 4320] [--precisions fp32,bf16] [--threads 2] [--rounds 7] [--only text] [--json] [--out folder]
import { measurePeak, opCost, runOp } from '../../dist/binding.js';
import { chooseOnly, readFlags } from '../measure/flags.mjs';
import { machineAbout } from '../measure/machine.mjs';
import { matmulCases } from '../measure/model-matmuls.mjs';
import { rowCases } from '../measure/model-rows.mjs';
import { summary } from '../measure/rounds.mjs';
import { machineLine, markdownTable, spreadText, writeResults } from '../report/report.mjs';

const flags = readFlags('node bench/studies/kernels.mjs', {
  ...{ rows: 4320, precisions: ['fp32', 'bf16'], threads: 2, rounds: 7, only: '', json: false, out: '' },
});
const { threads, rounds } = flags;
const PEAK_SECONDS = 0.05;
const TURN_SECONDS = 0.05;

/** Rounds of peak and operation; the largest peak of the run counts, since a busy machine only ever lowers it. */
async function measure({ shape, part, op, attributes, tensors }, precision) {
  const device = { device: 'cpu', precision, threads, isa: 'auto' };
  // Warms caches and packed weights up and tells how long one run takes.
  const first = runOp(device, op, tensors, attributes, 3);
  const repeats = Math.max(3, Math.round(TURN_SECONDS / first));
  const peaks = [await measurePeak(threads, precision, PEAK_SECONDS)];
  const seconds = [];
  for (let round = 0; round < rounds; round++) {
    seconds.push(runOp(device, op, tensors, attributes, repeats));
    peaks.push(await measurePeak(threads, precision, PEAK_SECONDS));
  }
  const { flops, bytes } = opCost(op, tensors, attributes);
  return { precision, shape, part, op, flops, bytes, repeats, seconds, peaks };
}

/** Share of the precision's peak, which is the largest that was seen beside any of its shapes. */
function rated(measured) {
  const peak = Math.max(...measured.flatMap(({ peaks }) => peaks));
  return measured.map((row) => {
    const { flops, bytes, seconds } = row;
    const gflops = flops > 0 && summary(seconds.map((time) => (1e-9 * flops) / time));
    const own = Math.max(...row.peaks);
    const share = flops > 0 && summary(seconds.map((time) => (1e-7 * flops) / time / own));
    const gigabytes = flops === 0 && summary(seconds.map((time) => (1e-9 * bytes) / time));
    return { ...row, peak: own, peakOfRun: peak, gflops, share, gigabytes };
  });
}

function line({ shape, part, peak, gflops, share, gigabytes, seconds }) {
  const microseconds = (1e6 * summary(seconds).median).toFixed(0);
  return [
    `${shape}, ${part}`,
    microseconds,
    gflops ? gflops.median.toFixed(0) : '',
    gflops ? peak.toFixed(0) : '',
    share ? `${spreadText(share)}%` : '',
    gigabytes ? gigabytes.median.toFixed(1) : '',
  ];
}

function report(about, rows) {
  const titles = ['', 'µs', 'GFLOP/s', 'peak GFLOP/s', 'share of peak', 'GB/s'];
  const tables = flags.precisions.map((precision) => {
    const own = rows.filter((row) => row.precision === precision);
    return `## ${precision}, peak ${own[0].peakOfRun.toFixed(0)} GFLOP/s\n\n${markdownTable(titles, own.map(line))}`;
  });
  return `# Kernels at the model's shapes

${flags.rows} rows (batch ${Math.round(flags.rows / 27)} at N = 27), ${threads} threads, ${rounds} rounds: the median of about ${TURN_SECONDS * 1000} ms of runs each, with least
and greatest in brackets. The peak is that of fused multiply-adds (bf16: pairs of products) in registers on as many threads, measured
before and after each round; a shape's share is of the largest peak seen beside it, since others on the machine can only lower it.
Weights are packed before the first run; a training step packs each one once, which is not in these times. Attention counts its products
alone, not the exponentials.

${machineLine(about)}, on ${about.date}.

${tables.join('\n\n')}`;
}

const about = { ...machineAbout(), date: new Date().toISOString().slice(0, 10) };
const all = [...matmulCases(flags.rows), ...rowCases(flags.rows)];
const cases = chooseOnly(all, flags.only, ({ shape }) => shape);
const rows = [];
for (const precision of flags.precisions) {
  const measured = [];
  for (const one of cases) {
    measured.push(await measure(one, precision));
  }
  rows.push(...rated(measured));
}
writeResults('kernels', { about, rows }, report(about, rows), { folder: flags.out, json: flags.json });
