import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { unpackArrays } from '../../lib/viewer/packed-arrays.js';
import type { SceneValue } from '../../lib/viewer/scene.js';
import { runHere, startCli } from '../helpers/cli.js';
import { liftedWalk } from '../helpers/lifted.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const path = (name: string) => join(folder, name);
const [walk, model] = [path('walk.npz'), path('model.safetensors')];

beforeAll(async () => {
  writePoses(walk, liftedWalk('a', 12));
  writePoses(path('walk.npy'), liftedWalk('a', 12));
  await writeSmallModel(model);
});

describe('view', () => {
  it('serves the page until Ctrl-C, and then ends well', async () => {
    const { child, done } = startCli(['view', walk, '--no-open']);
    const url = await new Promise<string>((found) =>
      child.stdout!.once('data', (bytes) => found(String(bytes).trim())),
    );
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const bytes = new Uint8Array(await (await fetch(`${url}data.bin`)).arrayBuffer());
    expect(unpackArrays<SceneValue>(bytes).value.results[0].name).toBe('walk.npz');
    child.kill('SIGINT');
    const { code, err } = await done;
    expect(code).toBe(130);
    expect(err).toContain('for this machine alone. Ctrl-C ends it.');
    await expect(fetch(url)).rejects.toThrow();
  });

  it('writes one page that needs nothing else, a model\u2019s maps in it', async () => {
    const [plain, inside] = [path('plain.html'), path('inside.html')];
    expect((await runHere(['view', walk, '--out', plain])).out).toMatch(/plain\.html: [\d.]+ MB; open it in a browser/);
    expect((await runHere(['view', walk, '--out', inside, '--model', model, '--device', 'cpu'])).code).toBe(0);
    expect(readFileSync(plain, 'utf8')).toContain('id="scene"');
    expect(readFileSync(inside, 'utf8').match(/id="frame-0-0-\d+"/g)).toHaveLength(12);
    expect(statSync(inside).size).toBeGreaterThan(statSync(plain).size);
  });

  it.each<[string, number, string[], RegExp]>([
    ['no result', 2, [], /missing required argument/],
    ['three results', 2, [walk, model, path('walk.npy')], /one result or two to compare, got 3/],
    ['a file that is none', 2, [model], /model\.safetensors: expected a lifted result/],
    ['a file that is not there', 1, [path('none.npz')], /none\.npz: cannot be read/],
    [
      'a page of another ending',
      2,
      [walk, '--out', 'page.txt'],
      /--out page\.txt: expected a name that ends in \.html/,
    ],
    ['a port that is none', 2, [walk, '--port', '70000'], /--port 70000: expected at most 65535/],
    ['more truth than people', 2, [walk, '--truth', walk, '--truth', walk], /at most 1 files, one a person, got 2/],
    ['a model without 2D', 2, [path('walk.npy'), '--model', model], /give --keypoints/],
    ['a model that is none', 1, [walk, '--model', 'none'], /none: there is no such file/],
    ['an option that is none', 2, [walk, '--shiny'], /unknown option/],
  ])('refuses %s', async (_, code, args, message) => {
    const result = await runHere(['view', '--no-open', ...args]);
    expect(result.err).toMatch(message);
    expect(result.code).toBe(code);
  });
});
