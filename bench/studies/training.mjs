// Stage II training beside PyTorch, in one run: samples a second, their ratio, and the memory of a step.
//   node bench/studies/training.mjs [--frames 27] [--batch 160] [--precisions fp32,bf16] [--threads 2] [--rounds 7] [--out folder]
import { readFlags } from '../measure/flags.mjs';
import { machineAbout } from '../measure/machine.mjs';
import { interleave, ratios, summary } from '../measure/rounds.mjs';
import { machineLine, markdownTable, spreadText, writeResults } from '../report/report.mjs';
import { Runner } from '../sides/runner.mjs';

const flags = readFlags('node bench/studies/training.mjs', {
  ...{ frames: 27, batch: 160, precisions: ['fp32', 'bf16'], threads: 2, rounds: 7, out: '' },
  // Frames of the windows whose training must fit into 4 GB; 0 leaves that out.
  'memory-frames': 243,
});
const { frames, batch, threads, rounds } = flags;
const MEMORY_LIMIT = 4e9;
const MEMORY_STEPS = 2;

async function openSides(precision) {
  const sides = [
    { side: 'pstmo', runner: new Runner('node', 'sides/node/pstmo-speed.mjs', { threads }) },
    { side: 'PyTorch', runner: new Runner('python', 'sides/python/torch_speed.py', { threads }) },
  ];
  for (const side of sides) {
    side.itemsAStep = batch;
    side.about = await side.runner.ask({ task: 'training', frames, batch, precision, threads });
  }
  return sides;
}

async function compare(precision) {
  const sides = await openSides(precision);
  try {
    await interleave(sides, { rounds, seconds: 2 });
    const rates = sides.map((side) => side.rates);
    const memory = [];
    for (const { runner } of sides) {
      const { peakResidentBytes, nativeBytes } = await runner.ask({ steps: 1 });
      memory.push({ peakResidentBytes, nativeBytes });
    }
    const rows = sides.map(({ side, about }, i) => {
      return { side, ...about, samplesPerSecond: summary(rates[i]), rounds: rates[i], ...memory[i] };
    });
    return { precision, frames, batch, threads, sides: rows, ratio: ratios(rates[0], rates[1]) };
  } finally {
    await Promise.all(sides.map(({ runner }) => runner.close()));
  }
}

async function memoryCheck(precision) {
  const runner = new Runner('node', 'sides/node/pstmo-speed.mjs', { threads });
  try {
    await runner.ask({ task: 'training', frames: flags['memory-frames'], batch, precision, threads });
    const { seconds, peakResidentBytes, nativeBytes } = await runner.ask({ steps: MEMORY_STEPS });
    const samplesPerSecond = (MEMORY_STEPS * batch) / seconds;
    const fits = peakResidentBytes < MEMORY_LIMIT;
    return { precision, frames: flags['memory-frames'], batch, samplesPerSecond, peakResidentBytes, nativeBytes, fits };
  } finally {
    await runner.close();
  }
}

const megabytes = (bytes) => (bytes === undefined ? '' : (bytes / 1e6).toFixed(0));

function report(about, speed, memory) {
  const rows = speed.flatMap(({ precision, sides, ratio }) =>
    sides.map((side, i) => [
      `${side.name}, ${precision}`,
      spreadText(side.samplesPerSecond),
      i === 0 ? spreadText(ratio, 2) : '',
      megabytes(side.peakResidentBytes),
      megabytes(side.nativeBytes),
    ]),
  );
  const titles = ['', 'samples/s', 'times PyTorch', 'peak resident MB', 'of it native MB'];
  const memoryRows = memory.map((row) => [
    row.precision,
    row.samplesPerSecond.toFixed(1),
    megabytes(row.peakResidentBytes),
    megabytes(row.nativeBytes),
    row.fits ? 'yes' : 'no',
  ]);
  return `# Training, Stage II

P-STMO-S (d = 256, h = 512, 3 layers), N = ${frames}, batch ${batch}, ${threads} threads each, dropout 0.1, Adam with amsgrad. One process a
side, taking turns in ${rounds} rounds of about two seconds; medians, least and greatest in brackets, the ratio taken round by round.
A step is forward, loss, backward and update; ours gathers and mirrors its windows from the sequences as well, PyTorch's batch lies
ready. bf16: ours has float32 master weights, sums and statistics, PyTorch its CPU autocast; both update in float32.

${machineLine(about)}, on ${about.date}.

${markdownTable(titles, rows)}
${
  memory.length === 0
    ? ''
    : `
## Memory of a step at N = ${memory[0].frames}, batch ${batch}

${markdownTable(['pstmo', 'samples/s', 'peak resident MB', 'of it native MB', 'under 4 GB'], memoryRows)}

Resident: the whole process, Node and its data included.`
}`;
}

const about = { ...machineAbout(), date: new Date().toISOString().slice(0, 10) };
const speed = [];
for (const precision of flags.precisions) {
  speed.push(await compare(precision));
}
const memory = [];
if (flags['memory-frames'] > 0) {
  for (const precision of flags.precisions) {
    memory.push(await memoryCheck(precision));
  }
}
writeResults('training', { about, speed, memory }, report(about, speed, memory), { folder: flags.out });
