// Tries every reader on mutated files: cut, flipped, with hostile sizes, with pickles that call the system. Each file must
// give a result or a PoseError, in 2 s of the processor, within 64 MB plus four times its size, without a crash and without running code.
//
//   node tools/fuzz/run.mjs [--count 2000] [--seed 1] [--reader npz] [--from 0] [--dist dist]
//
// Works on the compiled package. Exits with 1 when any file fails; failing files stay in the folder that is printed.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzzReaders } from './readers.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    reader: { type: 'string', multiple: true },
    from: { type: 'string', default: '0' },
    dist: { type: 'string', default: path.join(root, 'dist') },
  },
});
const dist = path.resolve(options.dist);
const first = Number(options.from);
const count = Number(options.count);
const LIMIT_MS = 2000;
/** A busy machine may keep a child waiting: up to this, the processor's time counts, where the system tells it. */
const LONGEST_WAIT_MS = 600_000;
/** Loading the package and reading the seeds comes before the first file. */
const START_MS = 30_000;
const codes = /^(result|ERR_[A-Z_]+)$/;

const folder = mkdtempSync(path.join(os.tmpdir(), 'pstmo-fuzz-'));
const kept = mkdtempSync(path.join(os.tmpdir(), 'pstmo-fuzz-failures-'));

/** Milliseconds that a process has had of the processor; undefined where the system does not say. */
function processorMs(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return undefined;
  }
}

/** Runs one child over [from, to); resolves with the index at which it ended and why, undefined when all went well. */
function runChild(readerName, from, to, onOutcome) {
  return new Promise((resolve) => {
    const task = JSON.stringify({ dist, readerName, from, to, seed: options.seed, folder });
    const script = path.join(import.meta.dirname, 'child.mjs');
    const flags = ['--expose-gc', '--max-old-space-size=128'];
    const child = spawn(process.execPath, [...flags, script, task], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    let current = from;
    let started = false;
    let ended;
    let complaint = '';
    let timer;
    const watch = (limitMs) => {
      clearTimeout(timer);
      const since = Date.now();
      const used = processorMs(child.pid);
      const check = () => {
        const now = processorMs(child.pid);
        const waits = used !== undefined && now !== undefined && now - used < limitMs;
        if (waits && Date.now() - since < LONGEST_WAIT_MS) {
          timer = setTimeout(check, limitMs);
        } else {
          ended = 'hung';
          child.kill('SIGKILL');
        }
      };
      timer = setTimeout(check, limitMs);
    };
    watch(START_MS);
    child.stderr.on('data', (text) => {
      complaint = `${complaint}${text}`.slice(-2000);
    });
    createInterface({ input: child.stdio[3] }).on('line', (line) => {
      const message = JSON.parse(line);
      watch(message.started ? LIMIT_MS : START_MS);
      current = message.index;
      started = message.started === true;
      if (!started) {
        onOutcome(message);
        current += 1;
      }
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve({ current: to });
      const reason = ended ?? `crashed (${signal ?? `exit ${code}`}) ${complaint}`;
      resolve({ current, started, reason });
    });
  });
}

function keep(readerName, index) {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(`${readerName}-${index}.`)) cpSync(path.join(folder, name), path.join(kept, name));
  }
}

/** Runs a file once more by itself: a busy machine may have made it slow, and earlier files its memory high. */
async function confirmed(readerName, index) {
  let again = 'fine when alone';
  const end = await runChild(readerName, index, index + 1, ({ outcome }) => {
    if (!codes.test(outcome)) again = outcome;
  });
  if (end.reason) keep(readerName, index);
  return end.reason ?? again;
}

async function fuzz(readerName) {
  const tally = { results: 0, refused: 0, milliseconds: 0, megabytes: 0 };
  const failures = [];
  const suspects = [];
  let next = first;
  while (next < first + count) {
    const end = await runChild(readerName, next, first + count, ({ index, outcome, milliseconds, megabytes }) => {
      if (outcome === 'result') tally.results += 1;
      else if (codes.test(outcome)) tally.refused += 1;
      else suspects.push({ index, outcome });
      tally.milliseconds = Math.max(tally.milliseconds, milliseconds);
      tally.megabytes = Math.max(tally.megabytes, megabytes);
    });
    if (end.reason && !end.started) throw new Error(`${readerName}: the child did not start: ${end.reason}`);
    if (end.reason) suspects.push({ index: end.current, outcome: end.reason });
    next = end.reason ? end.current + 1 : end.current;
  }
  for (const { index, outcome } of suspects) {
    const again = await confirmed(readerName, index);
    if (again === 'fine when alone') tally.refused += 1;
    else failures.push(`${readerName} ${index}: ${outcome}; again: ${again}`);
  }
  return { tally, failures };
}

const all = await fuzzReaders((name) => import(pathToFileURL(path.join(dist, `${name}.js`)).href));
const names = all.map(({ name }) => name).filter((name) => options.reader?.includes(name) ?? true);
const unknown = options.reader?.filter((name) => !names.includes(name)) ?? [];
if (unknown.length > 0)
  throw new Error(`No reader ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}.`);
const failures = [];
console.log(`${count} files a reader, seed ${options.seed}`);
for (const name of names) {
  const { tally, failures: failed } = await fuzz(name);
  failures.push(...failed);
  const figures = `${tally.results} results, ${tally.refused} refused, ${failed.length} failed`;
  console.log(
    `${name.padEnd(28)}${figures}; slowest ${tally.milliseconds.toFixed(0)} ms of the processor, most ${tally.megabytes.toFixed(0)} MB`,
  );
}
rmSync(folder, { recursive: true });
for (const failure of failures) console.log(failure);
if (failures.length === 0) rmSync(kept, { recursive: true });
else console.log(`Files of crashes and hangs: ${kept}. One alone: --reader NAME --from INDEX --count 1`);
process.exitCode = failures.length === 0 ? 0 : 1;
