#!/usr/bin/env node
// Runs native code under sanitizers; a finding fails.
//   node tools/trust/sanitize.mjs           the short form: small shapes, the tests of operations, models and arrays, 5 rounds of races
//   node tools/trust/sanitize.mjs --long    the training tests too, shapes as ever, 200 rounds
//   node tools/trust/sanitize.mjs address   AddressSanitizer and UndefinedBehaviorSanitizer alone, `race` ThreadSanitizer alone
// First of all the sanitizers must catch planted faults (planted.cpp), 5 s.
// Needs Linux with a compiler that has the sanitizers' libraries. Leaks are not looked for: Node leaks by design at its end.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
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

/** How Node runs with AddressSanitizer and UndefinedBehaviorSanitizer. */
const addressEnvironment = () => ({
  LD_PRELOAD: `${library('libasan.so')} ${library('libubsan.so')}`,
  ASAN_OPTIONS: 'detect_leaks=0',
  UBSAN_OPTIONS: 'print_stacktrace=1',
});
/** How a program runs with ThreadSanitizer: with addresses as the sanitizer expects them, whatever the kernel chooses. */
const raceEnvironment = { TSAN_OPTIONS: 'halt_on_error=1' };
const raceProgram = (...args) => ['setarch', ['-R', ...args]];

/**
 * Throws unless each planted fault ends its process with the finding, and the same code without a fault passes: a sanitizer
 * that does not run finds nothing either.
 */
function catchPlanted(faults, flags, file, [name, args], env) {
  const compiled = path.join(root, 'build', file);
  const compile = ['-std=c++20', '-O1', '-g1', '-fno-omit-frame-pointer', ...flags, '-o', compiled];
  mkdirSync(path.dirname(compiled), { recursive: true });
  command(process.env.CXX ?? 'c++', [...compile, 'tools/trust/planted.cpp', '-pthread']);
  const run = (fault) => {
    const planted = { ...process.env, ...env, PSTMO_PLANTED: fault };
    return spawnSync(name, [...args, compiled], { cwd: root, encoding: 'utf8', env: planted });
  };
  const clean = run('none');
  if (clean.status !== 0 || !clean.stderr.includes('planted: passed')) {
    throw new Error(`Code without a fault did not pass (${clean.signal ?? clean.status}):\n${clean.stderr}`);
  }
  for (const [fault, finding] of Object.entries(faults)) {
    const { status, stderr } = run(fault);
    if (status === 0 || !finding.test(stderr) || stderr.includes('planted: passed')) {
      throw new Error(
        `The planted fault "${fault}" was not caught: expected ${finding}, got exit code ${status} and\n${stderr}`,
      );
    }
  }
  console.log(`planted faults caught: ${Object.keys(faults).join(', ')}`);
}

const flavours = {
  address() {
    catchPlanted(
      {
        overflow: /heap-buffer-overflow/,
        freed: /heap-use-after-free/,
        undefined: /signed integer overflow/,
      },
      ['-shared', '-fPIC', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
      'planted-address.so',
      // The library is no addon: Node refuses it once its faults had their chance.
      [process.execPath, ['-e', 'try { process.dlopen({ exports: {} }, process.argv[1]) } catch {}', '--']],
      addressEnvironment(),
    );
    build('address');
    command('node_modules/.bin/vitest', ['run', ...(long ? LONG_TESTS : SHORT_TESTS), '--maxWorkers=2'], {
      PSTMO_PREBUILD: path.join(root, 'build/address'),
      ...(!long && { PSTMO_TEST_SHAPES: 'small' }),
      ...addressEnvironment(),
    });
    return 'no access outside of memory and no undefined behaviour';
  },
  race() {
    catchPlanted(
      { race: /data race/ },
      ['-DPSTMO_PLANTED_PROGRAM', '-fsanitize=thread'],
      'planted-race',
      raceProgram(),
      raceEnvironment,
    );
    build('race');
    command(...raceProgram(path.join(root, 'build/race/build/pstmo-race'), long ? '200' : '5', '1'), raceEnvironment);
    return 'no race between threads';
  },
};

for (const [name, run] of Object.entries(flavours)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const begin = performance.now();
  const found = run();
  console.log(`${name}: ${found} (${((performance.now() - begin) / 1000).toFixed(0)} s with the build)`);
}
