// Kills lift and training at random instants, resumes, and compares the end with an undisturbed run's, byte for byte:
//   node tools/stress/kills.mjs [--count 20] [--seed 1]
// The count is of each of the two. Works on the compiled package.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  liftArguments,
  makeClips,
  makeDataset,
  numberFlag,
  randomNumbers,
  run,
  start,
  temporaryFolder,
  trainArguments,
} from './inputs.mjs';

const count = numberFlag('count', 20);
const random = randomNumbers(numberFlag('seed', 1));
/** Kills of one folder before it may end. */
const KILLS_A_FOLDER = 4;

const folder = temporaryFolder();
const dataset = await makeDataset(folder);
const clips = makeClips(folder, 6, 200);

/** Files of a folder as text, without what the clock decides. */
function filesOf(out) {
  const files = readdirSync(out).sort();
  return JSON.stringify(
    files.map((name) => {
      const bytes = readFileSync(path.join(out, name));
      if (name === 'run.json') return [name];
      if (name === 'pstmo-lift.json') return [name, Object.entries(JSON.parse(bytes.toString())).sort()];
      if (name !== 'log.jsonl') return [name, bytes.toString('base64')];
      const lines = bytes.toString().trim().split('\n');
      return [name, lines.map((line) => ({ ...JSON.parse(line), time: 0, seconds: 0, samplesPerSecond: 0 }))];
    }),
  );
}

/** Kills runs of `argumentsOf(out)` and compares; how many were killed, and how many folders differ. */
async function kill(argumentsOf, name) {
  const whole = path.join(folder, `${name}-whole`);
  const begin = performance.now();
  await run(argumentsOf(whole));
  const length = performance.now() - begin;
  const expected = filesOf(whole);
  const broken = path.join(folder, `${name}-broken`);
  let kills = 0;
  let folders = 0;
  let failed = 0;
  while (kills < count) {
    for (let here = 0; here < KILLS_A_FOLDER && kills < count; here++) {
      const { child, done } = start(argumentsOf(broken));
      await Promise.race([done, setTimeout(random() * length)]);
      child.kill('SIGKILL');
      if ((await done).signal !== 'SIGKILL') break;
      kills++;
    }
    const { code, text } = await start(argumentsOf(broken)).done;
    folders++;
    if (code !== 0 || filesOf(broken) !== expected) {
      failed++;
      console.log(
        `${name}: folder ${folders} after ${kills} kills: exit code ${code}, files ${readdirSync(broken)}\n${text}`,
      );
    }
    rmSync(broken, { recursive: true });
  }
  return { kills, folders, failed };
}

const training = await kill((out) => trainArguments(dataset, out), 'training');
const model = path.join(folder, 'training-whole/model.safetensors');
const lifting = await kill((out) => liftArguments(model, clips, out), 'lift');
console.log(
  `kills: ${training.kills} of training in ${training.folders} folders, ${lifting.kills} of lift in ${lifting.folders}; ` +
    `${training.failed + lifting.failed} folders ended otherwise than undisturbed`,
);
process.exitCode = training.failed + lifting.failed === 0 ? 0 : 1;
