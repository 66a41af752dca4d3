import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isFrameFolder } from '../../../lib/keypoints/frames/frame-folder.js';
import type { ReadKeypointsOptions } from '../../../lib/keypoints/keypoint-track.js';
import { readKeypoints, readPeople } from '../../../lib/keypoints/read-keypoints.js';
import { coco17 } from '../../../lib/skeletons/coco.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { inLayout, size, walking } from './walking.js';

const clip = walking(20);
const flat = (frame: number, shift = 0) => inLayout(walking(20, shift)[frame][0], coco17).flat();
const entry = (frame: number, more: object = {}) => ({ image_id: `${frame}.jpg`, keypoints: flat(frame), ...more });
const frames = clip.map((_, frame) => frame);
const names = coco17.joints.map((joint) => joint.replace(' ', '_'));

const encode = (text: string) => new TextEncoder().encode(text);
const bytes = (value: unknown) => encode(typeof value === 'string' ? value : JSON.stringify(value));
const read = (value: unknown, options?: ReadKeypointsOptions) =>
  readKeypoints(value instanceof Uint8Array ? value : bytes(value), { where: 'made', ...options });

function utf16(text: string, little: boolean, mark: boolean): Uint8Array {
  const units = [...(mark ? ['\ufeff'] : []), ...text].map((letter) => letter.charCodeAt(0));
  return Uint8Array.from(units.flatMap((unit) => (little ? [unit & 255, unit >> 8] : [unit >> 8, unit & 255])));
}

const lines = (list: readonly unknown[]) => list.map((item) => JSON.stringify(item)).join('\n');
const header = ['frame', ...names.flatMap((name) => [`${name}_x`, `${name}_y`, `${name}_c`])];
const rows = (by: string, comma = '.') =>
  [header, ...frames.map((frame) => [frame, ...flat(frame).map((value) => String(value).replace('.', comma))])]
    .map((row) => row.join(by))
    .join('\r\n');

describe('shapes that people have', () => {
  it.each<[string, unknown]>([
    ['JSON lines', lines(frames.map((frame) => entry(frame)))],
    ['JSON lines of lists', lines(frames.map((frame) => [entry(frame)]))],
    ['entries under any name', { people_of_my_video: frames.map((frame) => entry(frame)) }],
    ['a list in lists', [[frames.map((frame) => entry(frame))]]],
    ['people without an image, one a frame', frames.map((frame) => ({ keypoints: flat(frame), score: 1 }))],
    ['flat lists', frames.map((frame) => flat(frame))],
    ['lists of points under a name', { fps: 25, frames: frames.map((frame) => inLayout(clip[frame][0], coco17)) }],
    ['UTF-16 with its mark', utf16(JSON.stringify(frames.map((frame) => entry(frame))), true, true)],
    ['UTF-16 of the other order', utf16(JSON.stringify(frames.map((frame) => entry(frame))), false, true)],
    ['UTF-16 without a mark', utf16(rows(','), true, false)],
    ['UTF-8 with a mark', `\ufeff${rows(',')}`],
    ['decimal commas between semicolons', rows(';', ',')],
    [
      'columns of a box beside',
      rows(',').replaceAll(
        /^(frame|\d+),/gm,
        (start) => `${start}${start === 'frame,' ? 'bbox_x,bbox_y,bbox_c,' : '9,9,0.5,'}`,
      ),
    ],
    [
      'columns that are no joints beside',
      rows(',').replaceAll(
        /^(frame|\d+),/gm,
        (start) => `${start}${start === 'frame,' ? 'hat_x,hat_y,note,' : '9,9,hello,'}`,
      ),
    ],
    ['axes first', rows(',').replaceAll(/([a-z_]+)_([xyc])(?=[,\r])/g, '$2_$1')],
    [
      'joints by name',
      frames.map((frame) => ({
        keypoints: Object.fromEntries(
          inLayout(clip[frame][0], coco17).map(([x, y, score], joint) => [names[joint], { x, y, score }]),
        ),
      })),
    ],
    [
      'fractions in a list',
      frames.map((frame) => ({
        image_id: frame,
        keypoints: flat(frame).map((value, at) => [value! / size.width, value! / size.height, value!][at % 3]),
      })),
    ],
  ])('%s', (name, value) => {
    const options = { size, ...(/list/.test(name) && { layout: 'coco-17' }) };
    const track = read(value, options);
    expect(track).toMatchObject({ frames: 20, layout: 'coco-17', people: 1 });
    expect([...track.filled].some((flag) => flag > 0)).toBe(false);
    for (const frame of frames) {
      for (let joint = 0; joint < 17; joint++) {
        expect(track.keypoints[(frame * 17 + joint) * 2]).toBeCloseTo(flat(frame)[joint * 3]!, 1);
        expect(track.keypoints[(frame * 17 + joint) * 2 + 1]).toBeCloseTo(flat(frame)[joint * 3 + 1]!, 1);
      }
    }
  });

  it('one object alone is one frame', () => {
    expect(read(entry(3))).toMatchObject({ frames: 1, layout: 'coco-17', frameIds: ['3.jpg'] });
  });

  it('people of one list who stand apart are one frame, those who follow each other one each', () => {
    const apart = [0, 400, 800].map((shift) => ({ keypoints: flat(0, shift) }));
    expect(readPeople(bytes(apart), { where: 'made' })).toHaveLength(3);
    const track = read(frames.map((frame) => ({ keypoints: flat(frame) })));
    expect(track.frames).toBe(20);
    expect(track.notices.join()).toContain('20 poses in one list, each near the one before: taken as one a frame');
  });

  it("MMPose's names of joints are the order", () => {
    const turned = [...names].reverse();
    const instances = (frame: number) => [
      {
        keypoints: inLayout(clip[frame][0], coco17)
          .map(([x, y]) => [x, y])
          .reverse(),
      },
    ];
    const file = {
      meta_info: { keypoint_id2name: Object.fromEntries(turned.entries()) },
      instance_info: frames.map((frame) => ({ frame_id: frame, instances: instances(frame) })),
    };
    expect(read(file).keypoints[0]).toBeCloseTo(flat(0)[0]!, 2);
  });

  it('other categories of COCO than the one of most annotations are left out', () => {
    const images = frames.map((id) => ({ id, ...size }));
    const annotations = frames.flatMap((id) => [
      { image_id: id, category_id: 1, keypoints: flat(id) },
      ...(id < 2 ? [{ image_id: id, category_id: 2, keypoints: [1, 2, 2, 3, 4, 2] }] : []),
    ]);
    const categories = [
      { id: 1, name: 'person', keypoints: names },
      { id: 2, name: 'bat', keypoints: ['grip', 'tip'] },
    ];
    const track = read({ images, annotations, categories });
    expect(track).toMatchObject({ frames: 20, people: 1, layout: 'coco-17' });
    expect(track.notices.join()).toContain('2 annotations of categories with other joints than person are left out');
  });
});

describe('rows of tables', () => {
  it("SLEAP's tracks are people, rows without one are linked", () => {
    const head = [
      'track',
      'frame_idx',
      'instance.score',
      ...names.flatMap((name) => [`${name}.x`, `${name}.y`, `${name}.score`]),
    ];
    const table = (tracks: readonly string[]) =>
      [head, ...frames.flatMap((frame) => tracks.map((track, who) => [track, frame, 0.9, ...flat(frame, 700 * who)]))]
        .map((row) => row.join(','))
        .join('\n');
    expect(readPeople(bytes(table(['a', 'b'])), { where: 'made' }).map(({ id, frames: count }) => [id, count])).toEqual(
      [
        ['a', 20],
        ['b', 20],
      ],
    );
    expect(readPeople(bytes(table(['', ''])), { where: 'made' })).toHaveLength(2);
  });

  it.each([
    ['without a frame', rows(',').replace('\r\n3,', '\r\n,'), 'line 5: frame: expected a frame number, got ""'],
    ['with a word for a frame', rows(',').replace('\r\n3,', '\r\nthird,'), 'expected a frame number, got "third"'],
    [
      'with a frame twice',
      rows(',').replace('\r\n3,', '\r\n2,'),
      'line 5: expected one row a frame, got frame "2" again',
    ],
    [
      'with a word for a time',
      rows(',').replace('frame', 'time').replace('\r\n3,', '\r\nsoon,'),
      'line 5: time: expected a time, got "soon"',
    ],
    [
      'of people without a frame',
      rows(',').replace('frame', 'track_id'),
      'expected a column frame or time beside track_id',
    ],
    [
      'with a joint twice',
      'frame,joint,x,y\n0,nose,1,2\n0,nose,1,2',
      'line 3: expected each joint once a person and frame, got "nose" of frame "0" again',
    ],
    ['with a column twice', rows(',').replace('left_eye_x', 'nose_x'), 'expected one column "nose_x"'],
  ])('%s are refused', (_, text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('messages', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'an unknown object',
      { version: 2, shots: [1] },
      /expected AlphaPose's or COCO's people .* got an object with the keys version, shots\.$/,
    ],
    [
      'an unknown list',
      [{ id: 1, joints3d: [[1, 2, 3]] }],
      /got a list of 1 whose first item is an object with the keys id, joints3d\.$/,
    ],
    [
      'a number as a text',
      [entry(0), entry(1, { keypoints: flat(1).map(String) })],
      /keypoints\[0\]: expected a number, got the string '/,
    ],
    [
      'fractions without a size',
      [{ image_id: 0, keypoints: flat(0).map(() => 0.4) }],
      /fractions of the image: expected its size in pixels .*--size WIDTHxHEIGHT/,
    ],
    [
      'a line that is no JSON',
      `${JSON.stringify(entry(0))}\n${JSON.stringify(entry(1)).slice(0, 40)}`,
      /made: line 2: expected JSON/,
    ],
    [
      'several clips',
      { a1: frames.map((frame) => entry(frame)), a2: frames.map((frame) => entry(frame)) },
      /expected one clip, got several: "a1", "a2"; give each by itself/,
    ],
    ['frames that show nobody', [null, {}, { instances: [] }], /expected detected people, got none in 3 frames/],
  ])('%s', (_, value, message) => {
    expect(() => read(value)).toThrow(message);
  });
});

describe('folders', () => {
  const label = (frame: number) =>
    `0 0.5 0.5 0.1 0.2 ${flat(frame)
      .map((value, at) => [value! / size.width, value! / size.height, value!][at % 3])
      .join(' ')}\n`;
  const folder = (files: Record<string, string>) => {
    const path = join(temporaryFolder(), 'frames');
    mkdirSync(path);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
    return path;
  };

  it("a list of classes beside YOLO's labels is passed over, boxes without points are nobody", () => {
    const path = folder({
      'a_0.txt': label(0),
      'a_1.txt': '',
      'a_2.txt': `0 0.5 0.5 0.1 0.2\n${label(2)}`,
      'classes.txt': 'person\ndog\n',
    });
    const track = readKeypoints(path, { size });
    expect([...track.filled]).toEqual([0, 1, 0]);
    expect(track.notices.join(' ')).toContain('Passed over, being no frames: classes.txt.');
    expect(track.notices.join(' ')).toContain('1 box has no points: passed over.');
    expect(() => readKeypoints(folder({ 'a_0.txt': label(0), 'a_1.txt': '0 x' }), { size })).toThrow('a_1.txt: line 1');
  });

  it('a folder whose frames show nobody is one of frames, and refused by name', () => {
    const path = folder({ 'c_0_keypoints.json': '{}', 'c_1_keypoints.json': '{"people": [{}]}' });
    expect(isFrameFolder(path)).toBe(true);
    expect(() => readKeypoints(path)).toThrow(/frames: expected detected people, got none in 2 files/);
  });

  it('a folder of clips is none of frames; a file that is no frame is refused by name, a note passed over', () => {
    const people = JSON.stringify({ people: [{ pose_keypoints_2d: flat(0) }] });
    expect(isFrameFolder(folder({ 'a.json': JSON.stringify(frames.map((frame) => entry(frame))) }))).toBe(false);
    expect(() => readKeypoints(folder({ 'f_0.json': people, 'f_1.json': '{"x": [[1]]}' }))).toThrow(
      /f_1\.json: expected a frame as the other files have, got an object with the key x/,
    );
    const noted = readKeypoints(folder({ 'f_0.json': people, 'camera.json': '{"k": [[1]]}' }));
    expect(noted.notices.join()).toContain('Passed over, being no frames: camera.json.');
  });
});
