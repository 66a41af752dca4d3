#!/usr/bin/env node
// Runs native code under sanitizers; a finding fails.
//   node tools/trust/sanitize.mjs           the short form: small shapes, the tests of operations, models and arrays, 5 rounds of races
//   node tools/trust/sanitize.mjs --long    the training tests too, shapes as ever, 200 rounds
//   node tools/trust/sanitize.mjs address   AddressSanitizer and UndefinedBehaviorSanitizer alone, `race` ThreadSanitizer alone
// Needs Linux with a compiler that has the sanitizers' libraries. Leaks are not looked for: Node leaks by design at its end.
import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';

const root = path.resolve(import.meta.dirname, '../..');
const long = process.argv.includes('--long');
const wanted = ['address', 'race'].filter((name) => process.argv.includes(name));

const SHORT_TESTS = [
  'test/native/ops.test.ts',
  'test/native/compiled-lifter.test.ts',
  'test/native/handed-arrays.test.ts',
  'test/models/goldens.test.ts',
  'test/models/pose-lifter.test.ts',
  'test/models/masked-pose-model.test.ts',
  'test/models/refine-goldens.test.ts',
  'test/models/finite.test.ts',
];
/** Terminated workers run without: the sanitizer's own memory of a thread that was ended stays. */
const LONG_TESTS = [
  ...SHORT_TESTS,
  'test/binding.test.ts',
  'test/native/compiled-lifter-bf16.test.ts',
  'test/training/training.test.ts',
];

function command(name, args, env = {}) {
  const { status, signal } = spawnSync(name, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${signal ?? status}.`);
}

function build(flavour) {
  command(process.execPath, ['tools/build/build-native.mjs', flavour]);
}

function library(name) {
  const compiler = process.env.CXX ?? 'c++';
  return execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

const flavours = {
  address() {
    build('address');
    command('node_modules/.bin/vitest', ['run', ...(long ? LONG_TESTS : SHORT_TESTS), '--maxWorkers=2'], {
      PSTMO_PREBUILD: path.join(root, 'build/address'),
      ...(!long && { PSTMO_TEST_SHAPES: 'small' }),
      LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
      ASAN_OPTIONS: 'detect_leaks=0',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    });
    return 'no access outside of memory and no undefined behaviour';
  },
  race() {
    build('race');
    // Addresses as the sanitizer expects them, whatever the kernel chooses.
    command('setarch', ['-R', path.join(root, 'build/race/build/pstmo-race'), long ? '200' : '5', '1'], {
      TSAN_OPTIONS: 'halt_on_error=1',
    });
    return 'no race between threads';
  },
};

for (const [name, run] of Object.entries(flavours)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const begin = performance.now();
  const found = run();
  console.log(`${name}: ${found} (${((performance.now() - begin) / 1000).toFixed(0)} s with the build)`);
}
