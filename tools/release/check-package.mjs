// Packs the project as npm would publish it, looks at the tarball, and installs it into an empty folder with scripts off
// and the network off. There it must import, lift the bundled clip, and lift it in WebAssembly where no binary fits.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';

const root = path.resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const bin = path.join(root, 'node_modules/.bin');
const maximumBinaryBytes = 40e6;
const WASM = 'build/wasm/pstmo.wasm';
// The CUDA kernels of every GPU take minutes; tools/build/compile-cuda.sh is what holds them.
process.env.PSTMO_CUDA ??= 'off';
process.env.PSTMO_WASM ??= 'auto';
const maximumBytes = process.env.PSTMO_CUDA === 'off' ? 20e6 : 60e6;

// A network namespace of its own where the system allows one; npm is told to stay offline in any case.
const isolated = spawnSync('unshare', ['-rn', 'true']).status === 0;

function check(condition, message) {
  if (!condition) throw new Error(message);
  console.log(`ok: ${message}`);
}

function run(command, args, options = {}) {
  const [program, ...rest] = isolated && options.offline ? ['unshare', '-rn', command, ...args] : [command, ...args];
  return execFileSync(program, rest, {
    cwd: options.cwd ?? root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function pack(folder, destination, args = []) {
  const output = run('npm', ['pack', folder, '--json', '--pack-destination', destination, ...args]);
  return JSON.parse(output.slice(output.search(/^\[$/m)))[0];
}

function checkContents(packed) {
  const names = packed.files.map((file) => file.path);
  check(
    packed.size <= maximumBytes,
    `the tarball has ${(packed.size / 1e6).toFixed(1)} MB, at most ${maximumBytes / 1e6}`,
  );
  for (const { path: name, size } of packed.files.filter((file) => file.path.endsWith('.node'))) {
    check(size <= maximumBinaryBytes, `${name} has ${(size / 1e6).toFixed(1)} MB, at most ${maximumBinaryBytes / 1e6}`);
  }
  const platform = `prebuilds/${process.platform}-${process.arch}/`;
  const wasm = existsSync(path.join(root, WASM)) ? [WASM] : [];
  for (const start of [
    ...wasm,
    platform,
    'models/',
    'examples/walking.json',
    'dist/index.js',
    'dist/cli/main.js',
    'dist/wasm/worker.js',
    'dist/viewer/page/page.js',
    'dist/viewer/page/three-license.txt',
    'binding.d.ts',
  ]) {
    check(
      names.some((name) => name.startsWith(start)),
      `the tarball holds ${start}`,
    );
  }
  if (process.platform === 'linux') {
    const binary = names.find((name) => name.startsWith(platform) && name.endsWith('.node'));
    const versions = readFileSync(path.join(root, binary), 'latin1')
      .match(/GLIBC_2\.\d+/g)
      .map((name) => Number(name.slice(8)));
    console.log(`ok: ${binary} runs on glibc 2.${Math.max(...versions)} and newer`);
  }
  const stray = names.filter(
    (name) => name !== WASM && /^(lib|native|test|bench|build|tools|docs|node_modules)\//.test(name),
  );
  check(stray.length === 0, `the tarball holds no sources or tests${stray.map((name) => ` (${name})`).join('')}`);
}

/** Names of what a package needs, and of what that needs in turn. */
function dependencies({ dependencies: direct = {} }, names = new Set()) {
  for (const name of Object.keys(direct)) {
    if (names.has(name)) continue;
    names.add(name);
    dependencies(JSON.parse(readFileSync(path.join(root, 'node_modules', name, 'package.json'), 'utf8')), names);
  }
  return [...names];
}

function install(temporary, tarball) {
  const consumer = path.join(temporary, 'consumer');
  mkdirSync(consumer);
  writeFileSync(path.join(consumer, 'package.json'), '{ "name": "consumer", "type": "module", "private": true }\n');
  // The dependencies are packed from here, so that an empty cache and no network are enough.
  const tarballs = dependencies(manifest).map((name) => {
    const packed = pack(path.join(root, 'node_modules', name), temporary, ['--ignore-scripts']);
    return path.join(temporary, packed.filename);
  });
  const flags = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', path.join(temporary, 'cache')];
  run('npm', ['install', ...flags, ...tarballs, tarball], { cwd: consumer, offline: true });
  check(true, `installed with scripts off and ${isolated ? 'no network' : 'npm offline (no network namespace here)'}`);
  return consumer;
}

function checkUse(consumer) {
  for (const key of Object.keys(manifest.exports)) {
    if (key.endsWith('.json')) continue;
    const name = key.replace('.', manifest.name);
    const program = `console.log(Object.keys(await import('${name}')).length)`;
    const count = run('node', ['--input-type=module', '-e', program], { cwd: consumer, offline: true });
    check(Number(count) > 0, `${name} imports and exports ${count.trim()} names`);
  }
  const clip = `node_modules/${manifest.name}/examples/walking.json`;
  const cli = `node_modules/${manifest.name}/${manifest.bin.pstmo}`;
  run('node', [cli, 'lift', clip, '--size', '1920x1080', '--fps', '50', '--out', 'walking.npz'], {
    cwd: consumer,
    offline: true,
  });
  check(existsSync(path.join(consumer, 'walking.npz')), 'the bundled clip was lifted with the bundled weights');
  run('node', [cli, 'view', 'walking.npz', '--out', 'walking.html'], { cwd: consumer, offline: true });
  check(existsSync(path.join(consumer, 'walking.html')), 'the lifted clip was written as a page');

  const wasm = existsSync(path.join(consumer, 'node_modules', manifest.name, WASM));
  if (!wasm) console.log('skipped: no emscripten was found, so the package holds no WebAssembly module');
  for (const [name, environment] of [
    ['a musl system', { LIBC: 'musl' }],
    ['an unsupported platform', { npm_config_platform: 'sunos' }],
  ]) {
    const out = `${name.replaceAll(' ', '-')}.npz`;
    const result = spawnSync('node', [cli, 'lift', clip, '--size', '1920x1080', '--quiet', '--out', out], {
      cwd: consumer,
      encoding: 'utf8',
      env: { ...process.env, NODE_NO_WARNINGS: wasm ? '' : '1', ...environment },
    });
    const lines = result.stderr.trim().split('\n');
    if (wasm) {
      const said = lines.filter((line) => line.includes('WebAssembly lifts in its place'));
      const lifted = result.status === 0 && existsSync(path.join(consumer, out));
      check(lifted && said.length === 1, `${name} lifts in WebAssembly, and is told once: ${said[0]}`);
    } else {
      check(
        result.status === 1 && lines.length === 1 && lines[0].length > 40,
        `${name} gets one sentence: ${lines.join(' | ')}`,
      );
    }
  }
}

const temporary = mkdtempSync(path.join(os.tmpdir(), 'pstmo-package-'));
try {
  const packed = pack(root, temporary);
  const tarball = path.join(temporary, packed.filename);
  checkContents(packed);
  console.log(run(path.join(bin, 'publint'), [tarball, '--strict']));
  console.log(run(path.join(bin, 'attw'), [tarball, '--profile', 'esm-only']));
  checkUse(install(temporary, tarball));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
