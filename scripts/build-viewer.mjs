// Bundles the viewer's page, three.js in it, into dist/viewer/page: what pstmo view serves and writes.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(import.meta.dirname);
const source = path.join(root, 'lib/viewer/page');
const target = path.join(root, 'dist/viewer/page');
const license = path.join(root, 'node_modules/three/LICENSE');
const [, holders] = /^(Copyright .+)$/m.exec(readFileSync(license, 'utf8'));

mkdirSync(target, { recursive: true });
await build({
  entryPoints: [path.join(source, 'main.ts')],
  outfile: path.join(target, 'page.js'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  banner: { js: `/*! three.js: ${holders}, MIT licence. */` },
});
for (const file of ['page.html', 'page.css']) copyFileSync(path.join(source, file), path.join(target, file));
copyFileSync(license, path.join(target, 'three-license.txt'));
