import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeNpy } from '../../lib/formats/numpy/npy-writer.js';
import { isFrameFolder } from '../../lib/keypoints/frames/frame-folder.js';
import type { ReadKeypointsOptions } from '../../lib/keypoints/keypoint-track.js';
import { describePeople } from '../../lib/keypoints/people/describe-people.js';
import { readKeypoints, readPeople } from '../../lib/keypoints/read-keypoints.js';
import { body25, body25b } from '../../lib/skeletons/body25.js';
import { coco17 } from '../../lib/skeletons/coco.js';
import type { Skeleton } from '../../lib/skeletons/skeleton.js';
import { itWithData } from '../helpers/data.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { withArchive } from '../helpers/writers/archive.js';

/** Where a standing person's joints are, in pixels, for any layout: by the joint's name. */
function standing(joint: string): [number, number] {
  const side = joint.startsWith('left') ? 1 : joint.startsWith('right') ? -1 : 0;
  const heights: [RegExp, number, number][] = [
    [/eye|ear|nose|face|mouth/, 60, 8],
    [/head/, 40, 0],
    [/neck/, 95, 0],
    [/shoulder/, 100, 20],
    [/elbow/, 150, 28],
    [/wrist|hand|pinky|index|thumb/, 200, 30],
    [/hip/, 210, 14],
    [/knee/, 290, 15],
  ];
  const [, y, x] = heights.find(([name]) => name.test(joint)) ?? [/./, 370, 16];
  return [300 + side * x, y];
}

const points = ({ joints }: Skeleton, shift = 0) =>
  joints.map((joint) => [standing(joint)[0] + shift, standing(joint)[1], 0.8] as [number, number, number]);
const numbered = (count: number, shift = 0) =>
  Array.from({ length: count }, (_, joint) => [100 + joint + shift, 50 + 2 * joint, 0.8] as [number, number, number]);

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const read = (value: unknown, options?: ReadKeypointsOptions) =>
  readKeypoints(bytes(value), { where: 'made', ...options });
const size = { width: 1000, height: 500 };

describe('OpenPose', () => {
  const frame = (...people: [number, number, number][][]) => ({
    version: 1.3,
    people: people.map((triples) => ({ person_id: [-1], pose_keypoints_2d: triples.flat(), face_keypoints_2d: [] })),
  });

  it('tells BODY_25 from BODY_25B by what gives a body, and can be told', () => {
    for (const layout of [body25, body25b]) {
      const track = read(frame(points(layout)));
      expect(track.layout).toBe(layout.name);
      expect(track.notices.join()).toContain(`taken as ${layout.name}`);
    }
    expect(read(frame(points(body25)), { layout: 'body-25b' }).layout).toBe('body-25b');
  });

  it('a folder of files is one clip; frames with nobody are gaps', () => {
    const folder = temporaryFolder();
    const write = (number: number, value: unknown) =>
      writeFileSync(join(folder, `walk_00000000000${number}_keypoints.json`), JSON.stringify(value));
    write(0, frame());
    for (const number of [1, 2, 4]) write(number, frame(numbered(18, number)));
    write(3, frame());
    expect(isFrameFolder(folder)).toBe(true);
    const track = readKeypoints(folder);
    expect(track).toMatchObject({ layout: 'coco-18', frames: 4 });
    expect([...track.filled]).toEqual([0, 0, 1, 0]);
    expect([0, 1, 2, 3].map((t) => track.keypoints[t * 36])).toEqual([101, 102, 103, 104]);
    expect(track.frameIds[0]).toBe('walk_000000000001_keypoints');
    const [person] = describePeople(folder);
    expect(person).toMatchObject({ frames: 4, seen: 3, gaps: 1, longestGap: 1 });
  });

  it("AlphaPose's CMU and OpenPose forms by image are read too", () => {
    const bodies = (shift: number) => ({ version: 'AlphaPose v0.3', bodies: [{ joints: numbered(18, shift).flat() }] });
    const track = read({ '1.jpg': bodies(1), '0.jpg': bodies(0) });
    expect(track).toMatchObject({ layout: 'coco-18', frames: 2, frameIds: ['0.jpg', '1.jpg'] });
    expect(track.keypoints[36]).toBe(101);
    expect(read({ '0.jpg': frame(numbered(18)) }).layout).toBe('coco-18');
  });

  it.each([
    ['points that are no triples', { people: [{ pose_keypoints_2d: [1, 2] }] }, 'pose_keypoints_2d'],
    ['a word', { people: [{ pose_keypoints_2d: ['x', 2, 3] }] }, 'pose_keypoints_2d[0]: expected a number'],
    ['nobody', { people: [] }, 'got none'],
  ])('refuses %s', (_, value, message) => {
    expect(() => read(value)).toThrow(message);
  });

  itWithData('reads real BODY_25B folders, everybody in them', 'detections/pose2sim-single.tar.xz', (path) =>
    withArchive(path, ['pose2sim-single/pose-2d/cam1_json'], async (folder) => {
      const people = readPeople(join(folder, 'pose2sim-single/pose-2d/cam1_json'));
      expect(people.map(({ layout, frames }) => [layout, frames])).toEqual([
        ['body-25b', 100],
        ['body-25b', 100],
      ]);
    }),
  );
});

describe('AlphaPose', () => {
  it('full bodies of 136 and 133 are known by their number', () => {
    for (const [joints, layout] of [
      [136, 'halpe-136'],
      [133, 'coco-133'],
    ] as const) {
      expect(read([{ image_id: '0.jpg', keypoints: numbered(joints).flat(), score: 1 }]).layout).toBe(layout);
    }
  });
});

describe('MMPose', () => {
  const instance = (joints: number, shift: number, more: object = {}) => ({
    keypoints: numbered(joints, shift).map(([x, y]) => [x, y]),
    keypoint_scores: numbered(joints).map(([, , score]) => score),
    bbox: [[0, 0, 1, 1]],
    bbox_score: 0.9,
    ...more,
  });

  it('new: frames with instances, bare or with what the data set is', () => {
    const frames = [0, 1, 2].map((frame) => ({ frame_id: frame, instances: frame === 1 ? [] : [instance(17, frame)] }));
    for (const file of [frames, { meta_info: { dataset_name: 'coco' }, instance_info: frames }]) {
      const track = read(file);
      expect(track).toMatchObject({ layout: 'coco-17', frames: 3 });
      expect([...track.filled]).toEqual([0, 1, 0]);
      expect(track.confidence[0]).toBeCloseTo(0.8);
    }
  });

  it('whole bodies with tracks', () => {
    const file = [0, 1].map((frame) => [instance(133, frame, { track_id: 7 }), instance(133, 600, { track_id: 2 })]);
    const people = readPeople(bytes(file), { where: 'made' });
    expect(people.map(({ id, layout }) => [id, layout])).toEqual([
      ['7', 'coco-133'],
      ['2', 'coco-133'],
    ]);
  });

  it('old: points with their scores, in preds or in instances', () => {
    const preds = [{ preds: [numbered(17)], image_paths: ['a/3.jpg'], boxes: [] }];
    expect(read(preds)).toMatchObject({ layout: 'coco-17', frameIds: ['a/3.jpg'] });
    expect(read([[{ keypoints: numbered(17), bbox: [1, 2, 3, 4] }]]).confidence[3]).toBeCloseTo(0.8);
  });

  it("Python's NaN is an unknown point", () => {
    const text = JSON.stringify([0, 1, 2].map((frame) => [instance(17, frame)])).replace('[101,', '[NaN,');
    const track = read(text);
    expect(track.keypoints.every(Number.isFinite)).toBe(true);
    expect(track.notices.join()).toContain('1 single joint has no position');
  });

  it('refuses scores of another length', () => {
    expect(() => read([[instance(17, 0, { keypoint_scores: [1] })]])).toThrow('keypoint_scores: expected 17 numbers');
  });
});

describe('MediaPipe', () => {
  const person = (x: number) => Array.from({ length: 33 }, () => ({ x, y: 0.5, z: 0, visibility: 0.9 }));

  it('fractions become pixels by the size, in every form that results are written in', () => {
    const forms = [
      [{ landmarks: [person(0.25)] }, { landmarks: [] }, { landmarks: [person(0.35)] }],
      [{ poseLandmarks: person(0.25) }, { poseLandmarks: person(0.3) }],
      [{ frame: 4, pose_landmarks: { landmark: person(0.25) } }],
      [person(0.25)],
    ];
    for (const form of forms) {
      const track = read(form, { size });
      expect(track).toMatchObject({ layout: 'mediapipe-33', width: 1000, height: 500 });
      expect([...track.keypoints.subarray(0, 2)]).toEqual([250, 250]);
    }
    expect(() => read(forms[0])).toThrow(/--size WIDTHxHEIGHT/);
  });

  it('an array (T, 33, 4)', () => {
    const data = Float32Array.from({ length: 2 * 33 * 4 }, (_, at) => [0.25, 0.5, 9, 0.7][at % 4]);
    const track = readKeypoints(writeNpy({ data, shape: [2, 33, 4] }), { where: 'made.npy', size });
    expect(track).toMatchObject({ layout: 'mediapipe-33', frames: 2 });
    expect([track.keypoints[0], track.keypoints[1]]).toEqual([250, 250]);
    expect(track.confidence[0]).toBeCloseTo(0.7);
  });
});

describe('YOLO', () => {
  const coordinates = (scale: number) => ({
    x: numbered(17).map(([x]) => x * scale),
    y: numbered(17).map(([, y]) => y * scale),
    visible: numbered(17).map(([, , visible]) => visible),
  });
  const person = (scale: number) => ({
    name: 'person',
    class: 0,
    confidence: 0.9,
    track_id: 5,
    keypoints: coordinates(scale),
  });

  it('JSON in pixels, or normalised', () => {
    expect(read([[person(1)], [person(1)]])).toMatchObject({ layout: 'coco-17', frames: 2, id: '5' });
    const track = read([[person(0.001)]], { size });
    expect(track.keypoints[0]).toBeCloseTo(100);
    expect(track.notices.join()).toContain('fractions');
  });

  it.each([
    ['with visibility', 3, ''],
    ['with confidence', 3, ' 0.75'],
    ['with confidence and track', 3, ' 0.75 4'],
    ['with a track alone', 3, ' 4'],
    ['without visibility', 2, ''],
  ])('lines %s, a file a frame', (_, channels, more) => {
    const folder = temporaryFolder();
    for (const number of [8, 9, 11]) {
      const numbers = numbered(17, number).flatMap((point) =>
        point.slice(0, channels).map((v) => (v > 1 ? v / 1000 : v)),
      );
      writeFileSync(join(folder, `walk_${number}.txt`), `0 0.5 0.5 0.1 0.2 ${numbers.join(' ')}${more}\n`);
    }
    const track = readKeypoints(folder, { size });
    expect(track).toMatchObject({ layout: 'coco-17', frames: 4 });
    expect(track.keypoints[0]).toBeCloseTo(108);
    expect(track.id).toBe(more.endsWith('4') ? '4' : '0');
  });
});

describe('MoveNet', () => {
  it("TensorFlow.js's poses in pixels", () => {
    const pose = {
      score: 0.9,
      keypoints: numbered(17).map(([x, y, score], i) => ({ x, y, score, name: coco17.joints[i] })),
    };
    expect(read([[pose], [pose]])).toMatchObject({ layout: 'coco-17', frames: 2 });
  });

  it("the model's own y, x, score, as nested lists and as an array", () => {
    const rows = numbered(17).map(([x, y, score]) => [y / 500, x / 1000, score]);
    expect(read([[[rows]], [[rows]]], { size }).keypoints[0]).toBeCloseTo(100, 3);
    const data = Float32Array.from([...rows, ...rows].flat());
    const track = readKeypoints(writeNpy({ data, shape: [2, 1, 1, 17, 3] }), { where: 'made.npy', size });
    expect([...track.keypoints.subarray(0, 2)].map(Math.round)).toEqual([100, 50]);
    const plain = readKeypoints(writeNpy({ data, shape: [2, 17, 3] }), { where: 'made.npy', size, format: 'movenet' });
    expect(plain.keypoints).toEqual(track.keypoints);
  });
});

describe('tables', () => {
  const names = coco17.joints.map((joint) => joint.replace(' ', '_'));
  const cells = (shift: number) => numbered(17, shift).flat();

  it("DeepLabCut's, of joints with known names and of several people", () => {
    const header = (who?: string[]) => [
      ['scorer', ...(who ?? ['']).flatMap(() => names.flatMap(() => ['net', 'net', 'net']))],
      ...(who ? [['individuals', ...who.flatMap((one) => names.flatMap(() => [one, one, one]))]] : []),
      ['bodyparts', ...(who ?? ['']).flatMap(() => names.flatMap((name) => [name, name, name]))],
      ['coords', ...(who ?? ['']).flatMap(() => names.flatMap(() => ['x', 'y', 'likelihood']))],
    ];
    const text = (rows: (string | number)[][]) => rows.map((row) => row.join(',')).join('\n');
    expect(read(text([...header(), [0, ...cells(0)], [1, ...cells(1)]]))).toMatchObject({
      layout: 'coco-17',
      frames: 2,
    });
    const two = text([
      ...header(['a', 'b']),
      [0, ...cells(0), ...cells(500)],
      [1, ...cells(1), ...cells(500).map(() => '')],
    ]);
    expect(readPeople(bytes(two), { where: 'made' }).map(({ id, frames }) => [id, frames])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    expect(() => read(text([...header().slice(0, 2), [0, ...cells(0)]]))).toThrow('rows scorer, bodyparts and coords');
  });

  it('plain ones, with names, with numbers, and without a header', () => {
    const named = ['frame', ...names.flatMap((name) => [`${name}_x`, `${name}_y`, `${name}_score`])].join(',');
    const gapped = [0, 1, 3].map((frame) => `${frame},${cells(frame).join(',')}`);
    expect(read([named, ...gapped].join('\n'))).toMatchObject({ layout: 'coco-17', frames: 4 });
    const counted = ['frame', 'person', ...names.flatMap((_, joint) => [`x${joint}`, `y${joint}`, `c${joint}`])].join(
      ',',
    );
    const crowd = `${counted}\n0,a,${cells(0).join(',')}\n0,b,${cells(300).join(',')}\n1,a,${cells(1).join(',')}`;
    expect(readPeople(bytes(crowd), { where: 'made', layout: 'coco-17' }).map(({ id }) => id)).toEqual(['a', 'b']);
    const bare = read(`${cells(0).join(',')}\n${cells(1).join(',')}`, { layout: 'coco-17' });
    expect(bare.keypoints[34]).toBe(101);
    expect(bare.confidence[0]).toBeCloseTo(0.8);
    expect(() => read('1,2,3,4,5,6')).toThrow('give the option layout');
    expect(() => read('a,b\n1,2', { format: 'csv' })).toThrow('columns <joint>_x');
  });
});

describe('the option format', () => {
  it('overrides what the content tells', () => {
    expect(() => read({ people: [] }, { format: 'mmpose' })).toThrow('JSON of the format mmpose');
    expect(() => read('1,2', { format: 'octopus' as 'csv' })).toThrow('got octopus');
  });

  it('a folder without frames says what it holds', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'inner'));
    expect(isFrameFolder(folder)).toBe(false);
    expect(() => readKeypoints(folder)).toThrow('got a folder with 0 .json and 0 .txt files');
  });
});
