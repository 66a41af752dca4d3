// The time of each kernel of a forward pass and of a training step that arithmetic and memory allow on a given device, from what the op
// table says that it computes and moves: what a first run on that device is compared with.
//   node bench/studies/roofline/run.mjs [--batch 2304] [--training-batch 160] [--precision bf16] [--json] [--out folder]
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseModelConfig } from '../../../dist/networks/config.js';
import { stepRecords } from '../../../dist/profiling/profile.js';
import { readFlags } from '../../measure/flags.mjs';
import { markdownTable, writeResults } from '../../report/report.mjs';
import { expectedTime, extrapolate, gather, H100, H200 } from './expected-time.mjs';
import { kernelTime, lifterKernels } from './lifter-kernels.mjs';

const flags = readFlags('node bench/studies/roofline/run.mjs', {
  ...{ batch: 2304, 'training-batch': 160, precision: 'bf16', json: false, out: '' },
});
const MANUAL = fileURLToPath(new URL('../../../docs/gpu.md', import.meta.url));

const CASES = [
  { name: 'P-STMO-S, N = 243, forward', model: { frames: 243 }, batch: flags.batch, detailed: true },
  { name: 'P-STMO, N = 243, forward', model: { frames: 243, layers: 4 }, batch: flags.batch },
  { name: 'P-STMO-S, N = 81, forward', model: { frames: 81 }, batch: flags.batch },
  { name: 'P-STMO-S, N = 27, forward', model: { frames: 27 }, batch: flags.batch },
  { name: 'P-STMO-S, N = 243, Stage I step', model: { frames: 243, stage: 1 }, batch: 0, training: true },
  { name: 'P-STMO-S, N = 243, Stage II step', model: { frames: 243 }, batch: 0, training: true, detailed: true },
  { name: 'P-STMO-S, N = 81, Stage II step', model: { frames: 81 }, batch: 0, training: true },
];

/** The ops of a step at the batch that is asked for, from two small ones: all that they count is linear in it. */
async function opsOf({ model, batch, training = false }) {
  const config = parseModelConfig(model);
  const [two, three] = [
    await stepRecords({ config, device: 'cpu', batch: 2, training }),
    await stepRecords({ config, device: 'cpu', batch: 3, training }),
  ];
  const whole = extrapolate(two, three, batch || flags['training-batch']);
  return gather(whole.filter(({ op }) => !op.startsWith('copy'))).map(({ bytes, narrowBytes, ...row }) => {
    const kept = { ...row, bytes: flags.precision === 'bf16' ? narrowBytes : bytes };
    const timeOn = (device) => expectedTime(kept, flags.precision, config.width / config.heads, device);
    return { ...kept, wideBytes: bytes, ...timeOn(H200), onH100: timeOn(H100).expected };
  });
}

/** Rows that take less than `least` of the whole become one. */
function folded(rows, least) {
  const whole = rows.reduce((sum, row) => sum + row.expected, 0);
  const small = rows.filter(({ expected }) => expected < least * whole);
  if (small.length < 2) {
    return rows;
  }
  const sum = (key) => small.reduce((total, row) => total + row[key], 0);
  const sums = Object.fromEntries(['count', 'flops', 'bytes', 'wideBytes', 'expected'].map((key) => [key, sum(key)]));
  const rest = {
    op: 'all others,',
    shape: `each under ${100 * least}%`,
    arithmetic: 0,
    memory: 0,
    exponentials: 0,
    ...sums,
  };
  return [...rows.filter((row) => !small.includes(row)), rest];
}

function opTable(rows) {
  const titles = ['op', 'calls', 'GFLOP', 'MB', 'arithmetic µs', 'memory µs', 'exp µs', 'expected µs'];
  const microseconds = (value) => (value > 0 ? (1e6 * value).toFixed(0) : '');
  return markdownTable(
    titles,
    rows.map((row) => [
      `${row.op} ${row.shape}`,
      `${row.count}`,
      row.flops > 0 ? (row.flops / 1e9).toFixed(1) : '',
      (row.bytes / 1e6).toFixed(1),
      ...[row.arithmetic, row.memory, row.exponentials, row.expected].map(microseconds),
    ]),
  );
}

const whole = (rate) => Math.round(rate).toLocaleString('en');

function summaryTable(results) {
  const titles = ['', 'batch', 'ops', 'GFLOP', 'GB in fp32', 'GB', 'expected ms', 'windows/s', 'on an H100'];
  return markdownTable(
    titles,
    results.map(({ name, batch, rows }) => {
      const sum = (of) => rows.reduce((total, row) => total + of(row), 0);
      const expected = sum((row) => row.expected);
      return [
        ...[name, `${batch}`, `${sum((row) => row.count)}`, (sum((row) => row.flops) / 1e9).toFixed(0)],
        ...[sum((row) => row.wideBytes), sum((row) => row.bytes)].map((bytes) => (bytes / 1e9).toFixed(2)),
        ...[(1e3 * expected).toFixed(2), whole(batch / expected), whole(batch / sum((row) => row.onH100))],
      ];
    }),
  );
}

function report(results, least) {
  const { about, matmul, copies, exponentials } = H200;
  const rates = Object.entries(matmul).map(([name, rate]) => `${rate / 1e12} in ${name}`);
  return `${about}: ${rates.join(', ')} TFLOP/s of matmuls, ${copies / 1e12} TB/s of memory, ${(exponentials / 1e12).toFixed(2)} T exponentials/s
(16 a clock and multiprocessor). Matmuls are in ${flags.precision}, arrays as the backend keeps them in it: in bf16 two bytes an element between
the operations of a branch, four in the residual stream (\`native/ops/activations.h\`); beside it what all would be at four.
Expected: the longest of the three; nothing is counted for starting kernels, for gaps, or for arrays that the 60 MB of L2 keep.
A kernel that takes less found its arrays in L2; one that takes much more is worth a look. An H100 has the same processor and ${H100.copies / 1e12} TB/s of memory.

${summaryTable(results)}

${results
  .filter(({ detailed }) => detailed)
  .map(({ name, batch, rows }) => `### ${name}, batch ${batch}\n\n${opTable(folded(rows, least))}`)
  .join('\n\n')}`;
}

/** Kernels of one kind and shape together. */
function kernelRows(model, windows, frames) {
  const rows = new Map();
  for (const row of lifterKernels(model, windows, frames)) {
    const key = `${row.op} ${row.shape}`;
    const { count } = rows.get(key) ?? { count: 0 };
    const times = { ...kernelTime(row, H200), onH100: kernelTime(row, H100).expected };
    rows.set(key, { ...row, ...times, count: count + 1 });
  }
  return [...rows.values()];
}

const LIFTERS = [
  ...[{ frames: 243 }, { frames: 243, layers: 4 }, { frames: 81 }, { frames: 27 }].map((model) => ({
    model,
    video: false,
  })),
  { model: { frames: 243 }, video: true },
];

function lifterReport(windows) {
  const lifters = LIFTERS.map(({ model, video }) => {
    const frames = video ? windows + model.frames - 1 : windows * model.frames;
    const rows = kernelRows(model, windows, frames);
    const seconds = rows.reduce((sum, { count, expected }) => sum + count * expected, 0);
    const onH100 = rows.reduce((sum, row) => sum + row.count * row.onH100, 0);
    const name = `P-STMO${model.layers === 4 ? '' : '-S'}, N = ${model.frames}, ${video ? 'a video, each frame encoded once' : 'whole windows'}`;
    return { name, rows, seconds, onH100 };
  });
  const microseconds = (value) => (value > 0 ? (1e6 * value).toFixed(0) : '');
  const titles = ['kernel', 'launches', 'GFLOP', 'MB', 'arithmetic µs', 'memory µs', 'L2 µs', 'exp µs', 'expected µs'];
  const detail = lifters[0].rows.map((row) => [
    ...[`${row.op} ${row.shape}`, `${row.count}`, (row.flops / 1e9).toFixed(1), (row.bytes / 1e6).toFixed(1)],
    ...[row.arithmetic, row.memory, row.l2, row.exponentials, row.expected].map(microseconds),
  ]);
  return `### The compiled lifter on CUDA, bf16, ${windows} windows

Each kernel by itself, what it reads from L2 beside the rest (${H200.l2 / 1e12} TB/s, an expectation): weights once a block of rows, keys and
values once a block of queries. Times of one launch. The arithmetic is at the rate of wgmma, which these kernels do not use: mma.sync stays below it.

${markdownTable(
  ['', 'expected ms', 'windows/s', 'on an H100'],
  lifters.map(({ name, seconds, onH100 }) => [
    name,
    (1e3 * seconds).toFixed(2),
    whole(windows / seconds),
    whole(windows / onH100),
  ]),
)}

${markdownTable(titles, detail)}`;
}

const results = [];
for (const one of CASES) {
  results.push({ ...one, batch: one.batch || flags['training-batch'], rows: await opsOf(one) });
}
writeResults(
  'roofline',
  { devices: { H200, H100 }, precision: flags.precision, results },
  `# Expected times\n\n${report(results, 0)}\n\n${lifterReport(flags.batch)}`,
  {
    ...{ folder: flags.out, json: flags.json },
  },
);
if (flags.out === '') {
  const [begin, end] = ['<!-- roofline -->', '<!-- end of roofline -->'];
  const pending = readFileSync(MANUAL, 'utf8');
  const [before, rest] = pending.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) {
    throw new Error(`${MANUAL} has no lines "${begin}" and "${end}".`);
  }
  writeFileSync(MANUAL, `${before}${begin}\n${report(results, 0.005)}\n\n${lifterReport(flags.batch)}\n${end}${after}`);
}
