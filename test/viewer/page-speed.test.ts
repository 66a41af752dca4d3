import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { liftedWalk } from '../helpers/lifted.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { noChromium, startChromium } from './chromium.js';
import { loadTime, type OpenPage, openAt, openViewer } from './viewer-page.js';

const folder = temporaryFolder();
const frames = 10_000;
/**
 * Other programs and other guests of the same host can only make a measurement longer: the best counts, of a few, or of more while it is over
 * the limit.
 */
const attempts = (best: number, limit: number) => (best >= limit ? 12 : 4);

/** Why a slow measurement says nothing about the page: others wait for the processor too. */
function busyMachine(): string | undefined {
  const [load, processors] = [loadavg()[0], availableParallelism()];
  const waiting = load > 3 * processors;
  return waiting ? `not judged: a load of ${load.toFixed(0)} on ${processors} processors` : undefined;
}

if (noChromium) console.warn(`test/viewer/page-speed: skipped, ${noChromium}`);

describe.skipIf(noChromium)(`10,000 frames of 3 people${noChromium ? ` (skipped: ${noChromium})` : ''}`, () => {
  let browser: Browser;
  let opened: OpenPage;

  beforeAll(async () => {
    const paths = [0, 1, 2].map((person) => {
      const path = join(folder, `crowd-person${person}-3d.npz`);
      writePoses(path, liftedWalk(`c${person}`, frames));
      return path;
    });
    browser = await startChromium();
    opened = await openViewer(browser, paths);
  }, 120_000);
  afterAll(async () => {
    await opened?.close();
    await browser?.close();
  });

  it('are there within a second', async ({ skip }) => {
    expect(await opened.page.textContent('#facts')).toMatch(/10,000 frames.*3 people/);
    const times = [await loadTime(opened.page)];
    while (Math.min(...times) > 500 && times.length < attempts(Math.min(...times), 1000)) {
      const again = await openAt(browser, opened.viewer.url, {});
      times.push(await loadTime(again.page));
      await again.page.context().close();
    }
    console.log(
      `10,000 frames x 3 people, Chromium on the CPU: first picture after ${times.map((time) => time.toFixed(0)).join(', ')} ms`,
    );
    const busy = busyMachine();
    if (Math.min(...times) >= 1000 && busy) skip(busy);
    expect(Math.min(...times)).toBeLessThan(1000);
  });

  it('are moved and submitted in at most 4 ms a frame', async ({ skip }) => {
    const { page } = opened;
    await page.keyboard.press('f');
    await page.keyboard.press(' ');
    const readings: string[] = [];
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; best > 3 && attempt < attempts(best, 4); attempt++) {
      await page.waitForTimeout(2500);
      const text = (await page.textContent('#stats')) ?? '';
      readings.push(text);
      best = Math.min(best, Number(/([\d.]+) ms a picture/.exec(text)?.[1]));
    }
    console.log(`10,000 frames x 3 people, Chromium on the CPU: ${readings.join('; ')}`);
    expect(await page.textContent('#frame')).not.toMatch(/^0 of/);
    const busy = busyMachine();
    if (best > 4 && busy) skip(busy);
    expect(best).toBeLessThanOrEqual(4);
  });
});
