// Reads a run of mutants of one reader and says, one JSON line a mutant on descriptor 3, what became of each. The parent
// (fuzz.mjs) watches the time and starts the next child when this one dies.
import { existsSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { fuzzTools, mutantOf } from './mutate.mjs';
import { fuzzReaders } from './readers.mjs';

const { dist, readerName, from, to, seed, folder } = JSON.parse(process.argv[2]);
const load = (name) => import(pathToFileURL(path.join(dist, `${name}.js`)).href);
const canary = path.join(folder, 'canary');
const BASE_ALLOWANCE = 64 * 2 ** 20;
/** Garbage that earlier files may leave before it is collected. */
const GARBAGE = 8 * 2 ** 20;

function say(message) {
  writeSync(3, `${JSON.stringify(message)}\n`);
}

/** Resident bytes at their highest since the last reset; where the system has no reset, those of now. */
function resetPeak() {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Without the reset the peak is the present size.
  }
}

function peakBytes() {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  } catch {
    return process.memoryUsage.rss();
  }
}

/** Bytes of the arrays, texts and lists in a result. */
function sizeOf(value, seen = new Set()) {
  if (typeof value === 'string') return 2 * value.length;
  if (typeof value !== 'object' || value === null || seen.has(value)) return 8;
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    const fresh = !seen.has(value.buffer);
    seen.add(value.buffer);
    return fresh ? value.byteLength : 8;
  }
  const items = value instanceof Map ? [...value].flat() : value instanceof Set ? [...value] : Object.values(value);
  return items.reduce((sum, item) => sum + sizeOf(item, seen), 8);
}

const reader = (await fuzzReaders(load)).find(({ name }) => name === readerName);
const tools = await fuzzTools(load, canary);
const { PoseError } = await load('base/pose-error');
for (const [i, bytes] of reader.seeds.entries()) {
  const file = path.join(folder, `seed-${i}.${reader.extension}`);
  writeFileSync(file, bytes);
  for (let round = 0; round < 3; round++) await reader.read(file);
  rmSync(file);
}
let before = 0;
for (let index = from; index < to; index++) {
  const bytes = mutantOf(reader, reader.seeds, index, seed, tools);
  const file = path.join(folder, `${readerName}-${index}.${reader.extension}`);
  writeFileSync(file, bytes);
  if (index === from || process.memoryUsage.rss() > before + GARBAGE) {
    globalThis.gc();
    before = process.memoryUsage.rss();
  }
  resetPeak();
  const start = process.cpuUsage();
  say({ index, started: true });
  let outcome;
  let result;
  try {
    result = await reader.read(file);
    outcome = 'result';
  } catch (error) {
    outcome = error instanceof PoseError ? error.code : `threw ${error?.stack ?? error}`;
  }
  const { user, system } = process.cpuUsage(start);
  const milliseconds = (user + system) / 1000;
  const grown = peakBytes() - before;
  const allowed = BASE_ALLOWANCE + 4 * Math.max(bytes.length, sizeOf(result));
  if (existsSync(canary)) outcome = 'ran code';
  else if (grown > allowed)
    outcome = `took ${Math.round(grown / 2 ** 20)} MB, allowed ${Math.round(allowed / 2 ** 20)}`;
  say({ index, outcome, milliseconds, megabytes: grown / 2 ** 20 });
  rmSync(file);
}
