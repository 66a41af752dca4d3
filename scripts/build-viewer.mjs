// Bundles the viewer's page, three.js in it, into dist/viewer/page: what pstmo view serves and writes.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

const root = path.dirname(import.meta.dirname);
const source = path.join(root, 'lib/viewer/page');
const target = path.join(root, 'dist/viewer/page');

const license = path.join(root, 'node_modules/three/LICENSE');
const [, holders] = /^(Copyright .+)$/m.exec(readFileSync(license, 'utf8'));
const banner = `/*! three.js: ${holders}, MIT licence. */`;

mkdirSync(target, { recursive: true });
const bundle = await rolldown({ input: path.join(source, 'main.ts'), platform: 'browser' });
await bundle.write({ file: path.join(target, 'page.js'), format: 'esm', minify: true, postBanner: banner });
await bundle.close();
for (const file of ['page.html', 'page.css']) copyFileSync(path.join(source, file), path.join(target, file));
copyFileSync(license, path.join(target, 'three-license.txt'));
