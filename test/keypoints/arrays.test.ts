import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tensor } from '../../lib/base/tensor.js';
import { writeNpy } from '../../lib/formats/numpy/npy-writer.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import type { ReadKeypointsOptions } from '../../lib/keypoints/keypoint-track.js';
import { readKeypoints, readPeople } from '../../lib/keypoints/read-keypoints.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pstmo-keypoints-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** (T, J, C) with 100 * frame + joint in x and joint in y; a third channel is 0.5. */
function ramp(shape: readonly number[]): Float32Array {
  const [joints, channels] = shape.slice(-2);
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, (_, at) => {
    const point = Math.floor(at / channels);
    const [frame, joint] = [Math.floor(point / joints), point % joints];
    return [100 * frame + joint + 1, joint + 5, 0.5][at % channels];
  });
}

const array = (...shape: number[]) => tensor(ramp(shape), shape);
const text = (value: string) => ({ strings: [value], shape: [] as number[] });

function npy(...shape: number[]): Uint8Array {
  return writeNpy(array(...shape));
}

function npz(arrays: Parameters<typeof writeNpz>[1], options?: ReadKeypointsOptions) {
  const path = join(folder, 'made.npz');
  writeNpz(path, arrays, { compress: true });
  return readKeypoints(path, options);
}

describe('npy', () => {
  it('(T, J, 2) has confidence 1', () => {
    const track = readKeypoints(npy(3, 17, 2), { where: 'a.npy', layout: 'coco-17' });
    expect(track).toMatchObject({ frames: 3, joints: 17, layout: 'coco-17', frameIds: ['0', '1', '2'], notices: [] });
    expect(Array.from(track.keypoints.subarray(34 * 2, 34 * 2 + 4))).toEqual([201, 5, 202, 6]);
    expect(track.confidence.every((value) => value === 1)).toBe(true);
  });

  it('(T, J, 3) carries confidence', () => {
    const track = readKeypoints(npy(2, 26, 3), { where: 'a.npy' });
    expect(track).toMatchObject({ layout: 'halpe-26', frames: 2 });
    expect(track.confidence[51]).toBe(0.5);
    expect(Array.from(track.keypoints.subarray(0, 4))).toEqual([1, 5, 2, 6]);
  });

  it('(P, T, J, 2) holds P people', () => {
    const track = readKeypoints(npy(2, 3, 17, 2), { where: 'a.npy', layout: 'h36m-17', person: 1 });
    expect(track).toMatchObject({ people: 2, frames: 3 });
    expect(track.keypoints[0]).toBe(301);
    expect(() => readKeypoints(npy(2, 3, 17, 2), { where: 'a.npy', layout: 'h36m-17', person: 2 })).toThrow(
      '0 to 1, got 2',
    );
  });

  it('takes numbers of any kind, and NaN for the unknown', () => {
    const whole = writeNpy({ data: Int32Array.from(ramp([2, 17, 2])), shape: [2, 17, 2] });
    expect(readKeypoints(whole, { where: 'a.npy', layout: 'coco-17' }).keypoints[2]).toBe(2);
    const holes = array(3, 17, 2);
    holes.data.fill(Number.NaN, 34, 68);
    const track = readKeypoints(writeNpy(holes), { where: 'a.npy', layout: 'coco-17' });
    expect(Array.from(track.filled)).toEqual([0, 1, 0]);
    expect(track.keypoints[34]).toBeCloseTo(101, 4);
  });

  it('asks for the layout where the number of joints does not tell it', () => {
    expect(() => readKeypoints(npy(3, 17, 2), { where: 'a.npy' })).toThrow(/h36m-17 or .*coco-17.*option layout/);
    expect(() => readKeypoints(npy(3, 17, 2), { where: 'a.npy', layout: 'halpe-26' })).toThrow('got halpe-26 with 26');
    expect(() => readKeypoints(npy(3, 17, 2), { where: 'a.npy', layout: 'coco' })).toThrow('did you mean coco-17');
    expect(() => readKeypoints(npy(3, 9, 2), { where: 'a.npy' })).toThrow('got 9; known are');
  });

  it.each([[[3, 34]], [[3, 17, 4]], [[0, 17, 2]], [[3, 0, 2]], [[2, 2, 2, 17, 2]]])('refuses shape %j', (shape) => {
    expect(() => readKeypoints(npy(...shape), { where: 'a.npy', layout: 'coco-17' })).toThrow(
      expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringContaining(shape.join(', ')) }),
    );
  });
});

describe('npz', () => {
  it('takes what stands beside the keypoints', () => {
    const track = npz({
      poses: array(4, 17, 3),
      keypoints: array(4, 17, 2),
      confidence: tensor(new Float32Array(4 * 17).fill(0.25), [4, 17]),
      filled: tensor(Uint8Array.of(0, 1, 0, 0), [4]),
      frames: { strings: ['a', 'b', 'c', 'd'], shape: [4] },
      size: tensor(Int32Array.of(1280, 720), [2]),
      fps: tensor(Float64Array.of(25), []),
      layout: text('h36m-17'),
      keypoint_layout: text('coco-17'),
    });
    expect(track).toMatchObject({ layout: 'coco-17', width: 1280, height: 720, fps: 25, frames: 4 });
    expect(track.frameIds).toEqual(['a', 'b', 'c', 'd']);
    expect(Array.from(track.filled)).toEqual([0, 1, 0, 0]);
    expect([track.confidence[0], track.confidence[17]]).toEqual([0.25, 0]);
  });

  it.each(['positions_2d', 'kpts', 'reconstruction'])('knows the name %s', (name) => {
    expect(npz({ other: array(2, 2), [name]: array(2, 17, 2) }, { layout: 'h36m-17' }).frames).toBe(2);
  });

  it('takes the array that the caller names', () => {
    const track = npz({ mine: array(5, 26, 2), keypoints: array(2, 26, 2) }, { entry: 'mine' });
    expect(track.frames).toBe(5);
    expect(() => npz({ keypoints: array(2, 26, 2) }, { entry: 'yours' })).toThrow('got yours');
  });

  it('lists the arrays when none is known', () => {
    expect(() => npz({ weights: array(2, 3), names: text('x') })).toThrow(
      'keypoints, keypoint, keypoints2d, positions_2d), got weights: numbers of shape (2, 3); names: texts of shape ()',
    );
  });

  it('refuses confidences of another shape', () => {
    const arrays = { keypoints: array(2, 26, 2), scores: tensor(new Float32Array(26), [26]) };
    expect(() => npz(arrays)).toThrow('scores: expected shape (2, 26), got numbers of shape (26)');
  });

  it('says when the file and the caller disagree', () => {
    const track = npz({ keypoints: array(2, 17, 2), layout: text('coco-17') }, { layout: 'h36m-17' });
    expect(track.layout).toBe('h36m-17');
    expect(track.notices.join()).toContain('says layout coco-17');
  });
});

describe('pickled detections', () => {
  // Written by NumPy: test/fixtures/keypoints/make.py.
  const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/keypoints/${name}`, import.meta.url));

  it('VideoPose3D: one video, with layout and size', () => {
    const track = readKeypoints(fixture('videopose-custom.npz'));
    expect(track).toMatchObject({ frames: 3, layout: 'coco-17', width: 1920, height: 1080 });
    expect(Array.from(track.keypoints.subarray(34, 38))).toEqual([110, 50, 111, 51]);
  });

  it('VideoPose3D: several, of which the caller names one', () => {
    const path = fixture('videopose-subjects.npz');
    expect(() => readKeypoints(path)).toThrow('one of S9/Walking 1/0, S9/Walking 1/1, S11/Posing/0, got none');
    const track = readKeypoints(path, { entry: 'S9/Walking 1/1' });
    expect(track).toMatchObject({ frames: 2, layout: 'h36m-17' });
    expect(track.keypoints[0]).toBe(500);
  });

  it('Detectron: everybody of each frame; who moves by several times their size is somebody else', () => {
    const people = readPeople(fixture('detectron.npz'));
    expect(people.map(({ keypoints, frameIds }) => [keypoints[0], frameIds[0]])).toEqual([
      [100, '0'],
      [200, '0'],
      [120, '2'],
      [220, '2'],
    ]);
    expect(people[1]).toMatchObject({ layout: 'coco-17', width: 640, height: 480, people: 4 });
    expect(people[1].confidence[0]).toBeCloseTo(0.9, 5);
  });
});
