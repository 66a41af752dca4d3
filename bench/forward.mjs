// The forward pass of the graph (evaluation, both heads) beside ONNX Runtime and PyTorch, in one run: windows a second.
//   node bench/forward.mjs [--frames 243,27] [--batches 16,1] [--threads 2] [--rounds 7] [--out folder]
import { readFlags } from './common/flags.mjs';
import { machineAbout, machineLine, markdownTable, spreadText, writeResults } from './common/report.mjs';
import { interleave, ratios, summary } from './common/rounds.mjs';
import { Runner } from './common/runner.mjs';

const flags = readFlags('node bench/forward.mjs', {
  ...{ frames: [243, 27], batches: [16, 1], precision: 'fp32', threads: 2, rounds: 7, out: '' },
});
const { threads, rounds, precision } = flags;

async function compare(frames, batch) {
  const sides = [
    { side: 'pstmo', runner: new Runner('node', 'runners/pstmo-speed.mjs', { threads }) },
    { side: 'ONNX Runtime', runner: new Runner('python', 'runners/onnxruntime_speed.py', { threads }) },
    { side: 'PyTorch', runner: new Runner('python', 'runners/torch_speed.py', { threads }) },
  ];
  try {
    for (const side of sides) {
      side.about = await side.runner.ask({ task: 'forward', frames, batch, precision, threads });
    }
    const rates = await interleave(sides, { rounds, itemsAStep: batch });
    const rows = sides.map(({ side, about }, i) => {
      const ratio = i === 0 ? undefined : ratios(rates[0], rates[i]);
      return { side, ...about, windowsPerSecond: summary(rates[i]), rounds: rates[i], oursTimesThis: ratio };
    });
    return { frames, batch, precision, threads, sides: rows };
  } finally {
    await Promise.all(sides.map(({ runner }) => runner.close()));
  }
}

function report(about, cases) {
  const rows = cases.map(({ frames, batch, sides: [ours, onnx, torch] }) => [
    `N = ${frames}, batch ${batch}`,
    spreadText(ours.windowsPerSecond, 1),
    spreadText(onnx.windowsPerSecond, 1),
    spreadText(torch.windowsPerSecond, 1),
    spreadText(onnx.oursTimesThis, 2),
    spreadText(torch.oursTimesThis, 2),
  ]);
  const [, onnx, torch] = cases[0].sides;
  const titles = ['windows/s', 'pstmo', onnx.name, torch.name, 'times ONNX Runtime', 'times PyTorch'];
  return `# Forward pass of the graph

P-STMO-S (d = 256, h = 512, 3 layers), ${precision}, ${threads} threads each, windows already made (B, N, 17, 2), both heads (every frame's pose
and the middle one's), no mirrored pass. One process a side, taking turns in ${rounds} rounds of about a second; medians, least and
greatest in brackets, ratios taken round by round. Copying the windows in and the poses out is included on our side. ONNX Runtime runs the
oracle as PyTorch exports it, with its default graph optimisations; PyTorch is eager in inference mode.

${machineLine(about)}, on ${about.date}.

${markdownTable(titles, rows)}`;
}

const about = { ...machineAbout(), date: new Date().toISOString().slice(0, 10) };
const cases = [];
for (const frames of flags.frames) {
  for (const batch of flags.batches) {
    cases.push(await compare(frames, batch));
  }
}
writeResults('forward', { about, cases }, report(about, cases), { folder: flags.out });
