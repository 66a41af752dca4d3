import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { readNpy } from '../../lib/formats/numpy/npy.js';
import { writeNpy } from '../../lib/formats/numpy/npy-writer.js';
import { finetune } from '../../lib/training/finetune.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel, walkingSequence } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const FRAMES = 12;
const clip = join(folder, 'clip.npy');
const model = join(folder, 'model', 'model.safetensors');
const processor = ['--device', 'cpu', '--threads', '1'];
const machine = [...processor, '--model', model];
const seen = ['--size', '1000x1000', '--layout', 'h36m-17'];
const options = [...machine, ...seen, '--fps', '50'];

function writeClip(path: string): void {
  const { keypoints } = walkingSequence('E', 'test', 0, FRAMES);
  const data = keypoints.map((value) => ((value + 1) * 1000) / 2);
  writeFileSync(path, writeNpy({ data, shape: [FRAMES, 17, 2] }));
}

beforeAll(async () => {
  const settings = {
    dataset: tinyDataset(),
    model: tinyModel,
    batch: 32,
    epochs: 1,
    threads: 1,
    device: 'cpu',
  } as const;
  await finetune({ ...settings, out: join(folder, 'model') });
  writeClip(clip);
});

describe('one file', () => {
  it('becomes poses in the format that the name says, with where, how fast and how to look', async () => {
    const [npz, npy, csv, json] = ['npz', 'npy', 'csv', 'json'].map((ending) => join(folder, `out.${ending}`));
    for (const out of [npz, npy, csv, json]) {
      const { code, out: text, err } = await runHere(['lift', clip, '--out', out, ...options]);
      expect(code, err).toBe(0);
      expect(text).toMatch(/out\.\w+: 12 frames in [\d.]+ s, \d+ frames\/s \(CPU.*fp32, mirrored pass included, batch/);
      expect(text).toContain('Look at them:');
      expect(err).toContain('50 frames a second: windows take every frame and span 0.16 s (0.16 s in training)');
    }
    const poses = readNpy(npy) as Tensor;
    expect(poses.shape).toEqual([FRAMES, 17, 3]);
    expect(poses.data).toBeInstanceOf(Float32Array);
    expect([...poses.data.subarray(0, 3)]).toEqual([0, 0, 0]);
    expect(readPoses(npz).poses).toEqual(poses.data);
    expect(readFileSync(csv, 'utf8').split('\n')).toHaveLength(FRAMES + 2);
    const again = await runHere(['inspect', npz, csv, json, npy, '--json']);
    const kinds = JSON.parse(again.out).map(({ kind }: { kind: string }) => kind);
    expect(kinds).toEqual(['poses', 'poses', 'poses', 'arrays']);
  });

  it('is lifted without the mirrored pass when told, to other poses', async () => {
    const [plain, mirrored] = [join(folder, 'plain.npy'), join(folder, 'mirrored.npy')];
    const { out } = await runHere(['lift', clip, '--out', plain, '--no-flip', '--json', ...options]);
    await runHere(['lift', clip, '--out', mirrored, ...options]);
    expect(JSON.parse(out)).toMatchObject({ stopped: false, files: [{ output: plain, frames: FRAMES, stride: 1 }] });
    expect(readFileSync(plain).equals(readFileSync(mirrored))).toBe(false);
  });

  it('of another frame rate is seen through a wider window, and it says so', async () => {
    const out = join(folder, 'fast.npz');
    const { err } = await runHere(['lift', clip, '--out', out, ...machine, ...seen, '--fps', '100']);
    expect(err).toContain('100 frames a second: windows take one frame in 2 and span 0.16 s');
  });

  it.each<[string, number, string[], RegExp]>([
    ['without an image size', 2, [...machine, '--layout', 'h36m-17'], /--size WIDTHxHEIGHT.*ffprobe/],
    ['without a layout that could be several', 1, [...machine, '--size', '9x9'], /17 joints.*coco-17.*h36m-17|layout/],
    ['of another layout than it says', 2, [...machine, '--size', '1000x1000', '--layout', 'halpe-26'], /halpe-26/],
    ['of another format than it says', 1, [...options, '--input-format', 'openpose'], /openpose, got arrays of NumPy/],
    ['that has fewer people', 2, [...options, '--person', '3'], /person/],
  ])('%s fails with what to do', async (_, wanted, args, message) => {
    const { code, err } = await runHere(['lift', clip, '--out', join(folder, 'never.npz'), ...args]);
    expect(code).toBe(wanted);
    expect(err).toMatch(message);
    expect(existsSync(join(folder, 'never.npz'))).toBe(false);
  });

  it('is never written over, and motion files need its rate', async () => {
    const before = readFileSync(clip);
    const same = await runHere(['lift', clip, '--out', clip, ...options]);
    expect(same).toMatchObject({ code: 2, out: '' });
    expect(same.err).toContain('another file than the one that is lifted');
    expect(readFileSync(clip).equals(before)).toBe(true);
    const timeless = await runHere(['lift', clip, '--out', join(folder, 'a.bvh'), ...machine, ...seen]);
    expect(timeless.code).toBe(2);
    expect(timeless.err).toContain('.bvh needs; give --fps');
  });

  it('goes to several files where --out is given again, with the same poses in each', async () => {
    const [npz, bvh, csv] = ['npz', 'bvh', 'csv'].map((ending) => join(folder, 'several', `a.${ending}`));
    const outs = [npz, bvh, csv].flatMap((out) => ['--out', out]);
    const { code, out, err } = await runHere(['lift', clip, ...outs, ...options, '--rig', 'h36m', '--json']);
    expect(code, err).toBe(0);
    expect(JSON.parse(out).files.map(({ output }: { output: string }) => output)).toEqual([npz, bvh, csv]);
    for (const file of [npz, bvh, csv]) {
      const alone = join(folder, 'alone', basename(file));
      const rig = file === bvh ? ['--rig', 'h36m'] : [];
      expect((await runHere(['lift', clip, '--out', alone, ...options, ...rig])).code).toBe(0);
      expect(readFileSync(file).equals(readFileSync(alone)), file).toBe(true);
    }
    // What is the same of each file is said once.
    expect(err.match(/50 frames a second/g)).toHaveLength(1);
  });

  it.each<[string, string[], RegExp]>([
    ['the same name', ['a.npz', './a.npz'], /--out \.\/a\.npz: expected another file than those before it/],
    ['the input', ['a.npz', clip], /clip\.npy: expected another file/],
    ['standard output', ['a.npz', '-'], /--out, given again: expected names of files.*got -/],
    ['a folder', ['a.npz', folder], /--out, given again: .*--out walk\.npz --out walk\.bvh; got .*\./],
    ['nothing', ['a.npz', ''], /--out: expected the name/],
    ['a format that there is not', ['a.npz', 'a.mp4'], /\.npz.*got \.mp4/],
    ['another format than --format', ['a.npz', 'a.csv', '--format', 'npz'], /--out a\.csv and --format npz disagree/],
    ['a second file for two inputs', ['a.npz', 'b.npz', 'other.npy'], /expected names of files, for one input.*got 2/],
  ])('is not written where --out is given again with %s', async (_, [first, second, ...more], message) => {
    const { code, out, err } = await runHere(['lift', clip, '--out', first, '--out', second, ...options, ...more]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(existsSync('a.npz')).toBe(false);
  });

  it('goes to a folder that can be made, or the folder is named', async () => {
    const file = join(folder, 'in-the-way');
    writeFileSync(file, '');
    const { code, err } = await runHere(['lift', clip, '--out', join(file, 'a.npz'), ...options]);
    expect(err).toContain(`${file}: expected a folder, got a file`);
    expect(code).toBe(1);
  });
});

describe('several files', () => {
  const inputs = join(folder, 'clips');
  const out = join(folder, 'lifted');
  const command = ['lift', inputs, '--out', out, ...options];
  const output = (name: string) => join(out, `${name}-3d.npz`);

  it('are lifted in one go; bad ones are named, do not stop the rest, and make the exit code 1', async () => {
    mkdirSync(inputs);
    writeClip(join(inputs, 'a.npy'));
    writeFileSync(join(inputs, 'b.npy'), '');
    writeFileSync(join(inputs, 'c.npz'), readFileSync(clip).subarray(0, 300));
    writeFileSync(join(inputs, 'd.json'), '{"people": 3}');
    writeFileSync(join(inputs, 'e.npy'), writeNpy({ data: new Float32Array(12), shape: [2, 3, 2] }));
    writeFileSync(join(inputs, 'notes.txt'), 'no input');
    writeClip(join(inputs, 'z.npy'));
    const { code, err } = await runHere(command);
    expect(code).toBe(1);
    for (const name of ['b.npy', 'c.npz', 'd.json', 'e.npy']) {
      expect(err).toContain(name);
    }
    expect(err).toContain('4 of 6 failed');
    expect(err).toContain('skipped notes.txt');
    expect(existsSync(output('a')) && existsSync(output('z'))).toBe(true);
  });

  it('go on where a run stopped: what is done and unchanged is kept', async () => {
    const before = statSync(output('a')).mtimeMs;
    writeClip(join(inputs, 'b.npy'));
    utimesSync(join(inputs, 'z.npy'), new Date(), new Date(2020, 1, 1));
    const zBefore = statSync(output('z')).mtimeMs;
    const again = await runHere([...command, '--json']);
    expect(again.code).toBe(1);
    const { files } = JSON.parse(again.out) as { files: { input: string; skipped?: boolean; frames?: number }[] };
    const what = Object.fromEntries(files.map(({ input, skipped, frames }) => [input.slice(-5), skipped ?? frames]));
    expect(what).toMatchObject({ 'a.npy': true, 'b.npy': FRAMES, 'z.npy': FRAMES });
    expect(statSync(output('a')).mtimeMs).toBe(before);
    expect(statSync(output('z')).mtimeMs).toBeGreaterThan(zBefore);
  });

  it('are lifted again with other settings, or when forced', async () => {
    const files = [join(inputs, 'a.npy'), join(inputs, 'b.npy')];
    const run = async (...more: string[]) => {
      const { out: text } = await runHere(['lift', ...files, '--out', out, ...options, '--json', ...more]);
      return (JSON.parse(text) as { files: { skipped?: boolean }[] }).files.map(({ skipped }) => skipped ?? false);
    };
    expect(await run()).toEqual([true, true]);
    expect(await run('--no-flip')).toEqual([false, false]);
    expect(await run('--no-flip')).toEqual([true, true]);
    expect(await run('--no-flip', '--force')).toEqual([false, false]);
  });

  it('of one name are refused before anything is written', async () => {
    const { code, err } = await runHere(['lift', clip, join(inputs, '..', 'clip.npy'), '--out', out, ...options]);
    expect(code).toBe(2);
    expect(err).toMatch(/would both be written/);
  });

  it('stop at a signal with exit code 130', async () => {
    const { code, err } = await runHere(command, AbortSignal.abort());
    expect(code).toBe(130);
    expect(err).toContain('goes on from there');
  });
});

describe('convert', () => {
  it('gives weights that lift alike, as safetensors, as halves, and under the published names', async () => {
    const lift = async (weights: string) => {
      const out = join(folder, 'converted.npy');
      const { code, err } = await runHere([
        'lift',
        clip,
        '--out',
        out,
        ...processor,
        ...seen,
        '--fps',
        '50',
        '--model',
        weights,
      ]);
      expect(code, err).toBe(0);
      return (readNpy(out) as Tensor).data;
    };
    const [copy, half, named] = ['copy.safetensors', 'half.safetensors', 'named.npz'].map((name) => join(folder, name));
    expect((await runHere(['convert', model, copy])).code).toBe(0);
    expect((await runHere(['convert', model, half, '--half'])).code).toBe(0);
    expect((await runHere(['convert', model, named])).code).toBe(0);
    const own = ['--set', 'heads=4', '--preset', 'pstmo-s-gt', '--set', 'stride=1'];
    expect((await runHere(['convert', named, join(folder, 'back.safetensors'), ...own])).code).toBe(0);
    const poses = await lift(model);
    expect(await lift(copy)).toEqual(poses);
    expect(await lift(join(folder, 'back.safetensors'))).toEqual(poses);
    const halves = await lift(half);
    expect(statSync(half).size).toBeLessThan(0.6 * statSync(copy).size);
    const worst = Math.max(...halves.map((value, i) => Math.abs(value - poses[i])));
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(2e-3);
    const about = await runHere(['inspect', half, join(folder, 'model', 'checkpoint.safetensors')]);
    expect(about.out).toMatch(/half.*model[\s\S]*finetune on tiny, epoch 1[\s\S]*checkpoint[\s\S]*1 of 1 epochs done/);
  });
});
