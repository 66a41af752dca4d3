// How fast WebAssembly lifts beside the native build, one thread each, by the processor's time.
//   node bench/studies/webassembly.mjs [--frames 300] [--windows 27,243] [--rounds 7] [--out folder]
import { createNativeModel, machine } from '../../dist/binding.js';
import { parseModelConfig } from '../../dist/networks/config.js';
import { nativeConfig } from '../../dist/networks/native-config.js';
import { readFlags } from '../measure/flags.mjs';
import { machineAbout } from '../measure/machine.mjs';
import { summary } from '../measure/rounds.mjs';
import { machineLine, markdownTable, spreadText, writeResults } from '../report/report.mjs';

const flags = readFlags('node bench/studies/webassembly.mjs', { frames: 300, windows: [27, 243], rounds: 7, out: '' });
const sides = [
  ...machine().isas.map((isa) => ({ name: `native, ${isa}`, device: 'cpu', isa })),
  { name: 'WebAssembly', device: 'wasm' },
];

/** Seconds of the processor, all threads together: what else runs on the machine takes none of them. */
async function processorSeconds(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function measure(window) {
  const config = nativeConfig(parseModelConfig({ frames: window }));
  // As many frames as keep a turn at seconds.
  const frames = Math.max(64, Math.round((flags.frames * 27) / window));
  const keypoints = Float32Array.from({ length: frames * 34 }, (_, i) => Math.sin(i));
  const request = { keypoints, stride: 1, flip: true, first: 0, count: frames, batch: 0 };
  const models = [];
  for (const { device, isa } of sides) {
    const model = createNativeModel(config, { device, isa, precision: 'fp32', threads: 1 });
    await model.initialize(0);
    await model.lift(request);
    models.push(model);
  }
  const rates = sides.map(() => []);
  for (let round = 0; round < flags.rounds; round++) {
    for (const [i, model] of models.entries()) {
      rates[i].push(frames / (await processorSeconds(() => model.lift(request))));
    }
  }
  await Promise.all(models.map((model) => model.close()));
  const wasm = rates.at(-1);
  return sides.map(({ name }, i) => ({
    ...{ window, frames, side: name, rate: summary(rates[i]) },
    // Round by round: the native build's over WebAssembly's.
    ratio: summary(rates[i].map((rate, round) => rate / wasm[round])),
  }));
}

const rows = [];
for (const window of flags.windows) rows.push(...(await measure(window)));
const about = { ...machineAbout(), date: new Date().toISOString().slice(0, 10) };
const table = markdownTable(
  ['N', 'side', 'frames/s', 'times WebAssembly'],
  rows.map(({ window, side, rate, ratio }) => [window, side, spreadText(rate), spreadText(ratio, 2)]),
);
const text = `# WebAssembly beside the native build

Frames a second of a video on one thread: P-STMO-S, random weights, fp32, stride 1, mirrored pass included. The time is the processor's, so
that other work on the machine counts little; it still takes caches and clock. Medians of ${flags.rounds} rounds in turns, with least and greatest;
ratios round by round.

${machineLine(about)}, on ${about.date}.

${table}
`;
writeResults('webassembly', { about, rounds: flags.rounds, rows }, text, { folder: flags.out });
