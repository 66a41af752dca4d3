// Bundles the viewer's page, three.js in it, into dist/viewer/page: what pstmo view serves and writes.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'rolldown';

const root = path.resolve(import.meta.dirname, '../..');
const source = path.join(root, 'lib/viewer/page');
const target = path.join(root, 'dist/viewer/page');
const license = path.join(root, 'node_modules/three/LICENSE');
const [, holders] = /^(Copyright .+)$/m.exec(readFileSync(license, 'utf8'));

mkdirSync(target, { recursive: true });
await build({
  input: path.join(source, 'main.ts'),
  platform: 'browser',
  resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  transform: { target: 'es2022' },
  output: {
    file: path.join(target, 'page.js'),
    minify: true,
    comments: false,
    postBanner: `/*! three.js: ${holders}, MIT licence. */`,
  },
});
copyFileSync(path.join(source, 'page.html'), path.join(target, 'page.html'));
// One style sheet of several, in this order: later rules win.
const styles = ['look', 'panels', 'inside-model', 'transport', 'help-and-narrow'];
const sheet = styles.map((name) => readFileSync(path.join(source, 'styles', `${name}.css`), 'utf8')).join('\n');
writeFileSync(path.join(target, 'page.css'), sheet);
copyFileSync(license, path.join(target, 'three-license.txt'));
