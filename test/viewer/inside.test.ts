import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tensor } from '../../lib/base/tensor.js';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { MaskedPoseModel } from '../../lib/models/masked-pose-model.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { buildScene } from '../../lib/viewer/build-scene.js';
import { FrameInspector } from '../../lib/viewer/frame-inspector.js';
import { viewerPage } from '../../lib/viewer/viewer-page.js';
import { liftedWalk } from '../helpers/lifted.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { noChromium, startChromium } from './chromium.js';
import { accessTrouble, openAt, openViewer } from './viewer-page.js';

const folder = temporaryFolder();
const result = join(folder, 'walk.npz');
const [first, second] = [join(folder, 'stage1.safetensors'), join(folder, 'stage2.safetensors')];
const walk = liftedWalk('a', 30);
const image = { width: 1920, height: 1080 };
const load = { device: 'cpu', threads: 1 } as const;
/** A machine may be busy with other things. */
const patience = { timeout: 30_000 };

beforeAll(async () => {
  writePoses(result, walk);
  await writeSmallModel(first, { stage: 1 });
  await writeSmallModel(second);
});

describe('what a model does at a frame', () => {
  const place = { result: 0, person: 0, frame: 2, seed: 5 };

  it('is, of a lifter, every map of every layer and head as the library gives it', async () => {
    const inspector = await FrameInspector.load(second, buildScene([result]).tracks, { ...load, fps: 100 });
    expect(inspector.facts).toMatchObject({ stage: 2, window: 9, stride: 2, heads: 8 });
    const { value, arrays } = (await inspector.at(place))!;
    // The window reaches over the start, where the first frame is repeated.
    expect(value.window).toEqual([0, 0, 0, 0, 2, 4, 6, 8, 10]);
    expect(value.modules.map(({ name, layers }) => [name, layers.map(({ tokens }) => tokens)])).toEqual([
      ['tem', [9, 9]],
      ['mofa', [9, 9, 3]],
    ]);
    expect(value.modules[1].layers[2].names).toEqual(['\u22128', '\u22122', '+4']);
    const lifter = await PoseLifter.load(second, load);
    const keypoints = tensor(walk.track.keypoints, [30, 17, 2]);
    for (const { name, layers } of value.modules) {
      const maps = await lifter.attention(keypoints, 2, { ...image, fps: 100, module: name });
      for (const [layer, { greatest, tokens }] of layers.entries()) {
        const bytes = arrays.get(`${name}/${layer}`)!;
        const own = maps[layer].maps.data;
        expect(bytes).toHaveLength(own.length);
        const worst = own.reduce((most, weight, at) => {
          const head = Math.floor(at / tokens ** 2);
          return Math.max(most, Math.abs((bytes[at] / 255) * greatest[head] - weight) / greatest[head]);
        }, 0);
        expect(worst).toBeLessThan(0.5001 / 255);
      }
    }
    expect(await inspector.at({ ...place, frame: 30 })).toBeUndefined();
    await lifter.close();
    await inspector.close();
  });

  it('is, of a Stage I model, what its masks leave and what it makes of that', async () => {
    const inspector = await FrameInspector.load(first, buildScene([result]).tracks, { ...load, fps: 50 });
    const { value, arrays } = (await inspector.at({ ...place, frame: 10 }))!;
    expect(value.modules.map(({ name }) => name)).toEqual(['tem', 'decoder']);
    const model = await MaskedPoseModel.load(first, load);
    const masks = model.masks(5);
    expect(arrays.get('masked')).toEqual(masks.masked);
    const window = tensor(walk.track.keypoints.slice(6 * 34, 15 * 34), [9, 17, 2]);
    expect(arrays.get('reconstruction')).toEqual((await model.reconstruct(window, masks, image)).data);
    const visible = masks.masked.filter((one) => one === 0).length;
    expect(value.modules[0].layers[0].tokens).toBe(visible);
    expect(value.modules[1].layers[0].names.filter((name) => name.endsWith('hidden'))).toHaveLength(9 - visible);
    await model.close();
    await inspector.close();
  });

  it('needs 2D, and says where it comes from', async () => {
    writePoses(join(folder, 'walk.npy'), walk);
    await expect(FrameInspector.load(second, buildScene([join(folder, 'walk.npy')]).tracks, load)).rejects.toThrow(
      /give --keypoints/,
    );
  });
});

if (noChromium) console.warn(`test/viewer/inside: skipped in part, ${noChromium}`);

describe.skipIf(noChromium)(`the panel of a model${noChromium ? ` (skipped: ${noChromium})` : ''}`, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  }, patience.timeout);
  afterAll(() => browser?.close());

  it('shows every map of a lifter, and follows the frame', async () => {
    const { page, trouble, close } = await openViewer(browser, [result], { model: second });
    await page.click('#inside-toggle');
    await page.waitForSelector('#map-1-2-7');
    expect(await page.locator('.heads button').count()).toBe((2 + 3) * 8);
    const picture = () => page.locator('#large-map').evaluate((map) => (map as HTMLCanvasElement).toDataURL());
    const before = await picture();
    await page.locator('#scrub').fill('17');
    await expect
      .poll(() => page.textContent('#inside-caption'))
      .toMatch(/stage2.*frame 17, window of 9 frames in a row/);
    expect(await picture()).not.toBe(before);
    await page.click('#map-1-2-7');
    expect(await page.textContent('#large-reading')).toMatch(/\(MOFA\), layer 2, head 7\. 3 \u00d7 3/);
    await page.hover('#large-map', { position: { x: 5, y: 5 } });
    expect(await page.textContent('#large-reading')).toMatch(/^frame \u22124 looks at frame \u22124: 0\.\d+\./);
    expect(await accessTrouble(page)).toEqual([]);
    expect(trouble).toEqual([]);
    await close();
  });

  it('shows what a Stage I model makes of masked poses, and of other masks', async () => {
    const { page, trouble, close } = await openViewer(browser, [result], { model: first });
    await page.keyboard.press('m');
    await page.waitForSelector('#masked-strip');
    expect(await page.textContent('#masked-about')).toMatch(
      /^7 of 9 frames .* On average a joint is put [\d.]+ pixels/,
    );
    const strip = () => page.locator('#masked-strip').evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
    const before = await strip();
    await page.getByText('Draw other masks').click();
    await expect.poll(strip, patience).not.toBe(before);
    expect(await accessTrouble(page)).toEqual([]);
    expect(trouble).toEqual([]);
    await close();
  });

  it('is in a page of its own for some frames, with no model and no server', async () => {
    const { scene, tracks } = buildScene([result]);
    const inspector = await FrameInspector.load(second, tracks, { ...load, fps: 50 });
    const file = join(folder, 'page.html');
    writeFileSync(file, await viewerPage({ title: 'walk', scene, inspector }));
    await inspector.close();
    const { page, trouble } = await openAt(browser, pathToFileURL(file).href, {});
    await page.locator('#scrub').fill('9');
    await page.keyboard.press('m');
    await expect
      .poll(() => page.textContent('#inside-caption'), patience)
      .toMatch(/frame 9, .*; 30 frames are in this page/);
    expect(trouble).toEqual([]);
    await page.context().close();
  });
});
