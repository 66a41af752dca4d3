import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/package-root.js';
import { PoseError } from '../base/pose-error.js';

/** Where the bundled page lies. */
const folder = join(packageRoot(), 'dist/viewer/page');

/** The page's own files, none of which holds anything of a result. */
export interface PageFiles {
  html: string;
  css: string;
  js: string;
}

/** Reads the bundled page. Throws `ERR_FILE` where it was not built. */
export function readPageFiles(): PageFiles {
  const read = (name: string) => {
    const path = join(folder, name);
    try {
      return readFileSync(path, 'utf8');
    } catch (cause) {
      throw new PoseError('ERR_FILE', `${path}: the viewer's page cannot be read; npm run build:lib makes it.`, {
        cause,
      });
    }
  };
  return { html: read('page.html'), css: read('page.css'), js: read('page.js') };
}

/** What the page may do where a server gives it: its own script, style and data, and nothing from elsewhere. */
export const servedPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Where the page's template has a title, its script and style, and (in a page of its own) data. */
const places = {
  title: '<title>pstmo view</title>',
  style: '<link rel="stylesheet" href="page.css" />',
  script: '<script type="module" src="page.js"></script>',
};

/** The page that a server gives, with a title. */
export function servedPage({ html }: PageFiles, title: string): string {
  return filled(html, places.title, `<title>${escapeHtml(title)}</title>`);
}

/**
 * One file with everything in it, in parts: script, style, the packed scene and packed frames as base64. Its policy names the hashes of its own
 * script and style, so that nothing else runs and nothing is fetched.
 */
export function selfContainedPage(
  { html, css, js }: PageFiles,
  title: string,
  scene: readonly Uint8Array[],
  frames: ReadonlyMap<string, Uint8Array> = new Map(),
): Iterable<string> {
  // An end tag within a script would end it; in a string or a pattern, the backslash changes nothing.
  const script = js.replaceAll('</script', '<\\/script');
  const policy =
    `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(css)}; img-src data:; base-uri 'none'; ` +
    "form-action 'none'";
  const head = `<meta http-equiv="Content-Security-Policy" content="${policy}" />\n    <title>${escapeHtml(title)}</title>`;
  const titled = filled(html, places.title, head);
  const styled = filled(titled, places.style, `<style>${css}</style>`);
  const bare = filled(styled, places.script, '');
  const [before, after] = parted(bare, '</body>');
  return (function* () {
    yield before;
    yield* dataBlock('scene', scene);
    for (const [key, bytes] of frames) {
      yield '\n';
      yield* dataBlock(`frame-${key}`, [bytes]);
    }
    yield `\n<script type="module">${script}</script>\n</body>${after}`;
  })();
}

/** Base64 has no character that HTML takes for anything. */
function* dataBlock(id: string, parts: readonly Uint8Array[]): Generator<string> {
  yield `<script type="application/octet-stream" id="${escapeHtml(id)}">`;
  yield* base64Of(parts);
  yield '</script>';
}

/** Bytes that are encoded at a time: three become four letters. */
const encodedBytes = 3 << 18;

/** The base64 of bytes that follow each other. */
function* base64Of(parts: readonly Uint8Array[]): Generator<string> {
  let rest = Buffer.alloc(0);
  for (const part of parts) {
    for (let at = 0; at < part.length; at += encodedBytes) {
      const bytes = Buffer.concat([rest, part.subarray(at, at + encodedBytes)]);
      const whole = bytes.length - (bytes.length % 3);
      yield bytes.toString('base64', 0, whole);
      rest = bytes.subarray(whole);
    }
  }
  yield rest.toString('base64');
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Puts text in the one place that is marked. */
function filled(html: string, mark: string, text: string): string {
  return parted(html, mark).join(text);
}

/** The texts before and after the one place that is marked. */
function parted(html: string, mark: string): [before: string, after: string] {
  const at = html.indexOf(mark);
  if (at < 0) throw new PoseError('ERR_FILE', `The viewer's page has no ${mark}; npm run build:lib makes it again.`);
  return [html.slice(0, at), html.slice(at + mark.length)];
}

/** A text as HTML shows it, in content and in attributes. */
export function escapeHtml(text: string): string {
  const names: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (character) => names[character]);
}
