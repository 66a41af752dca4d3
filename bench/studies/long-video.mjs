// How much memory a long video takes, beside its own keypoints and poses and the weights.
//   node bench/studies/long-video.mjs [--frames 180000] [--window 243] [--precision bf16] [--threads 2] [--out folder]
import { createNativeModel } from '../../dist/binding.js';
import { parseModelConfig } from '../../dist/networks/config.js';
import { nativeConfig } from '../../dist/networks/native-config.js';
import { readFlags } from '../measure/flags.mjs';
import { machineAbout } from '../measure/machine.mjs';
import { machineLine, writeResults } from '../report/report.mjs';
import { peakResidentBytes } from '../sides/node/answer.mjs';

const flags = readFlags('node bench/studies/long-video.mjs', {
  ...{ frames: 180_000, window: 243, precision: 'bf16', threads: 2, out: '' },
});
const { frames, window, precision, threads } = flags;
const NOTE_SECONDS = 60;
const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

const model = createNativeModel(nativeConfig(parseModelConfig({ frames: window })), {
  device: 'cpu',
  precision,
  threads,
});
await model.initialize(0);
const keypoints = Float32Array.from({ length: frames * 34 }, (_, i) => Math.sin(i));
const before = peakResidentBytes();
const control = new Int32Array(new SharedArrayBuffer(8));
const log = [];
const start = performance.now();
const note = () => {
  const seconds = (performance.now() - start) / 1000;
  const resident = process.memoryUsage().rss;
  log.push({ seconds: Math.round(seconds), frames: control[1], resident });
  process.stderr.write(`${seconds.toFixed(0)} s: ${control[1]} frames, ${megabytes(resident)} MB resident\n`);
};
const timer = setInterval(note, NOTE_SECONDS * 1000);
const request = { keypoints, stride: 1, flip: false, first: 0, count: frames, batch: 0 };
const poses = await model.lift(request, control);
clearInterval(timer);
note();
const seconds = (performance.now() - start) / 1000;
const peak = peakResidentBytes();
// What was resident before has the keypoints and the weights in it already.
const extra = peak - before - poses.byteLength;
await model.close();

const about = { ...machineAbout(), date: new Date().toISOString().slice(0, 10) };
const text = `# A long video

${frames} frames (${(frames / 50 / 3600).toFixed(2)} hours at 50 a second), N = ${window}, P-STMO-S, random weights, stride 1, no mirrored pass, ${precision}, ${threads} threads, one call of
\`lift\`: ${seconds.toFixed(0)} s, ${(frames / seconds).toFixed(0)} frames/s, other work on the machine or not.

Resident at most ${megabytes(peak)} MB: ${megabytes(before)} before lifting (weights, keypoints ${megabytes(keypoints.byteLength)}, Node), ${megabytes(poses.byteLength)} of poses, and
**${megabytes(extra)} MB** for all else (the compiled lifter's weights and workspace).

${machineLine(about)}, on ${about.date}.

| seconds | frames | resident MB |
| ---: | ---: | ---: |
${log.map((line) => `| ${line.seconds} | ${line.frames} | ${megabytes(line.resident)} |`).join('\n')}
`;
const data = {
  about,
  frames,
  window,
  precision,
  threads,
  seconds,
  peak,
  before,
  extra,
  poses: poses.byteLength,
  log,
};
writeResults('long-video', data, text, { folder: flags.out });
