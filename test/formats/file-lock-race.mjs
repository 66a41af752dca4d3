// Adds 1 to a number in a file, again and again, under its lock; now and then dies holding it:
//   node test/formats/file-lock-race.mjs <folder> <times> <deaths>
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileLock } from '../../dist/formats/files/file-lock.js';

const [folder, times, deaths] = process.argv.slice(2);
const count = join(folder, 'count');
for (let i = 0; i < Number(times); i++) {
  const lock = await FileLock.wait(join(folder, 'count.lock'));
  writeFileSync(count, String(Number(readFileSync(count, 'utf8')) + 1));
  if (i === Number(times) - 1 && deaths === 'die') process.kill(process.pid, 'SIGKILL');
  lock.release();
}
