import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { escapeHtml, type PageFiles, readPageFiles, selfContainedPage } from '../../lib/viewer/page-files.js';

const files: PageFiles = {
  html:
    '<head>\n    <title>pstmo view</title>\n    <link rel="stylesheet" href="page.css" />\n' +
    '    <script type="module" src="page.js"></script>\n  </head><body></body>',
  css: 'p { color: red }',
  js: 'const end = "</script>";',
};

describe('a page of its own', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  // Parts whose lengths are no multiple of three, which base64 takes together.
  const parts = [bytes.subarray(0, 1), bytes.subarray(1, 1), bytes.subarray(1, 200), bytes.subarray(200)];
  const frames = new Map([['0-1-2', bytes.slice(0, 9)]]);
  const page = Array.from(selfContainedPage(files, '"><img src=x onerror=alert(1)>', parts, frames)).join('');

  it('holds the data as base64, whatever is in it', () => {
    const scene = /<script type="application\/octet-stream" id="scene">([A-Za-z0-9+/=]+)<\/script>/.exec(page)!;
    expect(Uint8Array.from(Buffer.from(scene[1], 'base64'))).toEqual(bytes);
    expect(page).toContain('id="frame-0-1-2"');
  });

  it('lets only its own script and style run, by their hashes', () => {
    const policy = /content="(default-src[^"]+)"/.exec(page)![1];
    for (const [tag, pattern] of [
      ['script-src', /<script type="module">([\s\S]*?)<\/script>/],
      ['style-src', /<style>([\s\S]*?)<\/style>/],
    ] as const) {
      const hash = createHash('sha256').update(pattern.exec(page)![1]).digest('base64');
      expect(policy).toContain(`${tag} 'sha256-${hash}'`);
    }
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|http|connect-src/);
  });

  it('is not ended early by an end tag in its script, and loads nothing', () => {
    expect(page).toContain('const end = "<\\/script>";');
    expect(page).not.toMatch(/ (src|href)="page/);
  });

  it('shows its title as text', () => {
    expect(page).toContain('<title>&quot;&gt;&lt;img src=x onerror=alert(1)&gt;</title>');
    expect(escapeHtml(`<a href='x'>&"`)).toBe('&lt;a href=&#39;x&#39;&gt;&amp;&quot;');
  });
});

it('the bundled page names three.js and its licence, and fetches nothing from elsewhere', () => {
  const { html, css, js } = readPageFiles();
  expect(js).toMatch(/three\.js: Copyright .+ three\.js authors, MIT/);
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(css).not.toMatch(/@import|url\(/);
});
