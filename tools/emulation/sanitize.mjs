#!/usr/bin/env node
// Runs every case of operations and of the compiled lifter, in every precision, with own matmuls and with the emulated cuBLASLt, and the
// goldens' forward and backward passes on the emulated device built with AddressSanitizer: allocations of exactly the size that was asked, so that any access outside
// one, read or written, by a kernel or by the host side, ends the run. Then turns on, one by one, the mutants that shall show here alone
// (tools/emulation/mutants-explained.mjs): each must be stopped, or this proves nothing. Prints what it ran; fails at the first that is wrong.
//   node tools/emulation/sanitize.mjs
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import { compiledCases, writeCases, writeLifterCases } from './cases.mjs';
import { casesReaching, mutantAddon, verdictOf } from './mutant-runs.mjs';
import { explanationOf, READS_BEYOND } from './mutants-explained.mjs';
import { mutateKernels } from './mutate.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'build/sanitized');
const SECONDS = 600;

function command(name, args, env = {}) {
  const { status } = spawnSync(name, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${name} ${args.slice(0, 2).join(' ')} failed.`);
}

command(process.execPath, ['tools/build/build-native.mjs', 'emulated', 'sanitized']);
const addon = mutantAddon(root, 'sanitized');
const library = execFileSync(process.env.CXX ?? 'c++', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();
// Node and its libraries leak by design at the end of a process.
const environment = { LD_PRELOAD: library, ASAN_OPTIONS: 'detect_leaks=0' };

const compiled = await compiledCases(root);
const caseFolder = path.join(folder, 'cases');
const cases = [...writeCases(compiled.opCases, caseFolder), ...writeLifterCases(compiled, caseFolder)];
const reaching = casesReaching(addon, cases, SECONDS, environment);
console.log(`${cases.length} cases of operations and of the compiled lifter: no access outside what was allocated`);

// Not the trainings: their steps are those of the gradients again.
command('node_modules/.bin/vitest', ['run', 'test/models/goldens.test.ts', '-t', '(of|as) the oracle'], {
  ...environment,
  PSTMO_PREBUILD: folder,
  PSTMO_TEST_DEVICE: 'cuda:0',
});

const beyond = mutateKernels(root).mutants.filter((mutant) => explanationOf(mutant) === READS_BEYOND);
let stopped = 0;
for (const { number, file, line, column, change } of beyond) {
  const verdict = await verdictOf(addon, number, reaching.get(number) ?? [], SECONDS, environment);
  console.log(`${file}:${line}:${column} ${change}: ${verdict ?? 'NOT STOPPED'}`);
  if (verdict !== undefined) stopped++;
}
console.log(
  `AddressSanitizer: ${cases.length} cases of operations and of the compiled lifter, and the goldens above have no access outside what was allocated; ` +
    `${stopped} of ${beyond.length} kernels made to read beyond the end are stopped`,
);
process.exitCode = stopped < beyond.length ? 1 : 0;
