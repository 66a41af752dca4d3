import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isArrayOf } from '../base/array-kind.js';
import { checkArguments } from '../base/check-arguments.js';
import { type OldViewerOptions, withoutOldNames } from '../base/old-names.js';
import { PoseError } from '../base/pose-error.js';
import { type FrameInspector, type FramePlace, packedFrame } from './frame-inspector.js';
import { packedParts } from './packed-arrays.js';
import { readPageFiles, servedPage, servedPolicy } from './page-files.js';
import type { Scene } from './scene.js';

export interface ViewerOptions extends OldViewerOptions<FrameInspector> {
  title: string;
  scene: Scene;
  inspector?: FrameInspector | undefined;
  /** 0, the default: any that is free. */
  port?: number;
}

/** A page that is being served. */
export interface Viewer {
  /** For example `http://127.0.0.1:43211/`. */
  url: string;
  /** Ends it at once, calls under way too. */
  close(): Promise<void>;
}

interface Answer {
  status: number;
  type: string;
  /** A text, bytes, or bytes that follow each other. */
  body: string | Uint8Array | readonly Uint8Array[];
}

const host = '127.0.0.1';

/** Headers of every answer: nothing of it is kept, framed, guessed at, or read from elsewhere. */
const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': servedPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Serves a scene's page on this machine alone. It answers four fixed paths out of memory and opens no file for a request; a request
 * under another host's name, or from a page of another origin, is refused. Throws `ERR_FILE` where the port cannot be had.
 */
export async function startViewer(options: ViewerOptions): Promise<Viewer> {
  checkArguments(
    'startViewer',
    { options },
    {
      ...{ title: 'text', scene: { value: 'object', arrays: 'Map' }, inspector: 'object?', port: 'number?' },
    },
  );
  const { title, scene, inspector, port = 0 } = withoutOldNames(options);
  const files = readPageFiles();
  const page = servedPage(files, title);
  const data = packedParts(scene);
  const routes = new Map<string, (url: URL) => Answer | Promise<Answer>>([
    ['/', () => ({ status: 200, type: 'text/html; charset=utf-8', body: page })],
    ['/page.css', () => ({ status: 200, type: 'text/css; charset=utf-8', body: files.css })],
    ['/page.js', () => ({ status: 200, type: 'text/javascript; charset=utf-8', body: files.js })],
    ['/data.bin', () => ({ status: 200, type: 'application/octet-stream', body: data })],
    ['/frame.bin', (url) => frameAnswer(inspector, url)],
  ]);
  const server = createServer((request, response) => {
    answer(request, routes, (server.address() as AddressInfo).port)
      .catch((error: unknown): Answer => {
        const known = error instanceof PoseError;
        return text(known ? 400 : 500, known ? error.message : 'This failed; the server goes on.');
      })
      .then((found) => send(request, response, found));
  });
  await listen(server, port);
  const { port: given } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${given}/`,
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why = cause.code === 'EADDRINUSE' ? 'another program has it' : cause.message;
      fail(
        new PoseError('ERR_FILE', `Port ${port} cannot be had: ${why}; without --port a free one is taken.`, { cause }),
      );
    });
    server.listen(port, host, () => done());
  });
}

async function answer(
  request: IncomingMessage,
  routes: ReadonlyMap<string, (url: URL) => Answer | Promise<Answer>>,
  port: number,
): Promise<Answer> {
  const hosts = [`${host}:${port}`, `localhost:${port}`];
  const { host: asked, origin, 'sec-fetch-site': site } = request.headers;
  if (asked === undefined || !hosts.includes(asked)) return text(403, 'Refused: the request names another host.');
  const foreign = origin !== undefined && !hosts.some((one) => origin === `http://${one}`);
  if (foreign || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
    return text(403, 'Refused: the request comes from another page.');
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'Refused: only GET is answered.');
  const [path, query = ''] = (request.url ?? '').split('?', 2);
  const route = routes.get(path);
  return route ? route(new URL(`http://${host}/?${query}`)) : text(404, 'There is nothing here.');
}

async function frameAnswer(inspector: FrameInspector | undefined, { searchParams }: URL): Promise<Answer> {
  if (!inspector) return text(404, 'No model was given: pstmo view --model.');
  const number = (name: keyof FramePlace): number => {
    const given = searchParams.get(name) ?? '';
    if (/^\d{1,9}$/.test(given)) return Number(given);
    throw new PoseError('ERR_ARGUMENT', `${name}: expected a whole number.`);
  };
  const place = { result: number('result'), person: number('person'), frame: number('frame'), seed: number('seed') };
  const found = await packedFrame(inspector, place);
  // Nothing: the person is absent.
  return { status: 200, type: 'application/octet-stream', body: found ?? '' };
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  const parts = typeof body === 'string' || isArrayOf('Uint8Array', body) ? [body] : body;
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  response.writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': length });
  if (request.method !== 'HEAD') for (const part of parts) response.write(part);
  response.end();
}
