#!/usr/bin/env node
// Checks that native code is formatted by .clang-format, and that no line is longer than its limit.
//   node tools/lint/native-format.mjs
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
/** The one version: others break lines elsewhere. `python3 -m pip install clang-format==20.1.8` */
const VERSION = '20.1.8';
const COLUMNS = Number(/^ColumnLimit: (\d+)$/m.exec(readFileSync(path.join(root, '.clang-format'), 'utf8'))[1]);

const listed = ['ls-files', '--cached', '--others', '--exclude-standard', 'native', 'test/native'];
const deleted = execFileSync('git', ['ls-files', '--deleted'], { cwd: root, encoding: 'utf8' }).split('\n');
const files = execFileSync('git', listed, { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((name) => /\.(?:h|cpp|cu|cuh|inl)$/.test(name) && !deleted.includes(name));

const long = files.flatMap((file) =>
  readFileSync(path.join(root, file), 'utf8')
    .split('\n')
    .flatMap((line, at) => ([...line].length > COLUMNS ? [`${file}:${at + 1}: ${[...line].length} columns`] : [])),
);
for (const line of long) console.error(line);
console.log(`${files.length} native files, ${long.length} lines over ${COLUMNS} columns.`);
if (long.length > 0) process.exitCode = 1;

const found = spawnSync('clang-format', ['--version'], { encoding: 'utf8' });
const version = /version (\d+\.\d+\.\d+)/.exec(found.stdout ?? '')?.[1];
if (version !== VERSION) {
  const reason = version === undefined ? 'there is no clang-format' : `clang-format is ${version}`;
  console.log(
    `Skipped: formatting was not checked: ${reason}, expected ${VERSION} (pip install clang-format==${VERSION}).`,
  );
} else {
  const { status, stderr } = spawnSync('clang-format', ['--dry-run', '-Werror', ...files], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) {
    process.stderr.write(stderr);
    console.error('Native code is not formatted: clang-format -i on the files above.');
    process.exitCode = 1;
  }
}
