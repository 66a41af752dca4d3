import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const walking = (
  JSON.parse(readFileSync(new URL('../../examples/walking.json', import.meta.url), 'utf8')) as {
    image_id: string;
    keypoints: number[];
  }[]
).slice(0, 30);
const size = ['--size', '1920x1080', '--fps', '50', '--no-flip'];

/** A folder of OpenPose's frames of COCO's joints; frames of `nobody` hold {}. */
function openPoseFolder(path: string, nobody: readonly number[]): void {
  mkdirSync(path, { recursive: true });
  for (const [frame, { keypoints }] of walking.entries()) {
    const people = nobody.includes(frame) ? [{}] : [{ person_id: [-1], pose_keypoints_2d: keypoints }];
    writeFileSync(join(path, `c_${String(frame).padStart(12, '0')}_keypoints.json`), JSON.stringify({ people }));
  }
}

describe('every input is lifted, refused by name, or said to be skipped', () => {
  const cameras = join(folder, 'cameras');
  openPoseFolder(join(cameras, 'cam1'), []);
  openPoseFolder(join(cameras, 'cam2'), [0, 5, 6]);
  openPoseFolder(join(cameras, 'more', 'cam3'), [0, 1, 2]);
  mkdirSync(join(cameras, 'empty'));
  for (const name of ['notes.md', 'clip.mp4', '.hidden', 'old-3d.npz']) writeFileSync(join(cameras, name), 'x');
  writeFileSync(join(cameras, 'broken.json'), '{"camera": 1}');

  it('in a folder of cameras', async () => {
    const out = join(folder, 'lifted');
    const { code, err } = await runHere(['lift', cameras, ...size, '--out', out]);
    expect(
      readdirSync(out)
        .filter((name) => name.endsWith('.npz'))
        .sort(),
      err,
    ).toEqual(['cam1-3d.npz', 'cam2-3d.npz', 'cam3-3d.npz']);
    expect(code).toBe(1);
    expect(err).toContain('broken.json');
    expect(err).toContain('1 of 4 failed');
    for (const part of [
      'notes.md (no keypoints by its ending',
      'clip.mp4 (a video: name it by itself, with --detector)',
      '.hidden (hidden)',
      'old-3d.npz (of an earlier lift)',
      'empty (a folder without anything to lift)',
    ]) {
      expect(err).toContain(part);
    }
  });

  it('a folder without anything says what it holds', async () => {
    const { code, err } = await runHere(['lift', join(cameras, 'empty'), ...size]);
    expect(code).toBe(1);
    expect(err).toContain('expected files to lift (.npz, .npy, .json, .jsonl, .csv, .tsv) or frames, got nothing');
  });
});

describe('what is said', () => {
  const two = [
    ...walking.map((one) => ({ ...one, idx: 1 })),
    ...walking
      .filter((_, at) => at < 10 || at > 12)
      .map(({ image_id, keypoints }) => ({
        ...{ image_id, idx: 2 },
        keypoints: keypoints.map((value, at) => (at % 3 === 0 ? value + 500 : value)),
      })),
  ];
  const input = join(folder, 'two.json');
  writeFileSync(input, JSON.stringify(two.filter((_, at) => at !== 5)));

  it('of a file is said once, of a person with the name', async () => {
    const out = join(folder, 'two');
    const { code, err } = await runHere(['lift', input, ...size, '--person', 'all', '--out', out]);
    expect(code, err).toBe(0);
    expect(err.match(/50 frames a second: /g)).toHaveLength(1);
    expect(err).toContain('Person 0: 1 of 30 frames has no detection: interpolated in time.');
    expect(err).toContain('Person 1: 3 of 30 frames have no detection: interpolated in time.');
  });

  it('of ids that are merged or passed over', async () => {
    const lift = (...flags: string[]) => runHere(['lift', input, ...size, '--out', join(folder, 'ids.npz'), ...flags]);
    const both = await lift('--merge-ids', '1=2');
    expect(both.code).toBe(2);
    expect(both.err).toContain('1 and 2 are both there in 26 frames (the first is 0): they are two people');
    expect((await lift('--merge-ids', '1')).err).toContain('Expected <id>=<id>[,<id>...], for example 3=7,9');
    expect((await lift('--ignore-ids')).err).toContain('The track ids of the file are ignored, as asked');
  });

  it('of one is said of one', async () => {
    const one = join(folder, 'one.json');
    writeFileSync(one, JSON.stringify(walking));
    expect((await runHere(['inspect', one])).out).toContain(', 1 person\n');
  });

  it('of a turned video names the flag, and help and errors tell how to find the size', async () => {
    const portrait = join(folder, 'portrait.json');
    const turned = walking.map(({ image_id, keypoints }) => ({
      image_id,
      keypoints: keypoints.map((value, at) => (at % 3 === 0 ? value / 2 : at % 3 === 1 ? value * 1.7 : value)),
    }));
    writeFileSync(portrait, JSON.stringify(turned));
    const { err } = await runHere(['lift', portrait, ...size, '--out', join(folder, 'portrait.npz')]);
    expect(err).toMatch(/of 1080x1920 only 0% do. Is the video shown turned\? Then give its size as --size 1080x1920/);
    const upright = ['--size', '1080x1920', '--fps', '50', '--no-flip', '--out', join(folder, 'upright.npz')];
    expect((await runHere(['lift', portrait, ...upright])).err).not.toContain('lie outside');
    const none = await runHere(['lift', portrait, '--out', join(folder, 'none.npz')]);
    expect(none.err).toContain('stream_side_data=rotation');
    expect(none.err).toContain('width and height change places');
    expect((await runHere(['lift', '--help'])).out).toContain('upright for an upright phone');
  });
});
