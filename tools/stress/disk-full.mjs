// Lets every writer of the command line meet a disk that is full: it must say so, and leave the old file whole.
//   node tools/stress/disk-full.mjs
// A limit on the size of files (`ulimit -f`) stands for the disk: it needs no right to mount anything, and Node ignores the signal.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeClips, makeDataset, root, run, start, temporaryFolder, trainArguments } from './inputs.mjs';

const folder = temporaryFolder();
const dataset = await makeDataset(folder);
const trained = path.join(folder, 'trained');
await run(trainArguments(dataset, trained, 1));
const model = path.join(trained, 'model.safetensors');
const [clip] = readdirSync(makeClips(folder, 1, 200)).map((name) => path.join(folder, 'clips', name));
const lifted = path.join(folder, 'lifted.npz');
const lift = ['lift', clip, '--model', model, '--size', '1000x1000', '--fps', '50', '--layout', 'h36m-17'];
await run([...lift, '--out', lifted]);
const motions = path.join(folder, 'motions');
const walk = path.join(folder, 'walk.bvh');
const example = path.join(root, 'examples/walking.json');
await run(['lift', example, '--size', '1920x1080', '--fps', '50', '--out', walk, '--threads', '1']);
for (const subject of ['subject1', 'subject2', 'subject3', 'subject4']) {
  mkdirSync(path.join(motions, subject), { recursive: true });
  writeFileSync(path.join(motions, subject, 'walk.bvh'), readFileSync(walk));
}
const splits = ['--test', 'subject2', '--validation', 'subject3', '--drop', 'subject4'];

/** Each writer, the file that it writes, and the size in KB at which the disk is full. */
const writers = [
  ...['npz', 'npy', 'json', 'csv', 'bvh', 'trc', 'c3d', 'glb'].map((ending) => [
    `out.${ending}`,
    4,
    (out) => [...lift, '--out', out],
  ]),
  ['out.safetensors', 4, (out) => ['convert', model, out]],
  ['named.npz', 4, (out) => ['convert', model, out]],
  ['data.safetensors', 4, (out) => ['prepare', 'mocap', motions, '--out', out, ...splits]],
  ['page.html', 64, (out) => ['view', lifted, '--out', out]],
  ['strip.svg', 2, (out) => ['plot', 'strip', lifted, '--out', out]],
  [
    'trace.json',
    2,
    (out) => ['profile', '--set', 'frames=9', '--set', 'width=32', '--batch', '2', '--seconds', '0.05', '--trace', out],
  ],
  ['checkpoint.safetensors', 8, (out) => trainArguments(dataset, path.dirname(out), 1), 'none before'],
];
let failed = 0;
for (const [name, kilobytes, argumentsOf, before] of writers) {
  const place = mkdtempSync(path.join(folder, 'full-'));
  const out = path.join(place, name);
  if (!before) writeFileSync(out, 'the old file');
  const limit = ['bash', '-c', `ulimit -f ${kilobytes}; exec "$@"`, 'bash'];
  const { code, signal, text } = await start(argumentsOf(out), limit).done;
  const left = readdirSync(place).filter((entry) => /\.tmp$|\.lock/.test(entry) || (before && entry === name));
  const whole = before || readFileSync(out, 'utf8') === 'the old file';
  const said = text.includes(`${out}: cannot be written: EFBIG: file too large`);
  if (code !== 1 || signal || !whole || left.length > 0 || !said) {
    failed++;
    console.log(
      `${name}: exit code ${code ?? signal}, old file ${whole ? 'whole' : 'lost'}, left ${left.join() || 'nothing'}\n${text}`,
    );
  }
}
console.log(`disk full: ${writers.length} writers, ${failed} without a clear error or the old file`);
process.exitCode = failed === 0 ? 0 : 1;
