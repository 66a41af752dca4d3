import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { DEEPEST, parseJsonText } from '../../lib/base/json-text.js';
import { readDataset } from '../../lib/datasets/dataset-file.js';
import { DATASET_KEY } from '../../lib/datasets/dataset-metadata.js';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { memorySource } from '../../lib/formats/bytes/byte-source.js';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js';
import { readCustomLayout } from '../../lib/keypoints/custom-layout.js';
import { readKeypoints } from '../../lib/keypoints/read-keypoints.js';
import { parseJsonStream } from '../../lib/keypoints/readers/json/json-stream.js';
import { CONFIG_KEY, readWeights } from '../../lib/networks/weights.js';
import { CHECKPOINT_KEY, readCheckpoint } from '../../lib/training/record/checkpoint.js';
import { readRunFile } from '../../lib/training/record/run-file.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const lists = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const deep = 300_000;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A file of one tensor whose metadata hold a text under a key. */
function tensors(name: string, key: string, text: string): string {
  const path = join(folder, name);
  writeSafetensors(path, new Map([['x', { data: new Float32Array(1), shape: [1] }]]), { [key]: text });
  return path;
}

describe('parseJsonText', () => {
  it('is JSON.parse up to 500 lists and objects in each other, whatever strings hold', () => {
    for (const text of [lists(DEEPEST), objects(DEEPEST), '["\\"[[", "\\\\", {"[": "]"}]', '"[[["', '1']) {
      expect(parseJsonText(text)).toEqual(JSON.parse(text));
    }
    const brackets = JSON.stringify(['['.repeat(1000), '\\', '\\"'.repeat(10), { [lists(1000)]: 1 }]);
    expect(parseJsonText(brackets)).toEqual(JSON.parse(brackets));
    for (const text of [lists(DEEPEST + 1), objects(DEEPEST + 1), `["\\\\", ${lists(DEEPEST)}]`]) {
      expect(() => parseJsonText(text)).toThrow(/in each other more than 500 deep/);
    }
    expect(() => parseJsonText('[1')).toThrow(SyntaxError);
  });

  it('is the only parser of JSON in the library, but for its own worker texts', () => {
    const root = fileURLToPath(new URL('../../lib', import.meta.url));
    const users = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && readFileSync(join(root, name), 'utf8').includes('JSON.parse('))
      .sort();
    expect(users).toEqual([
      'base/json-text.ts',
      'base/package-version.ts',
      // A constant; and what the viewer packed itself.
      'keypoints/readers/json/json-stream.ts',
      'viewer/packed-arrays.ts',
    ]);
  });
});

describe.each([
  ['lists', lists(deep)],
  ['objects', objects(deep)],
  ['lists that json_tricks wrote', `{"x":${'['.repeat(deep)}{"__ndarray__":[1]}${']'.repeat(deep)}}`],
])('300,000 %s in each other', (name, text) => {
  const wrong = (path: string) => ({
    name: 'PoseError',
    code: expect.stringMatching(/^ERR_(FORMAT|CONFIG)$/),
    message: expect.stringContaining(path),
  });

  it.each<[string, (path: string) => unknown]>([
    ['readKeypoints', readKeypoints],
    ['readCustomLayout', readCustomLayout],
    ['readRunFile', readRunFile],
    ['readPoses', readPoses],
  ])('%s refuses them', async (_, read) => {
    const path = file(`${name}.json`, text);
    await expect((async () => read(path))()).rejects.toMatchObject(wrong(path));
  });

  it('within a field too, and piece by piece', async () => {
    for (const inner of [`[{"keypoints":${text}}]`, `{"model":${text}}`, `{"name":"x","joints":["a"],"map":${text}}`]) {
      const path = file('inner.json', inner);
      for (const read of [readKeypoints, readCustomLayout, readRunFile, readPoses]) {
        await expect((async () => read(path))()).rejects.toMatchObject(wrong(path));
      }
      const source = memorySource(Buffer.from(inner), 'inner.json');
      expect(() => parseJsonStream(source, 10, 10)).toThrow(expect.objectContaining(wrong('inner.json')));
    }
  });

  it('in the metadata of weights, data sets and checkpoints, and in a header', async () => {
    const weights = tensors('weights.safetensors', CONFIG_KEY, text);
    await expect(readWeights(weights)).rejects.toMatchObject(wrong(weights));
    const dataset = tensors('dataset.safetensors', DATASET_KEY, text);
    await expect(readDataset(dataset)).rejects.toMatchObject(wrong(dataset));
    const checkpoint = tensors('checkpoint.safetensors', CHECKPOINT_KEY, text);
    expect(() => readCheckpoint(checkpoint)).toThrow(expect.objectContaining(wrong(checkpoint)));
    const header = Buffer.from(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,${text}]}}`);
    const path = join(folder, 'header.safetensors');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(path, Buffer.concat([length, header, Buffer.alloc(4)]));
    expect(() => readSafetensors(path)).toThrow(expect.objectContaining(wrong(path)));
  });

  it('on the command line: one line that names the file', async () => {
    const path = file('command.json', text);
    for (const args of [
      ['lift', path, '--out', join(folder, 'o.npz')],
      ['lift', path, '--layout', path],
      ['inspect', path],
      ['finetune', '--config', path, '--out', join(folder, 'run')],
      ['plot', 'errors', path, '--out', join(folder, 'o.svg')],
      ['view', path, '--no-open', '--out', join(folder, 'o.html')],
    ]) {
      const { code, err } = await runHere(args);
      expect(code, args.join(' ')).toBeGreaterThan(0);
      expect(err).toContain('command.json');
      expect(err).not.toMatch(/RangeError|call stack|\n {4}at /);
    }
  });
});
