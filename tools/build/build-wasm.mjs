#!/usr/bin/env node
// Builds build/wasm/pstmo.wasm with emscripten (Debian: apt-get install emscripten). PSTMO_WERROR=ON in the environment makes warnings
// errors. PSTMO_WASM says what to do where there is no emscripten: on, the default, fails; auto says so and builds nothing; off never builds.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'build/wasm/cmake');
const output = path.join(root, 'build/wasm/pstmo.wasm');
const maximumBytes = 1e6;
/** Emscripten's own, beside WASI: the news that memory grew, and files by name, of which there are none. */
const KNOWN = ['emscripten_notify_memory_growth'];
const require = createRequire(import.meta.url);
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const include = [require('node-addon-api').include_dir, require('node-api-headers').include_dir];

const wanted = process.env.PSTMO_WASM ?? 'on';
if (!['on', 'auto', 'off'].includes(wanted)) throw new Error(`PSTMO_WASM: expected on, auto or off, got ${wanted}`);
if (wanted === 'off' || (wanted === 'auto' && spawnSync('emcc', ['--version']).error)) {
  console.log(
    `The WebAssembly module is not built: ${wanted === 'off' ? 'PSTMO_WASM=off' : 'no emscripten was found'}.`,
  );
  process.exit();
}

const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
try {
  run(
    'emcmake',
    'cmake',
    ...['-S', path.join(root, 'native/wasm'), '-B', folder, '-DCMAKE_BUILD_TYPE=Release'],
    `-DPSTMO_WERROR=${process.env.PSTMO_WERROR ?? 'OFF'}`,
    `-DPSTMO_VERSION=${version}`,
    `-DPSTMO_INCLUDE=${include.map((name) => path.resolve(root, name)).join(';')}`,
  );
  run('cmake', '--build', folder, '--parallel', String(os.availableParallelism()));
} catch {
  console.error(
    'The WebAssembly module was not built (see above). It needs emscripten 3.1.6 or newer and CMake 3.19 or newer.',
  );
  process.exit(1);
}
// A function that nobody defined would only be missed when it is called.
const { Module } = globalThis.WebAssembly;
const unknown = Module.imports(new Module(readFileSync(path.join(folder, 'pstmo.wasm'))))
  .filter(({ module, name }) => !['pstmo', 'wasi_snapshot_preview1'].includes(module) && !KNOWN.includes(name))
  .map(({ module, name }) => `${module}.${name}`);
if (unknown.length > 0) {
  console.error(`The module imports what lib/wasm/instance.ts does not have: ${unknown.join(', ')}.`);
  process.exit(1);
}
copyFileSync(path.join(folder, 'pstmo.wasm'), output);
const { size } = statSync(output);
console.log(`build/wasm/pstmo.wasm: ${(size / 1e3).toFixed(0)} KB`);
if (size > maximumBytes) {
  console.error(`Expected at most ${maximumBytes / 1e3} KB.`);
  process.exitCode = 1;
}
