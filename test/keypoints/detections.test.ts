import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ReadKeypointsOptions } from '../../lib/keypoints/keypoint-track.js';
import { readKeypoints } from '../../lib/keypoints/read-keypoints.js';
import { itWithData } from '../helpers/data.js';
import { withArchive } from '../helpers/writers/archive.js';

/** Triples of J joints, all at (x, y) plus the joint's number. */
function person(x: number, y: number, confidence = 0.9, joints = 17): number[] {
  return Array.from({ length: joints }, (_, joint) => [x + joint, y + 10 * joint, confidence]).flat();
}

function read(file: unknown, options?: ReadKeypointsOptions) {
  return readKeypoints(new TextEncoder().encode(JSON.stringify(file)), { where: 'made.json', ...options });
}

const entry = (image: string | number, x: number, more: object = {}) => ({
  image_id: image,
  category_id: 1,
  keypoints: person(x, 100),
  score: 2.5,
  ...more,
});

describe('AlphaPose', () => {
  it('gives pixels, confidence, layout and names in order of the frames', () => {
    const track = read([entry('10.jpg', 30), entry('8.jpg', 10), entry('9.jpg', 20)]);
    expect(track).toMatchObject({ frames: 3, joints: 17, layout: 'coco-17', people: 1, notices: [] });
    expect(track.frameIds).toEqual(['8.jpg', '9.jpg', '10.jpg']);
    expect(Array.from(track.keypoints.subarray(0, 4))).toEqual([10, 100, 11, 110]);
    expect(track.confidence[0]).toBeCloseTo(0.9, 6);
    expect(track.width).toBeUndefined();
  });

  it('fills a missing frame, marks it and says so', () => {
    const track = read([entry('0.jpg', 10), entry('3.jpg', 40), entry('1.jpg', 20)]);
    expect(track.frames).toBe(4);
    expect(Array.from(track.filled)).toEqual([0, 0, 1, 0]);
    expect(track.keypoints[2 * 17 * 2]).toBeCloseTo(30, 5);
    expect(track.confidence[2 * 17]).toBe(0);
    expect(track.notices.join()).toContain('1 of 4 frames');
  });

  it('says that the size is of another video where points lie outside of the image', () => {
    const file = [entry('0.jpg', 700), entry('1.jpg', 710)];
    expect(read(file, { size: { width: 1000, height: 500 } }).notices).toEqual([]);
    expect(read(file, { size: { width: 500, height: 1000 } }).notices).toEqual([
      '100% of the points lie outside of an image of 500x1000 (x from 700 to 726, y from 100 to 260): of 1000x500 only 0% do. ' +
        'Is the video shown turned? Then give its size as --size 1000x500.',
    ]);
    expect(
      read([entry('0.jpg', -700), entry('1.jpg', 710)], { size: { width: 500, height: 600 } }).notices.at(-1),
    ).toBe(
      "100% of the points lie outside of an image of 500x600 (x from -700 to 726, y from 100 to 260): is this the video's size, not resized?",
    );
    // A few may: who leaves the image is guessed at its edge.
    expect(read(file, { size: { width: 1000, height: 250 } }).notices).toEqual([]);
  });

  it('knows Halpe by its 26 joints', () => {
    const track = read([{ ...entry('0.jpg', 1), keypoints: person(50, 50, 0.5, 26) }]);
    expect(track).toMatchObject({ layout: 'halpe-26', joints: 26 });
  });

  it('follows the person who is large for long, and others by their rank', () => {
    const small = person(500, 500).map((value, at) => (at % 3 === 1 ? 500 + (value - 500) / 4 : value));
    const file = [
      entry('0.jpg', 10, { idx: [[7]] }),
      entry('0.jpg', 900, { idx: [[3]], keypoints: small, score: 9 }),
      entry('1.jpg', 900, { idx: [[3]], keypoints: small, score: 9 }),
      entry('1.jpg', 12, { idx: [[7]] }),
      entry('2.jpg', 900, { idx: [[3]], keypoints: small, score: 9 }),
    ];
    const first = read(file);
    expect(first.people).toBe(2);
    expect(first.frameIds).toEqual(['0.jpg', '1.jpg']);
    expect(first.keypoints[0]).toBe(10);
    expect(first.notices.join()).toContain('track 7');
    expect(first.notices.join()).toContain('from frame 0.jpg to 1.jpg');
    const second = read(file, { person: 1 });
    expect(second.frames).toBe(3);
    expect(second.keypoints[0]).toBe(500);
    expect(() => read(file, { person: 2 })).toThrow(/expected 0 to 1, got 2/);
  });

  it('links people where no tracker ran', () => {
    // AlphaPose without a tracker gives everybody the id 0; the order within a frame means nothing.
    const file = [
      entry('0.jpg', 10, { idx: [0.0] }),
      entry('0.jpg', 300, { idx: [0.0] }),
      entry('1.jpg', 301, { idx: [0.0] }),
      entry('1.jpg', 11, { idx: [0.0] }),
      entry('2.jpg', 302, { idx: [0.0] }),
    ];
    const track = read(file);
    expect(track).toMatchObject({ people: 1, frames: 3, id: '1' });
    expect([0, 1, 2].map((frame) => track.keypoints[frame * 34])).toEqual([300, 301, 302]);
    expect(track.notices.join()).toContain('linked by the likeness');
    expect(track.notices.join()).toContain('1 person is there in fewer than 3 frames: left out');
  });

  it('fills single joints without a position', () => {
    const hidden = person(20, 100);
    hidden.splice(0, 3, 0, 0, 0);
    const track = read([entry(0, 10), { ...entry(1, 20), keypoints: hidden }, entry(2, 30)]);
    expect(track.keypoints[17 * 2]).toBeCloseTo(20, 5);
    expect(Array.from(track.filled)).toEqual([0, 0, 0]);
    expect(track.notices.join()).toContain('1 single joint has no position');
  });

  it.each([
    ['an empty list', [], 'got none'],
    ['an entry that is none', [1], 'got a list of 1 whose first item is 1'],
    ['an entry among others that is none', [entry(0, 9), 1], '[1]: expected a frame as the others are, got 1'],
    [
      'no image where others have one',
      [entry(0, 9), { keypoints: person(1, 1) }],
      '[1]: expected a frame number or image name',
    ],
    ['odd triples', [entry(0, 1, { keypoints: [1, 2] })], 'got 2 values'],
    [
      'text among the numbers',
      [entry(0, 1, { keypoints: [1, 'x', 3] })],
      "keypoints[1]: expected a number, got the string 'x'",
    ],
    ['people of different joints', [entry(0, 9), entry(1, 9, { keypoints: person(1, 1, 1, 26) })], 'got 26'],
    ['an unknown number of joints', [entry(0, 9, { keypoints: person(1, 1, 1, 5) })], 'got 5'],
    [
      'values that are normalised already',
      [entry(0, 9, { keypoints: person(0, 0).map((_, at) => (at % 2) - 0.4) })],
      'in pixels',
    ],
    ['nothing but zeros', [entry(0, 9, { keypoints: person(0, 0).map(() => 0) })], 'no joint with a position'],
  ])('refuses %s', (_, file, message) => {
    expect(() => read(file)).toThrow(message);
    expect(() => read(file)).toThrow(expect.objectContaining({ name: 'PoseError', code: 'ERR_FORMAT' }));
  });

  it('names an option that it does not know', () => {
    expect(() => read([entry(0, 1)], { persons: 1 } as ReadKeypointsOptions)).toThrow('got persons');
  });

  it('reads the example clip', () => {
    const track = readKeypoints(fileURLToPath(new URL('../../examples/walking.json', import.meta.url)));
    expect(track).toMatchObject({ frames: 300, layout: 'coco-17', people: 1, notices: [] });
  });

  itWithData('reads real AlphaPose results', 'detections/motionbert-halpe26.tar.xz', (path) =>
    withArchive(path, ['motionbert-halpe26/alphapose-results.json'], async (folder) => {
      const file = join(folder, 'motionbert-halpe26/alphapose-results.json');
      const list = JSON.parse(readFileSync(file, 'utf8')) as { image_id: string; keypoints: number[] }[];
      const track = readKeypoints(file);
      expect(track).toMatchObject({ frames: 301, joints: 26, layout: 'halpe-26' });
      const frame = list.find(({ image_id }) => image_id === '17.jpg');
      expect(track.keypoints[17 * 26 * 2]).toBeCloseTo(frame!.keypoints[0], 2);
      expect(track.filled.some((flag) => flag > 0)).toBe(false);
    }),
  );
});

describe('COCO', () => {
  const image = (id: number, more: object = {}) => ({ id, file_name: `${id}.jpg`, width: 640, height: 480, ...more });
  const seen = person(100, 100, 2);
  const file = {
    images: [image(1), image(2), image(3)],
    annotations: [
      { id: 1, image_id: 1, category_id: 1, keypoints: seen, area: 900, iscrowd: 0 },
      { id: 2, image_id: 1, category_id: 1, keypoints: person(300, 100, 1), area: 5000, iscrowd: 0 },
      { id: 3, image_id: 3, category_id: 1, keypoints: seen, area: 900, iscrowd: 0 },
      { id: 4, image_id: 3, category_id: 1, keypoints: person(0, 0).map(() => 0), area: 9e9, iscrowd: 0 },
      { id: 5, image_id: 2, category_id: 1, keypoints: seen, area: 9e9, iscrowd: 1 },
    ],
    categories: [{ id: 1, name: 'person', keypoints: undefined as string[] | undefined }],
  };

  it('annotations: images are frames, visibility is confidence, people are linked', () => {
    const track = read(file);
    expect(track).toMatchObject({ frames: 3, layout: 'coco-17', width: 640, height: 480, people: 2 });
    expect(Array.from(track.filled)).toEqual([0, 1, 0]);
    expect([track.keypoints[0], track.confidence[0], track.confidence[2 * 17]]).toEqual([100, 1, 1]);
    expect(track.notices.join(' ')).toContain('linked');
  });

  it('annotations: gives no size where the images differ', () => {
    const track = read({ ...file, images: [image(1), image(2, { width: 300 }), image(3)] });
    expect(track.width).toBeUndefined();
    expect(track.notices.join(' ')).toContain('2 different sizes');
  });

  it('annotations: believes the names of the joints rather than their number', () => {
    const names = Array.from({ length: 17 }, (_, joint) => `point ${joint}`);
    const other = { ...file, categories: [{ id: 1, name: 'robot', keypoints: names }] };
    expect(() => read(other)).toThrow('give the option layout');
    expect(read(other, { layout: 'coco-17' }).layout).toBe('coco-17');
  });

  it('annotations: refuses one whose image is not there', () => {
    expect(() => read({ ...file, images: [image(1)] })).toThrow('the id of one of the images, got 3');
  });

  it('results: numbers of images and scores', () => {
    const track = read([entry(4, 10), entry(5, 99, { score: 0.1 }), entry(5, 20, { score: 0.8 })]);
    expect(track).toMatchObject({ frames: 2, layout: 'coco-17' });
    expect(track.keypoints[17 * 2]).toBe(20);
  });

  itWithData('reads real annotations', 'detections/coco-person-keypoints.json', (path) => {
    const raw = JSON.parse(readFileSync(path, 'utf8')) as { images: { id: number; file_name: string }[] };
    const track = readKeypoints(path);
    expect(track.layout).toBe('coco-17');
    expect(track.frames).toBeLessThanOrEqual(raw.images.length);
    expect(track.frames).toBeGreaterThan(1);
    expect(track.frameIds.every((id) => raw.images.some(({ file_name }) => file_name === id))).toBe(true);
    expect(track.notices.length).toBeGreaterThan(0);
  });
});

describe('other files', () => {
  it.each([['other JSON', { hello: 1 }, 'ERR_FORMAT']])('%s is refused by name', (_, file, code) => {
    expect(() => read(file)).toThrow(expect.objectContaining({ name: 'PoseError', code }));
  });

  it.each(['', '[', 'hello', '{"a":', '\u0000\u0001', '['.repeat(100_000)])('rubbish is refused: %j', (text) => {
    const bytes = new TextEncoder().encode(text);
    expect(() => readKeypoints(bytes, { where: 'rubbish' })).toThrow(
      expect.objectContaining({ name: 'PoseError', code: 'ERR_FORMAT' }),
    );
  });

  it('says when a path is not there or a folder', () => {
    expect(() => readKeypoints('/nowhere/at/all.json')).toThrow(expect.objectContaining({ code: 'ERR_FILE' }));
    expect(() => readKeypoints(fileURLToPath(new URL('.', import.meta.url)))).toThrow('got a folder');
  });
});
