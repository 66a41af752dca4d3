// The standing checks of a process that is killed, starved or kept running, each with its short and its long form.
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const stress = (name) => path.join(import.meta.dirname, `${name}.mjs`);

/** Where a form is missing, the check has one form alone. */
const checks = [
  { name: 'kills', script: stress('kills'), short: ['--count', '20'], long: ['--count', '500'] },
  { name: 'worker terminations', script: path.join(root, 'test/models/terminate-workers.mjs'), long: ['2000', '1'] },
  { name: 'disk full', script: stress('disk-full'), short: [], long: [] },
  { name: 'soak', script: stress('soak'), short: ['--minutes', '1'], long: ['--minutes', '30'] },
  { name: 'load and close', script: stress('cycles'), short: ['--count', '500'], long: ['--count', '10000'] },
  { name: 'swapped model', script: stress('swap'), short: ['--count', '200'], long: ['--count', '3000'] },
  { name: 'mutated files', script: path.join(root, 'tools/fuzz/run.mjs'), long: ['--count', '2000'] },
];

/** Runs one form of all checks, or of those named; prints a row of docs/testing.md for each. Answers whether all passed. */
export function runChecks(form, names) {
  const rows = [];
  let good = true;
  const commit = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).stdout?.trim();
  for (const { name, script, ...forms } of checks) {
    if (!forms[form] || (names.length > 0 && !names.includes(name))) continue;
    const begin = performance.now();
    const { status, signal, stdout } = spawnSync(process.execPath, ['--expose-gc', script, ...forms[form]], {
      ...{ cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] },
    });
    process.stdout.write(stdout);
    if (status !== 0) {
      good = false;
      console.log(`${name}: failed, exit code ${status ?? signal}`);
    }
    const seconds = ((performance.now() - begin) / 1000).toFixed(0);
    const command = [path.relative(root, script), ...forms[form]].join(' ');
    const said =
      status === 0
        ? stdout
            .trim()
            .split('\n')
            .at(-1)
            .replace(/^[a-z ]+: /, '')
        : 'failed';
    rows.push(
      `| ${name} | \`node ${command}\` | ${said} | ${seconds} s | ${new Date().toISOString().slice(0, 10)}, ${commit} |`,
    );
  }
  console.log(`\n${rows.join('\n')}`);
  return good;
}
