import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { buildScene } from '../../lib/viewer/build-scene.js';
import { viewerPage } from '../../lib/viewer/viewer-page.js';
import { liftedWalk } from '../helpers/lifted.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { noChromium, startChromium } from './chromium.js';
import {
  accessTrouble,
  colouredShare,
  type OpenOptions,
  type OpenPage,
  openAt,
  openViewer,
  pictureDifference,
} from './viewer-page.js';

const folder = temporaryFolder();
const path = (name: string) => join(folder, name);
const fixtures = fileURLToPath(new URL('../fixtures/viewer/', import.meta.url));
const frames = 60;
/** A machine may be busy with other things. */
const patience = { timeout: 30_000 };

if (noChromium) console.warn(`test/viewer/page: skipped, ${noChromium}`);

describe.skipIf(noChromium)(`the viewer\u2019s page${noChromium ? ` (skipped: ${noChromium})` : ''}`, () => {
  let browser: Browser;
  const open: OpenPage[] = [];

  beforeAll(async () => {
    browser = await startChromium();
    writePoses(path('walk.npz'), liftedWalk('a', frames));
    writePoses(path('other.npz'), liftedWalk('b', frames));
    for (const person of [0, 1, 2]) {
      const id = person === 2 ? '<b>bold</b>' : `track ${person + 4}`;
      writePoses(path(`crowd-person${person}-3d.npz`), liftedWalk(`c${person}`, frames, { id }));
    }
  }, patience.timeout);
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const one of open.splice(0)) {
      expect(one.trouble).toEqual([]);
      await one.close();
    }
  });

  async function show(names: readonly string[], options: OpenOptions = {}) {
    const opened = await openViewer(browser, names.map(path), options);
    open.push(opened);
    const { page } = opened;
    const frame = async () => Number((await page.textContent('#frame'))?.split(' ')[0]);
    /** The 3D picture, when it has been drawn. */
    const picture = async () => {
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      return page.locator('#space-canvas').screenshot();
    };
    return { page, frame, picture };
  }

  it('plays, pauses, and says so', async () => {
    const { page, frame } = await show(['walk.npz']);
    expect(await page.textContent('#title')).toBe('walk.npz');
    expect(await page.textContent('#facts')).toMatch(/60 frames.*50 a second.*1920 \u00d7 1080/);
    expect(await frame()).toBe(0);
    await page.click('#play');
    await expect.poll(() => page.getAttribute('#play', 'aria-label'), patience).toBe('Pause');
    await expect.poll(frame, patience).toBeGreaterThan(3);
    await page.click('#play');
    await expect.poll(() => page.getAttribute('#play', 'aria-label'), patience).toBe('Play');
    const stopped = await frame();
    await page.waitForTimeout(200);
    expect(await frame()).toBe(stopped);
  });

  it('is scrubbed, by hand and by keys', async () => {
    const { page, frame } = await show(['walk.npz']);
    await page.locator('#scrub').fill('31');
    await expect.poll(() => page.textContent('#frame'), patience).toBe('31 of 59');
    expect(await page.textContent('#time')).toBe('0:00.62');
    expect(await page.getAttribute('#scrub', 'aria-valuetext')).toBe('Frame 31 of 59, 0.62 of 1.20 seconds');
    const steps = [
      ['ArrowRight', 32],
      ['ArrowLeft', 31],
      ['Shift+ArrowRight', 41],
      ['End', 59],
      ['ArrowRight', 59],
      ['Home', 0],
    ] as const;
    for (const [key, at] of steps) {
      await page.keyboard.press(key);
      await expect.poll(frame, { ...patience, message: key }).toBe(at);
    }
    await page.keyboard.press('-');
    await expect.poll(() => page.inputValue('#speed'), patience).toBe('0.5');
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await expect.poll(() => page.inputValue('#speed'), patience).toBe('2');
    await page.keyboard.press('?');
    expect(await page.locator('#help').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await page.locator('#help').isVisible()).toBe(false);
    await page.keyboard.press(' ');
    await expect.poll(frame, patience).toBeGreaterThan(0);
  });

  it('draws what it drew when it was looked at, and something else elsewhere', async () => {
    const { page, picture } = await show(['walk.npz'], { width: 560, height: 620 });
    await page.locator('#scrub').fill('25');
    const golden = join(fixtures, 'walk-25.png');
    const now = await picture();
    if (process.env.PSTMO_UPDATE_PICTURES) {
      mkdirSync(fixtures, { recursive: true });
      writeFileSync(golden, now);
    }
    // Drivers round edges their own way: 1 % of the pixels may differ by more than 40 of 255.
    const away = (other: Buffer) => pictureDifference(page, readFileSync(golden), other, 40);
    expect(await away(now)).toBeLessThan(0.01);
    await page.locator('#scrub').fill('40');
    expect(await away(await picture())).toBeGreaterThan(0.01);
  });

  it('is seen from other sides, with and without ground, trails and colour', async () => {
    const { page, picture } = await show(['crowd-person0-3d.npz', 'crowd-person1-3d.npz']);
    await page.locator('#scrub').fill('30');
    let last = await picture();
    for (const key of ['1', '2', '3', '0', 'a', 'w', 'e', 't', 'g', 'n', 'u']) {
      await page.keyboard.press(key);
      const now = await picture();
      expect(now.equals(last), key).toBe(false);
      last = now;
    }
    expect(await page.getAttribute('html', 'data-theme')).toBe('light');
    expect(await page.getAttribute('#trails', 'aria-pressed')).toBe('false');
    await page.click('button[data-colour="person"]');
    expect((await picture()).equals(last)).toBe(false);
    const box = (await page.locator('#space-canvas').boundingBox())!;
    last = await picture();
    await page.mouse.move(box.x + 200, box.y + 200);
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y + 220, { steps: 4 });
    await page.mouse.up();
    expect((await picture()).equals(last)).toBe(false);
  });

  it('shows several people, of whom one stands out, and their names as text', async () => {
    const { page, picture } = await show([0, 1, 2].map((person) => `crowd-person${person}-3d.npz`));
    const names = await page.locator('#people button').allTextContents();
    expect(names).toEqual(['Person 0 (track 4)', 'Person 1 (track 5)', 'Person 2 (<b>bold</b>)']);
    expect(await page.locator('b').count()).toBe(0);
    const first = await picture();
    await page.click('#people button:nth-child(3)');
    await expect.poll(() => page.textContent('#space-caption'), patience).toBe('Person 2 (<b>bold</b>)');
    expect(await page.getAttribute('#people button:nth-child(3)', 'aria-pressed')).toBe('true');
    expect((await picture()).equals(first)).toBe(false);
    await page.keyboard.press('ArrowDown');
    await expect.poll(() => page.textContent('#space-caption'), patience).toBe('Person 0 (track 4)');
  });

  it('follows who walks through the room, or shows the whole path', async () => {
    const walk = liftedWalk('path', frames);
    // Eight metres to the right.
    const positions = walk.poses.map((value, at) =>
      at % 3 === 0 ? value + (8 * Math.floor(at / 51)) / frames : -value,
    );
    const about = { frames, layout: 'h36m-17', fps: 50, axes: 'world', root: 'estimated' } as const;
    writePoses(path('path.npz'), { ...walk, motion: { ...about, notes: [], positions } });
    const { page, picture } = await show(['path.npz']);
    expect(await page.getAttribute('#follow', 'aria-pressed')).toBe('true');
    const near = [await colouredShare(page, await picture())];
    await page.locator('#scrub').fill(String(frames - 1));
    near.push(await colouredShare(page, await picture()));
    await page.keyboard.press('c');
    await expect.poll(() => page.getAttribute('#follow', 'aria-pressed'), patience).toBe('false');
    const far = await colouredShare(page, await picture());
    for (const share of near) {
      expect(share).toBeGreaterThan(0.01);
      expect(far).toBeLessThan(0.4 * share);
    }
    const still = await show(['walk.npz']);
    expect(await still.page.locator('#follow').isHidden()).toBe(true);
  });

  it('compares two results, beside each other or in one place', async () => {
    const { page, picture } = await show(['walk.npz', 'other.npz']);
    expect(await page.locator('#names span').allTextContents()).toEqual(['walk.npz', 'other.npz']);
    const split = await picture();
    await page.click('button[data-arrangement="overlay"]');
    expect(await pictureDifference(page, split, await picture(), 40)).toBeGreaterThan(0.01);
  });

  it('colours joints by their error where the truth is given', async () => {
    const { page } = await show(['walk.npz'], { truth: [path('other.npz')] });
    const { scene } = buildScene([path('walk.npz')], { truth: [path('other.npz')] });
    const mean = (part: string) =>
      (scene.arrays.get(`0/0/${part}`) as Float32Array).subarray(0, 17).reduce((sum, one) => sum + one, 0) / 17;
    await expect
      .poll(() => page.textContent('#error-now'), patience)
      .toBe(`This frame: ${mean('rooted').toFixed(0)} mm`);
    await page.click('button[data-error="aligned"]');
    await expect
      .poll(() => page.textContent('#error-now'), patience)
      .toBe(`This frame: ${mean('aligned').toFixed(0)} mm`);
    expect(await page.getAttribute('button[data-colour="error"]', 'aria-pressed')).toBe('true');
  });

  it.each(['dark', 'light'] as const)('has nothing serious for axe to find, %s', async (scheme) => {
    const { page } = await show(['crowd-person0-3d.npz', 'crowd-person1-3d.npz'], {
      ...{ scheme, truth: [path('walk.npz')] },
    });
    expect(await page.getAttribute('html', 'data-theme')).toBe(scheme);
    await page.keyboard.press('i');
    expect(await page.locator('#about').isVisible()).toBe(true);
    await page.keyboard.press('f');
    expect(await accessTrouble(page)).toEqual([]);
    await page.keyboard.press('?');
    expect(await accessTrouble(page)).toEqual([]);
  });

  it('fits a screen of 390 pixels', async () => {
    const { page } = await show(['crowd-person0-3d.npz', 'crowd-person1-3d.npz'], {
      ...{ width: 390, height: 844, truth: [path('walk.npz')] },
    });
    const sizes = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      outside: [...document.querySelectorAll('button, select, input, canvas')]
        // People are in a row of their own that scrolls.
        .map((one) => ({
          id: one.id || one.textContent,
          box: one.getBoundingClientRect(),
          chip: one.closest('#people'),
        }))
        .filter(({ box, chip }) => !chip && box.width > 0 && (box.left < 0 || box.right > 390))
        .map(({ id }) => id),
      small: [...document.querySelectorAll('.transport button, .transport select')]
        .filter((one) => one.getBoundingClientRect().height < 32)
        .map((one) => one.id),
    }));
    expect(sizes).toEqual({ wide: 390, outside: [], small: [] });
    const [image, space, play] = await Promise.all(
      ['#image-canvas', '#space-canvas', '#play'].map((id) => page.locator(id).boundingBox()),
    );
    expect(image!.height).toBeGreaterThan(150);
    expect(space!.y).toBeGreaterThan(image!.y + image!.height);
    expect(play!.y + play!.height).toBeLessThanOrEqual(844);
    expect(await accessTrouble(page)).toEqual([]);
  });

  it('works as one file, which asks for nothing', async () => {
    const { scene } = buildScene([path('walk.npz')]);
    const file = path('page.html');
    writeFileSync(file, await viewerPage({ title: 'walk', scene }));
    const { page, trouble } = await openAt(browser, pathToFileURL(file).href, {});
    await page.locator('#scrub').fill('12');
    await expect.poll(() => page.textContent('#frame'), patience).toBe('12 of 59');
    expect(await page.locator('#image-canvas').isVisible()).toBe(true);
    expect(trouble).toEqual([]);
    await page.context().close();
  });

  it('says what is missing where the data cannot be read', async () => {
    const { page } = await show(['walk.npz']);
    await page.route('**/data.bin', (route) => route.fulfill({ body: 'something else' }));
    await page.reload();
    await expect.poll(() => page.textContent('#failure'), patience).toBe('Expected packed arrays.');
  });
});
