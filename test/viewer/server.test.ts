import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { buildScene } from '../../lib/viewer/build-scene.js';
import { unpackArrays } from '../../lib/viewer/packed-arrays.js';
import type { SceneValue } from '../../lib/viewer/scene.js';
import { startViewer, type Viewer } from '../../lib/viewer/server.js';
import { liftedWalk } from '../helpers/lifted.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const result = join(temporaryFolder(), 'walk.npz');
let viewer: Viewer;
let port: number;

beforeAll(async () => {
  writePoses(result, liftedWalk('a', 12));
  const { scene } = buildScene([result]);
  viewer = await startViewer({ title: '<script>alert(1)</script> & "walk"', scene });
  port = Number(new URL(viewer.url).port);
});
afterAll(() => viewer.close());

interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A request with the path and headers exactly as given. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  return new Promise((done, fail) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers: { Host: `127.0.0.1:${port}`, ...headers } });
    sent.on('error', fail);
    sent.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        done({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    sent.end();
  });
}

describe('the viewer\u2019s server', () => {
  it('gives the page, its files and the data', async () => {
    expect(viewer.url).toBe(`http://127.0.0.1:${port}/`);
    const types = { '/': 'text/html', '/page.css': 'text/css', '/page.js': 'text/javascript' };
    for (const [path, type] of Object.entries(types)) {
      const { status, headers, body } = await ask(path);
      expect(status, path).toBe(200);
      expect(headers['content-type']).toContain(type);
      expect(body.length).toBeGreaterThan(1000);
    }
    const { body } = await ask('/data.bin');
    expect(unpackArrays<SceneValue>(body).value).toMatchObject({ frames: 12, fps: 50 });
    expect((await ask('/', {}, 'HEAD')).body).toHaveLength(0);
  });

  it('shows a title as text, not as markup', async () => {
    const html = (await ask('/')).body.toString();
    expect(html).toContain('<title>&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;walk&quot;</title>');
    expect(html).not.toContain('<script>alert');
  });

  it.each([
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '//etc/passwd',
    '/page.js/../../server.js',
    '/page.js%00.html',
    '/dist/viewer/page/page.js',
    '/page.html',
    '/three-license.txt',
    '*',
    '/data.bin/',
    'http://elsewhere.example/page.js',
  ])('has nothing at %s', async (path) => {
    const { status, body } = await ask(path);
    expect(status).toBe(404);
    expect(body.toString()).toBe('There is nothing here.');
  });

  it.each<[string, Record<string, string>]>([
    ['another host', { Host: 'elsewhere.example' }],
    ['another host that leads here', { Host: 'rebound.example:80' }],
    ['no port', { Host: '127.0.0.1' }],
    ['a page elsewhere', { Origin: 'https://elsewhere.example' }],
    ['a page of nobody', { Origin: 'null' }],
    ['a page at another port of this machine', { Origin: 'http://127.0.0.1:1' }],
    ['a page elsewhere that hides its origin', { 'Sec-Fetch-Site': 'cross-site' }],
    ['another program\u2019s page on this machine', { 'Sec-Fetch-Site': 'same-site' }],
  ])('refuses a request of %s', async (_, headers) => {
    for (const path of ['/', '/data.bin']) {
      const { status, body } = await ask(path, headers);
      expect(status).toBe(403);
      expect(body.toString()).toMatch(/^Refused/);
    }
  });

  it('answers its own page, by either name', async () => {
    const own = { Host: `localhost:${port}`, Origin: `http://localhost:${port}`, 'Sec-Fetch-Site': 'same-origin' };
    expect((await ask('/data.bin', own)).status).toBe(200);
    expect((await ask('/', { 'Sec-Fetch-Site': 'none' })).status).toBe(200);
  });

  it('lets the page do nothing but what it needs', async () => {
    const { headers } = await ask('/');
    const policy = headers['content-security-policy'];
    for (const rule of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]) {
      expect(policy).toContain(rule);
    }
    expect(policy).not.toMatch(/unsafe|\*/);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('answers GET alone, and wants whole numbers', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect((await ask('/', {}, method)).status).toBe(405);
    expect((await ask('/frame.bin?frame=1')).status).toBe(404);
  });

  it('cannot be reached from outside this machine', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((one) => one && !one.internal && one.family === 'IPv4')?.address;
    // Of a machine without a network, another address of the loopback, which is not listened to either.
    await expect(
      new Promise((done, fail) => {
        const socket = connect(port, outside ?? '127.0.0.2');
        socket.on('connect', () => done('connected'));
        socket.on('error', fail);
      }),
    ).rejects.toThrow('ECONNREFUSED');
  });

  it('says which port cannot be had', async () => {
    const { scene } = buildScene([result]);
    await expect(startViewer({ title: '', scene, port })).rejects.toThrow(
      `Port ${port} cannot be had: another program has it`,
    );
  });
});
