// Joins what tsc wrote, so that a program that imports the package opens a few files instead of two hundred: every entry of package.json
// becomes one file in its place, and what several of them share becomes dist/chunk-*.js. zod comes along, without its translations.
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

const root = path.resolve(import.meta.dirname, '../..');
const dist = path.join(root, 'dist');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const license = path.join(root, 'node_modules/zod/LICENSE');
const [, holders] = /^(Copyright .+)$/m.exec(readFileSync(license, 'utf8'));
/** Entries that a browser can import. */
const BROWSER = ['formats', 'skeletons', 'keypoints', 'metrics', 'motion', 'export', 'figures'];

/** The program of a worker thread of WebAssembly. */
const WORKER = 'wasm/worker';

const entries = [
  ...Object.values(manifest.exports).map((entry) => entry.default),
  manifest.bin.pstmo,
  `./dist/${WORKER}.js`,
].filter(Boolean);
const nameOf = (file) => path.relative(dist, path.join(root, file)).replace(/\.js$/, '');
const sourceOf = (name) => path.join(dist, `${name}.js`);
let opened;
let browser;
let worker;
for (const file of readdirSync(dist)) {
  if (file.startsWith('chunk-')) rmSync(path.join(dist, file));
}
const bundle = await rolldown({
  input: Object.fromEntries(entries.map((file) => [nameOf(file), sourceOf(nameOf(file))])),
  platform: 'node',
  // Packages stay outside, but for zod; so does system/node.js, since a browser's bundler puts another file in its place (the field
  // `browser` of package.json).
  external: (name) => (/^[^./]/.test(name) ? !/^zod(\/|$)/.test(name) : /(^|\/)system\/node\.js$/.test(name)),
  preserveEntrySignatures: 'allow-extension',
});
await bundle.write({
  dir: dist,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunk-[name]-[hash].js',
  comments: false,
  banner: `/*! Parts of zod: ${holders}, MIT licence. */`,
  codeSplitting: {
    includeDependenciesRecursively: false,
    groups: [{ name: sharedChunk, debugName: 'what "pstmo" imports' }],
  },
});
await bundle.close();
copyFileSync(license, path.join(dist, 'zod-license.txt'));
chmodSync(path.join(root, manifest.bin.pstmo), 0o755);

/**
 * Of what `import 'pstmo'` opens, in as few files as that goes: zod, what a browser can run too, what a worker of WebAssembly opens too,
 * and the rest.
 */
function sharedChunk(id, context) {
  opened ??= reachedFrom(['index'], context);
  browser ??= reachedFrom(
    BROWSER.map((name) => `${name}/index`),
    context,
  );
  worker ??= reachedFrom([WORKER], context);
  if (!opened.has(id)) return null;
  if (worker.has(id)) return 'wasm';
  if (/\/node_modules\/zod\//.test(id)) return 'zod';
  return browser.has(id) ? 'shared' : 'model';
}

/** Modules that entries import, and what these import, without what is imported when it is needed. */
function reachedFrom(names, context) {
  const reached = new Set(names.map(sourceOf));
  for (const id of reached) {
    for (const imported of context.getModuleInfo(id)?.importedIds ?? []) reached.add(imported);
  }
  return reached;
}
