// Joins what tsc wrote, so that a program that imports the package opens a few files instead of two hundred: every entry of package.json
// becomes one file in its place, and what several of them share becomes dist/chunk-*.js. zod comes along, without its translations.
import { chmodSync, copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(import.meta.dirname);
const dist = path.join(root, 'dist');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const license = path.join(root, 'node_modules/zod/LICENSE');
const [, holders] = /^(Copyright .+)$/m.exec(readFileSync(license, 'utf8'));

const entries = [...Object.values(manifest.exports).map((entry) => entry.default), manifest.bin.pstmo];
for (const file of readdirSync(dist)) {
  if (file.startsWith('chunk-')) rmSync(path.join(dist, file));
}
await build({
  entryPoints: entries.filter(Boolean).map((file) => path.join(root, file)),
  outdir: dist,
  outbase: dist,
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunk-[hash]',
  // A browser's bundler puts another file in the place of this one (the field `browser` of package.json).
  external: [path.join(dist, 'system/node.js')],
  plugins: [{ name: 'dependencies', setup: ({ onResolve }) => onResolve({ filter: /^[^./]/ }, packageOf) }],
  legalComments: 'none',
  banner: { js: `/*! Parts of zod: ${holders}, MIT licence. */` },
});
copyFileSync(license, path.join(dist, 'zod-license.txt'));
chmodSync(path.join(root, manifest.bin.pstmo), 0o755);

// Packages stay outside, but for zod.
function packageOf({ path: name, kind }) {
  return kind === 'entry-point' || /^zod(\/|$)/.test(name) ? undefined : { path: name, external: true };
}
