// `node --import 'slow-disk.mjs?read=4&written=16' ...`: files are read at 4 MB/s and written at 16 MB/s, as over a slow network,
// and JavaScript has no turn meanwhile; without a rate as fast as they are. "reading" on standard error says that a file of the
// user is read.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const rates = new URL(import.meta.url).searchParams;
const rate = (name) => (rates.has(name) ? 1000 * Number(rates.get(name)) : Number.POSITIVE_INFINITY);
const READ_BYTES_A_MS = rate('read');
const WRITTEN_BYTES_A_MS = rate('written');
const SMALL_BYTES = 64 << 10;
const clock = new Int32Array(new SharedArrayBuffer(4));
const { readSync, readFileSync, writeSync } = fs;
/** The program's own files are there already. */
const program = import.meta.dirname.replace(/.test.cli$/, '');
const isOurs = (path) => ['dist', 'node_modules'].some((name) => String(path).startsWith(`${program}/${name}`));
const wait = (milliseconds) => Atomics.wait(clock, 0, 0, milliseconds);
let unread = 0;
let unwritten = 0;
let told = false;

function slowlyRead(bytes) {
  unread += bytes;
  if (unread < SMALL_BYTES) return;
  if (!told) writeSync(2, 'reading\n');
  told = true;
  wait(unread / READ_BYTES_A_MS);
  unread = 0;
}

fs.readSync = (...args) => {
  const count = readSync(...args);
  slowlyRead(count);
  return count;
};
fs.readFileSync = (path, ...rest) => {
  const content = readFileSync(path, ...rest);
  if (!isOurs(path)) slowlyRead(content.length);
  return content;
};
fs.writeSync = (descriptor, ...args) => {
  const count = writeSync(descriptor, ...args);
  if (descriptor > 2) unwritten += count;
  if (unwritten >= SMALL_BYTES) {
    wait(unwritten / WRITTEN_BYTES_A_MS);
    unwritten = 0;
  }
  return count;
};
syncBuiltinESMExports();
