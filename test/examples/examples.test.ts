import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Tensor } from '../../lib/base/tensor.js';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { readNpz } from '../../lib/formats/numpy/npz.js';
import { pMpjpeMm } from '../../lib/metrics/index.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { amcText, asfText } from '../helpers/writers/mocap-files.js';

const examples = fileURLToPath(new URL('../../examples', import.meta.url));
const folder = temporaryFolder();
const clip = join(examples, 'walking.json');
const shot = ['1920', '1080', '50'];

async function run(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(examples, name), ...args], { cwd: folder });
  return stdout;
}

/** P-MPJPE of poses of the bundled clip against what was really there, mm. */
function errorOf(poses: Float32Array): number {
  const truth = readNpz(join(examples, 'walking-truth.npz')).get('poses') as Tensor;
  return pMpjpeMm({ data: poses, shape: truth.shape }, truth);
}

it('lift-clip.mjs writes a motion that walks', async () => {
  const out = await run('lift-clip.mjs', clip, 'walking.bvh', ...shot);
  expect(out).toContain('walking.bvh: 300 frames');
  const bvh = readFileSync(join(folder, 'walking.bvh'), 'utf8');
  expect(bvh).toContain('Frames: 300\nFrame Time: 0.020000000');
  const rows = bvh.trimEnd().split('\n').slice(-300);
  const [first, last] = [rows[0], rows[299]].map((row) => row.split(' ').map(Number));
  expect(Math.hypot(last[0] - first[0], last[2] - first[2])).toBeGreaterThan(2);
});

it('lift-folder.mjs lifts every file as one worker does, and says which is broken', async () => {
  const clips = join(folder, 'clips');
  mkdirSync(clips);
  for (let number = 0; number < 5; number++) copyFileSync(clip, join(clips, `walk${number}.json`));
  writeFileSync(join(clips, 'broken.json'), '[{"image_id": 3');
  const out = await run('lift-folder.mjs', clips, 'lifted', ...shot);
  expect(out).toMatch(/broken\.json: .*broken\.json: /);
  const names = readdirSync(join(folder, 'lifted')).sort();
  expect(names).toEqual([0, 1, 2, 3, 4].map((number) => `walk${number}-3d.npz`));
  const poses = names.map((name) => readPoses(join(folder, 'lifted', name)).poses);
  expect(poses.every((one) => Buffer.from(one.buffer).equals(Buffer.from(poses[0].buffer)))).toBe(true);
  expect(errorOf(poses[0])).toBeLessThan(60);
});

it('stream-webcam.mjs gives a pose for every frame', async () => {
  const out = await run('stream-webcam.mjs', '60');
  expect(out).toMatch(/pose 50: left shin 0\.[345]\d m/);
  expect(out).toMatch(/60 frames, 60 poses, [\d.]+ ms a frame/);
});

it('custom-layout.mjs lifts thirteen joints nearly as well as the seventeen', async () => {
  await run('custom-layout.mjs', 'poses.npz');
  expect(errorOf(readPoses(join(folder, 'poses.npz')).poses)).toBeLessThan(70);
});

it('train-own.mjs trains both stages and evaluates on the person held out', async () => {
  for (const person of ['subject1', 'subject2', 'subject3']) {
    mkdirSync(join(folder, 'recordings', person), { recursive: true });
    writeFileSync(join(folder, 'recordings', person, `${person}.asf`), asfText());
    writeFileSync(join(folder, 'recordings', person, `${person}_01.amc`), amcText(150));
  }
  const people = ['--validation', 'subject1', '--test', 'subject2'];
  const out = await run('train-own.mjs', 'recordings', ...people, '--epochs', '1', '--frames', '9');
  expect(out.match(/epoch 1: loss [\d.]+, validation [\d.]+/g)).toHaveLength(2);
  expect(out).toMatch(/P-STMO[\s\S]*linear regression/);
  expect(readdirSync(join(folder, 'trained', 'stage2'))).toContain('model.safetensors');
});

it('each example is run here', () => {
  const scripts = readdirSync(examples).filter((name) => name.endsWith('.mjs'));
  const tests = readFileSync(fileURLToPath(import.meta.url), 'utf8');
  expect(scripts.length).toBeGreaterThan(0);
  expect(scripts.filter((name) => !tests.includes(`run('${name}'`))).toEqual([]);
});
