#!/usr/bin/env node
// Builds build/Release/pstmo.node through cmake-js. PSTMO_WERROR=ON in the environment makes warnings errors. The CUDA kernels are
// compiled where there is a GPU and an nvcc, with PSTMO_CUDA=on also without the GPU, with PSTMO_CUDA=off never; PSTMO_CUDA_ARCHS names
// the GPUs they are compiled for (see CMakeLists.txt). prebuildify calls it in place of node-gyp, as "rebuild", for the binary that the
// package ships: that has them for every GPU from sm_80 where there is an nvcc; other arguments of node-gyp's are not needed here. With
// these arguments it builds addons whose CUDA device is emulated, for the tests: emulated, mutants, coverage, sanitized
// (native/emulation/CMakeLists.txt). `debug` builds without optimization and with the standard library's assertions into build/debug,
// `clang` with clang++ into build/clang,
// `address` with AddressSanitizer and UndefinedBehaviorSanitizer into build/address, `race` the program for ThreadSanitizer
// (tools/trust/sanitize.mjs); PSTMO_PREBUILD names the folder whose addon is loaded.
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

const { BuildSystem } = createRequire(import.meta.url)('cmake-js');

const ships = process.argv[2] === 'rebuild';
const root = path.resolve(import.meta.dirname, '../..');
const variant = ['debug', 'clang', 'address', 'race'].find((name) => process.argv.includes(name));
const options = {
  directory: root,
  config: variant === 'debug' ? 'Debug' : 'Release',
  ...(variant && { out: path.join(root, 'build', variant, 'build') }),
  parallel: os.availableParallelism(),
  cMakeOptions: {
    PSTMO_WERROR: process.env.PSTMO_WERROR ?? 'OFF',
    PSTMO_CUDA: process.env.PSTMO_CUDA ?? (variant ? 'off' : 'auto'),
    PSTMO_CUDA_ARCHS: process.env.PSTMO_CUDA_ARCHS ?? (ships ? 'all' : ''),
    ...(variant === 'clang' && { CMAKE_CXX_COMPILER: 'clang++' }),
    ...(variant === 'address' && { PSTMO_SANITIZE: 'address' }),
  },
};
const emulated = ['emulated', 'mutants', 'coverage', 'sanitized'].filter((name) => process.argv.includes(name));
const named = variant === 'race' ? ['race'] : emulated;
const targets = named.length > 0 ? named.map((name) => `pstmo-${name}`) : [undefined];
// It links what the emulated addon is made of.
if (named.includes('emulated')) targets.push('device-cases');

try {
  await new BuildSystem(options).configure();
  for (const target of targets) await new BuildSystem({ ...options, ...(target && { target }) }).build();
} catch {
  console.error(
    'The native part was not built (see above). It needs CMake 3.19 or newer and a C++20 compiler (g++ or clang++).',
  );
  process.exit(1);
}
