import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { buildScene, type SceneOptions } from '../../lib/viewer/build-scene.js';
import { FrameInspector } from '../../lib/viewer/frame-inspector.js';
import { startViewer, type Viewer } from '../../lib/viewer/server.js';

/** A page that is open, and what went wrong on it. */
export interface OpenPage {
  page: Page;
  viewer: Viewer;
  /** Messages of errors and warnings, and requests to elsewhere. */
  trouble: string[];
  close(): Promise<void>;
}

export interface OpenOptions extends SceneOptions {
  width?: number;
  height?: number;
  scheme?: 'dark' | 'light';
  model?: string;
}

/** Serves results and opens them; returns when the first picture is there. */
export async function openViewer(browser: Browser, paths: readonly string[], options: OpenOptions = {}) {
  const { width, height, scheme, model, ...scene } = options;
  const built = buildScene(paths, scene);
  const inspector = model
    ? await FrameInspector.load(model, built.tracks, { device: 'cpu', threads: 1, fps: 50 })
    : undefined;
  const value = { ...built.scene.value, ...(inspector && { model: inspector.facts }) };
  const viewer = await startViewer({ title: 'walk', scene: { ...built.scene, value }, inspector });
  const opened = await openAt(browser, viewer.url, { width, height, scheme });
  const close = async () => {
    await opened.page.context().close();
    await viewer.close();
    await inspector?.close();
  };
  return { ...opened, viewer, close } satisfies OpenPage;
}

/** Opens an address that only this page's own may be asked for. */
export async function openAt(
  browser: Browser,
  url: string,
  { width = 1200, height = 760, scheme = 'dark' }: Pick<OpenOptions, 'width' | 'height' | 'scheme'>,
): Promise<{ page: Page; trouble: string[] }> {
  const context = await browser.newContext({
    ...{ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce', deviceScaleFactor: 1 },
  });
  const page = await context.newPage();
  // A machine may be busy with other things.
  page.setDefaultTimeout(100_000);
  const trouble: string[] = [];
  page.on('console', (message) => {
    // What a driver says of its own speed is not about the page.
    const driver = message.text().includes('GPU stall due to ReadPixels');
    if (['error', 'warning'].includes(message.type()) && !driver) trouble.push(message.text());
  });
  page.on('pageerror', (error) => trouble.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) trouble.push(request.url());
  });
  await page.goto(url);
  await page.waitForFunction(() => performance.getEntriesByName('pstmo-ready').length > 0);
  return { page, trouble };
}

/** Milliseconds from the start of loading to the first picture. */
export function loadTime(page: Page): Promise<number> {
  return page.evaluate(() => performance.getEntriesByName('pstmo-ready')[0].startTime);
}

/** What axe finds that is serious or worse, a line each. */
export async function accessTrouble(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

/** The share of a picture's pixels that have a colour: a person's, since ground and background hardly have one. */
export async function colouredShare(page: Page, picture: Buffer): Promise<number> {
  return page.evaluate(
    async (url) => {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext('2d')!;
      context.drawImage(image, 0, 0);
      const { data } = context.getImageData(0, 0, image.width, image.height);
      let coloured = 0;
      for (let at = 0; at < data.length; at += 4) {
        const channels = [data[at], data[at + 1], data[at + 2]];
        if (Math.max(...channels) - Math.min(...channels) > 60) coloured++;
      }
      return coloured / (data.length / 4);
    },
    `data:image/png;base64,${picture.toString('base64')}`,
  );
}

/**
 * Share of the pixels of two PNG pictures of one size that differ by more than `most` of 255 in a channel; the browser decodes
 * them. 1 for other sizes.
 */
export async function pictureDifference(page: Page, a: Buffer, b: Buffer, most: number): Promise<number> {
  const urls = [a, b].map((bytes) => `data:image/png;base64,${bytes.toString('base64')}`);
  return page.evaluate(
    async ({ urls, most }) => {
      const read = async (url: string) => {
        const image = new Image();
        image.src = url;
        await image.decode();
        const canvas = new OffscreenCanvas(image.width, image.height);
        const context = canvas.getContext('2d')!;
        context.drawImage(image, 0, 0);
        return context.getImageData(0, 0, image.width, image.height);
      };
      const [one, other] = [await read(urls[0]), await read(urls[1])];
      if (one.width !== other.width || one.height !== other.height) return 1;
      let differing = 0;
      for (let at = 0; at < one.data.length; at += 4) {
        const far = [0, 1, 2].some((channel) => Math.abs(one.data[at + channel] - other.data[at + channel]) > most);
        if (far) differing++;
      }
      return differing / (one.data.length / 4);
    },
    { urls, most },
  );
}
