import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPoses, writePoses } from '../lib/export/index.js';
import { readMat5, readNpz, readSafetensors, readTorch } from '../lib/formats/index.js';
import { readKeypoints } from '../lib/keypoints/index.js';
import { temporaryFolder } from './helpers/temporary-folder.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = temporaryFolder();
const names = ['formats', 'skeletons', 'keypoints', 'metrics', 'motion', 'export', 'figures'] as const;

type Library = Record<(typeof names)[number], Record<string, (...args: unknown[]) => unknown>>;

/** What scripts of a page have and plain JavaScript has not: nothing of Node is among it. */
const pageGlobals = { TextDecoder, TextEncoder, console, performance, structuredClone, URL };

async function bundle(modules: readonly string[]): Promise<string> {
  if (!existsSync(join(root, 'dist/formats/index.js'))) {
    throw new Error('The library is not compiled: run `npm run compile` first.');
  }
  const lines = modules.map((name) => `export * as ${name} from 'pstmo/${name}';`);
  // A file that is not there, in this folder, where the package can be imported by its name.
  const entry = join(root, 'page-of-a-user.js');
  const load = (id: string) => (id === entry ? lines.join('\n') : null);
  const strangers: string[] = [];
  const build = await rolldown({
    input: entry,
    platform: 'browser',
    plugins: [{ name: 'entry', resolveId: (id) => (id === entry ? entry : null), load }],
    external(name, importer = '') {
      const isNodes = name.startsWith('node:');
      // What writes glTF names two of Node's modules in a function that only Node calls.
      if (isNodes && !importer.includes('@gltf-transform/core')) strangers.push(`${name} in ${importer}`);
      return isNodes;
    },
    logLevel: 'silent',
  });
  const { output } = await build.generate({ format: 'iife', name: 'pstmo', codeSplitting: false });
  await build.close();
  expect(strangers).toEqual([]);
  // What needs the native part is in a file of its own (tools/build/build-lib.mjs).
  expect(readdirSync(join(root, 'dist')).filter((name) => name.startsWith('chunk-model-'))).toHaveLength(1);
  expect(output[0].moduleIds.filter((name) => name.includes('chunk-model-'))).toEqual([]);
  return output[0].code;
}

function fixture(name: string): Uint8Array {
  return readFileSync(join(root, 'test/fixtures/formats', name));
}

/** The same in every realm: arrays of another realm are not equal to ours. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, one: unknown) => {
      if (typeof one === 'bigint') return String(one);
      if (typeof one === 'number') return String(one);
      if (ArrayBuffer.isView(one)) return Array.from(one as unknown as ArrayLike<number | bigint>, String);
      return Object.prototype.toString.call(one) === '[object Map]' ? [...(one as Map<unknown, unknown>)] : one;
    }),
  );
}

let page: Library;

beforeAll(async () => {
  const context = createContext({ ...pageGlobals });
  runInContext(await bundle(names), context);
  page = runInContext('pstmo', context) as Library;
});

describe('the parts without native code, bundled for a browser', () => {
  it.each(names)('%s is a bundle by itself', async (name) => {
    const context = createContext({ ...pageGlobals });
    runInContext(await bundle([name]), context);
    const exported = runInContext(`Object.keys(pstmo.${name})`, context) as string[];
    expect(Array.from(exported)).toEqual(Object.keys(page[name]));
    expect(exported.length).toBeGreaterThan(2);
  });

  it('read bytes as Node does: packed archives, weights, MATLAB', () => {
    for (const name of ['fortran.npz', 'texts.npz', 'zip64.npz', 'human36m-3d.npz']) {
      expect(plain(page.formats.readNpz(fixture(name)))).toEqual(plain(readNpz(fixture(name))));
    }
    for (const name of ['zip.pth', 'legacy.pth', 'checkpoint.pth', 'big-endian.pth']) {
      expect(plain(page.formats.readTorch(fixture(name)))).toEqual(plain(readTorch(fixture(name))));
    }
    for (const name of ['packed.mat', 'plain.mat', 'big-endian.mat']) {
      expect(plain(page.formats.readMat5(fixture(name)))).toEqual(plain(readMat5(fixture(name))));
    }
    const tensors = fixture('all-types.safetensors');
    expect(plain(page.formats.readSafetensors(tensors))).toEqual(plain(readSafetensors(tensors)));
  });

  it('go from detections to BVH and glTF, and from a packed result back to its poses', async () => {
    const clip = readFileSync(join(root, 'examples/walking.json'));
    const size = { width: 1920, height: 1080 };
    const track = page.keypoints.readKeypoints(clip, { size, fps: 50 }) as ReturnType<typeof readKeypoints>;
    const own = readKeypoints(clip, { size, fps: 50 });
    expect(plain(track)).toEqual(plain(own));

    const truth = readNpz(join(root, 'examples/walking-truth.npz')).get('poses') as { data: Float32Array };
    const lifted = { poses: truth.data, layout: 'h36m-17', model: 'truth', track: own };
    const worked = page.export.workMotion(lifted, { trajectory: {}, world: { from: 'stance' } }) as { result: unknown };
    expect(page.export.writeBvh(page.export.motionOf(worked.result))).toMatch(
      /^HIERARCHY\nROOT [\s\S]*\nFrames: 300\n/,
    );
    const glb = (await page.export.writeGlb(page.export.motionOf(worked.result))) as Uint8Array;
    expect(new TextDecoder().decode(glb.subarray(0, 4))).toBe('glTF');
    const score = page.metrics.mpjpeMm(
      { data: truth.data, shape: [300, 17, 3] },
      { data: truth.data, shape: [300, 17, 3] },
    );
    expect(score).toBe(0);

    const path = join(folder, 'poses.npz');
    writePoses(path, lifted);
    expect(plain(page.export.readPoses(readFileSync(path)))).toEqual(plain(readPoses(path)));
  });

  it('say that there are no files', () => {
    const file = join(folder, 'there.npy');
    writeFileSync(file, 'there');
    const expected = expect.objectContaining({ code: 'ERR_FILE', message: expect.stringContaining('has no files') });
    expect(() => page.formats.readNpy(file)).toThrow(expected);
    expect(() => page.keypoints.readKeypoints(file)).toThrow(expected);
    expect(() => page.formats.writeNpz(file, {})).toThrow(expected);
  });
});
