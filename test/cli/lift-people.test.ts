import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { coco17 } from '../../lib/skeletons/coco.js';
import { finetune } from '../../lib/training/finetune.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const frames = join(folder, 'walk');
const model = join(folder, 'model', 'model.safetensors');
const machine = ['--device', 'cpu', '--threads', '1', '--model', model, '--size', '1000x1000'];

const person = (x: number) =>
  coco17.joints.flatMap((_, joint) => [x + 9 * (joint % 4), 100 + 20 * joint + Math.sin(x / 9), 0.9]);

/** Two people; the second is away for 30 frames and comes back. */
beforeAll(async () => {
  mkdirSync(frames);
  for (let frame = 0; frame < 60; frame++) {
    const people = [person(100 + frame), ...(frame < 12 || frame > 41 ? [person(700)] : [])];
    const file = { version: 1.3, people: people.map((points) => ({ person_id: [-1], pose_keypoints_2d: points })) };
    writeFileSync(join(frames, `walk_${String(frame).padStart(12, '0')}_keypoints.json`), JSON.stringify(file));
  }
  const training = { model: tinyModel, batch: 32, epochs: 1, threads: 1, device: 'cpu' } as const;
  await finetune({ ...training, dataset: tinyDataset(), out: join(folder, 'model') });
});

describe('a folder of one file a frame', () => {
  it('is one input: everybody is lifted, long gaps cut, and done ones are kept', async () => {
    const out = join(folder, 'all');
    const command = ['lift', frames, '--person', 'all', '--fps', '50', '--out', out, ...machine];
    const { code, err } = await runHere(command);
    expect(code, err).toBe(0);
    expect(err).toContain('30 of 60 frames lie in gaps of more than 25 frames');
    const files = ['walk-person0-3d.npz', 'walk-person1-clip0-3d.npz', 'walk-person1-clip1-3d.npz'];
    expect(readdirSync(out).sort()).toEqual(files);
    const tracks = files.map((name) => readPoses(join(out, name)).track);
    expect(tracks.map((track) => track.frames)).toEqual([60, 12, 18]);
    expect(tracks[2].frameIds[0]).toBe('walk_000000000042_keypoints');
  });

  it('shows everybody in one world', async () => {
    const command = ['lift', frames, '--person', 'all', '--fps', '50', '--world', 'stance', ...machine];
    const { code, err } = await runHere([...command, '--out', join(folder, 'world')]);
    expect(code, err).toBe(0);
    expect(err.match(/Up was taken from the stance/g)).toHaveLength(1);
    expect(err.match(/as it was found for the first person of the video/g)).toHaveLength(1);
  });

  it('in a folder with others goes on where a run stopped', async () => {
    const out = join(folder, 'several');
    const command = [
      'lift',
      frames,
      join(frames, 'walk_000000000003_keypoints.json'),
      '--out',
      out,
      ...machine,
      '--json',
    ];
    const first = JSON.parse((await runHere(command)).out) as { files: { frames?: number }[] };
    expect(first.files.map((file) => file.frames)).toEqual([60, 1]);
    const again = JSON.parse((await runHere(command)).out) as { files: { skipped?: boolean }[] };
    expect(again.files.map((file) => file.skipped)).toEqual([true, true]);
  });

  it('is told by inspect, with people and gaps', async () => {
    const { out, code } = await runHere(['inspect', frames]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /keypoints, \d+ bytes[\s\S]*60 frames, coco-17[\s\S]*person 1 .*seen in 30 of 60 frames, 1 gap, the longest 30/,
    );
  });
});

describe('what happens between 2D and 3D', () => {
  const lift = async (...flags: string[]) => {
    const out = join(folder, `${flags.join('').replaceAll(/[^a-z0-9]/g, '')}.npz`);
    const { code, err } = await runHere(['lift', frames, '--out', out, ...machine, ...flags]);
    expect(code, err).toBe(0);
    return { poses: readPoses(out).poses, bytes: readFileSync(out), err };
  };

  it('rates that no whole stride fits are resampled, and every frame gets its pose', async () => {
    const plain = await lift('--fps', '50');
    const { poses, err } = await lift('--fps', '30');
    expect(err).toContain('30 frames a second: resampled to 50 for the network');
    expect(err).toContain('0.16 s (0.16 s in training)');
    expect(poses.length).toBe(plain.poses.length);
    expect(poses.every(Number.isFinite)).toBe(true);
    expect((await lift('--fps', '50.1')).err).not.toContain('resampled');
  });

  it('filters are off by default, and smooth when asked for', async () => {
    const roughness = (poses: Float32Array) => {
      let sum = 0;
      for (let at = 102; at < poses.length; at++) sum += Math.abs(poses[at] - 2 * poses[at - 51] + poses[at - 102]);
      return sum;
    };
    const plain = await lift('--fps', '50', '--smooth-3d', 'none');
    const before = roughness(plain.poses);
    for (const flag of ['--smooth-2d', '--smooth-3d']) {
      const { poses } = await lift('--fps', '50', flag, 'savitzky-golay:15:2');
      expect(roughness(poses), flag).not.toBe(before);
    }
    expect(roughness((await lift('--fps', '50', '--smooth-3d', 'savitzky-golay:15:2')).poses)).toBeLessThan(before);
    expect(roughness((await lift('--fps', '50', '--smooth-3d', 'one-euro:1:0')).poses)).toBeLessThan(before);
  });

  it('a camera centred in the image changes nothing, another does', async () => {
    const plain = (await lift('--fps', '50')).poses;
    const centred = (await lift('--fps', '50', '--camera', '900,900,500,500')).poses;
    expect(Math.max(...plain.map((value, at) => Math.abs(value - centred[at])))).toBeLessThan(1e-4);
    expect((await lift('--fps', '50', '--camera', '900,900,500,500')).err).toContain(
      "no distortion of the lens and the image's middle: it changes no point and is for the path alone",
    );
    expect((await lift('--fps', '50', '--camera', '900,800,480,510')).err).toContain(
      "points are moved by 20, -10 pixels to the image's middle, pixels made square",
    );
    expect((await lift('--fps', '50', '--camera', '900,900,500,500,0.1')).err).not.toContain('no distortion');
    const other = (await lift('--fps', '50', '--camera', '900,900,300,500,-0.2')).poses;
    expect(Math.max(...plain.map((value, at) => Math.abs(value - other[at])))).toBeGreaterThan(1e-3);
  });

  it.each([
    ['--camera', '1,2', 'fx,fy,cx,cy'],
    ['--smooth-2d', 'median', 'savitzky-golay'],
    ['--smooth-3d', 'savitzky-golay:4', 'odd window'],
    ['--input-format', 'octopus', 'alphapose'],
    ['--person', 'some', 'whole number'],
  ])('%s %s is refused', async (flag, value, message) => {
    const { code, err } = await runHere(['lift', frames, ...machine, flag, value]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
