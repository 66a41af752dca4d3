import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { walkingClip } from '../../lib/datasets/walking/walking-clip.js';
import type { LiftedPoses } from '../../lib/export/poses/lifted-poses.js';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { poseFormatOf, writePoses } from '../../lib/export/poses/write-poses.js';
import { readNpy } from '../../lib/formats/numpy/npy.js';
import { readNpz } from '../../lib/formats/numpy/npz.js';
import { isTensor } from '../../lib/formats/pickle/value.js';
import { readKeypoints } from '../../lib/keypoints/read-keypoints.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pstmo-export-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const clip = walkingClip();
const frames = 6;
const result: LiftedPoses = {
  poses: clip.poses.slice(0, frames * 17 * 3),
  layout: 'h36m-17',
  model: 'truth',
  track: {
    keypoints: Float32Array.from(clip.keypoints.subarray(0, frames * 17 * 2)),
    confidence: Float32Array.from(clip.confidence.subarray(0, frames * 17)),
    frames,
    joints: 17,
    layout: 'coco-17',
    width: 1920,
    height: 1080,
    fps: 50,
    frameIds: ['0.jpg', '1.jpg', '2', '3.jpg', '4.jpg', '5.jpg'],
    filled: Uint8Array.of(0, 0, 1, 0, 0, 0),
    people: 1,
    notices: [],
  },
};

function written(name: string): string {
  const path = join(folder, name);
  writePoses(path, result);
  return path;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, index) => Math.max(most, Math.abs(value - b[index])), 0);
}

describe('writePoses', () => {
  it('npz: every array by its name', () => {
    const arrays = readNpz(written('clip.npz'));
    const shapes = [...arrays].map(([name, { shape }]) => `${name}(${shape.join()})`);
    expect(shapes).toEqual([
      'poses(6,17,3)',
      'keypoints(6,17,2)',
      'confidence(6,17)',
      'filled(6)',
      'frames(6)',
      'layout()',
      'keypoint_layout()',
      'model()',
      'size(2)',
      'fps()',
    ]);
    expect(arrays.get('poses')).toEqual({ data: result.poses, shape: [6, 17, 3] });
    expect(arrays.get('model')).toEqual({ strings: ['truth'], shape: [] });
  });

  it('npy: exactly (T, 17, 3) float32', () => {
    const array = readNpy(written('clip.npy'));
    expect(array).toEqual({ data: result.poses, shape: [6, 17, 3] });
    expect(isTensor(array) && array.data instanceof Float32Array).toBe(true);
  });

  it('json: the documented fields', () => {
    const file = JSON.parse(readFileSync(written('clip.json'), 'utf8'));
    expect(Object.keys(file)).toEqual([
      'format',
      'version',
      'model',
      'fps',
      'size',
      'unit',
      'axes',
      'layout',
      'joints',
      'parents',
      'keypointLayout',
      'frames',
      'filled',
      'keypoints',
      'poses',
    ]);
    expect(file).toMatchObject({ format: 'pstmo-poses', unit: 'm', size: [1920, 1080], fps: 50, layout: 'h36m-17' });
    expect(file.poses[5][10]).toHaveLength(3);
    expect(file.poses[5][10][1]).toBeCloseTo(result.poses[(5 * 17 + 10) * 3 + 1], 6);
    expect(file.keypoints[1][0]).toEqual([clip.keypoints[34], clip.keypoints[35], clip.confidence[17]]);
  });

  it('csv: a named column for each coordinate', () => {
    const lines = readFileSync(written('clip.csv'), 'utf8').trimEnd().split('\n');
    const header = lines[0].split(',');
    expect(lines).toHaveLength(1 + frames);
    expect(header).toHaveLength(3 + 17 * 3);
    expect(header.slice(0, 7)).toEqual(['frame', 'time_s', 'filled', 'hip_x_m', 'hip_y_m', 'hip_z_m', 'right_hip_x_m']);
    const row = lines[3].split(',').map(Number);
    expect(row.slice(0, 3)).toEqual([2, 0.04, 1]);
    expect(row[header.indexOf('left_wrist_z_m')]).toBeCloseTo(result.poses[(2 * 17 + 13) * 3 + 2], 5);
  });

  it('leaves nothing but the file, and an old file whole when it fails', () => {
    const place = join(folder, 'alone');
    mkdirSync(place);
    writePoses(join(place, 'a.npz'), result);
    const before = readFileSync(join(place, 'a.npz'));
    const broken = { ...result, poses: result.poses.subarray(3) };
    expect(() => writePoses(join(place, 'a.npz'), broken)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    expect(readdirSync(place)).toEqual(['a.npz']);
    expect(readFileSync(join(place, 'a.npz')).equals(before)).toBe(true);
  });

  it('names the endings that it knows', () => {
    expect(poseFormatOf('a/b.JSON')).toBe('json');
    expect(() => poseFormatOf('a/b.bvh')).toThrow('a name that ends in .npz, .npy, .json, .csv, got .bvh');
    expect(() => writePoses(join(folder, 'absent', 'a.npz'), result)).toThrow(
      expect.objectContaining({ code: 'ERR_FILE' }),
    );
  });
});

describe('readPoses', () => {
  it('npz: gives back what was written', () => {
    const back = readPoses(written('back.npz'));
    expect(back.poses).toEqual(result.poses);
    const { keypoints, confidence, ...rest } = back.track;
    expect(back).toMatchObject({ layout: 'h36m-17', model: 'truth' });
    const { keypoints: points, confidence: sure, ...expected } = result.track;
    expect(rest).toEqual(expected);
    expect(largestDifference(keypoints.subarray(0, 68), points.subarray(0, 68))).toBe(0);
    expect(largestDifference(confidence.subarray(0, 34), sure.subarray(0, 34))).toBe(0);
  });

  it('json: to a micrometre', () => {
    const back = readPoses(written('back.json'));
    expect(largestDifference(back.poses, result.poses)).toBeLessThan(1e-6);
    expect(back.track).toMatchObject({ layout: 'coco-17', fps: 50, width: 1920, frameIds: result.track.frameIds });
  });

  it.each(['npz', 'json'])('%s: its keypoints can be lifted again', (ending) => {
    const track = readKeypoints(written(`again.${ending}`));
    expect(track).toMatchObject({ frames, layout: 'coco-17', width: 1920, height: 1080, fps: 50 });
    expect(Array.from(track.filled)).toEqual(Array.from(result.track.filled));
  });

  it('does without frame rate and size', () => {
    const { fps, width, height, ...track } = result.track;
    for (const ending of ['npz', 'json']) {
      const path = join(folder, `bare.${ending}`);
      writePoses(path, { ...result, track });
      const back = readPoses(path).track;
      expect([back.fps, back.width, back.height]).toEqual([undefined, undefined, undefined]);
    }
    writePoses(join(folder, 'bare.csv'), { ...result, track });
    expect(readFileSync(join(folder, 'bare.csv'), 'utf8').split('\n')[1]).toMatch(/^0,,0,0\.000000,/);
    expect([fps, width, height]).toEqual([50, 1920, 1080]);
  });

  it.each([
    ['no file', undefined, 'ERR_FILE'],
    ['rubbish', 'PK rubbish', 'ERR_FORMAT'],
    ['text', 'hello', 'ERR_FORMAT'],
    ['other JSON', '{"format": "other"}', 'ERR_FORMAT'],
  ])('refuses %s', (_, content, code) => {
    const path = join(folder, 'refused');
    rmSync(path, { force: true });
    if (content !== undefined) writeFileSync(path, content);
    expect(() => readPoses(path)).toThrow(expect.objectContaining({ name: 'PoseError', code }));
  });

  it('refuses poses of another length than the keypoints', () => {
    const file = JSON.parse(readFileSync(written('short.json'), 'utf8'));
    file.poses.pop();
    expect(() => readPoses(new TextEncoder().encode(JSON.stringify(file)), { where: 'short.json' })).toThrow(
      'expected poses of shape (6, 17, 3), got 255 values',
    );
  });
});
