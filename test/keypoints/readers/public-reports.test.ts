import { describe, expect, it } from 'vitest';
import type { ReadKeypointsOptions } from '../../../lib/keypoints/keypoint-track.js';
import { readKeypoints, readPeople } from '../../../lib/keypoints/read-keypoints.js';
import { coco17, coco18 } from '../../../lib/skeletons/coco.js';
import { pickled } from '../../helpers/writers/pickle-writer.js';
import { inLayout, walking } from './walking.js';

/** Shapes of files in public reports that no reader alone stands for. */
const frames = Array.from({ length: 20 }, (_, frame) => frame);
const clip = walking(20);
const points = (frame: number, shift = 0, layout = coco17) => inLayout(walking(20, shift)[frame][0], layout);
const flat = (frame: number, shift = 0) => points(frame, shift).flat();
const person = (frame: number, more: object = {}) => ({ keypoints: flat(frame), score: 0.9, ...more });
const bytes = (value: unknown) =>
  value instanceof Uint8Array ? value : new TextEncoder().encode(JSON.stringify(value));
const read = (value: unknown, options?: ReadKeypointsOptions) =>
  readKeypoints(bytes(value), { where: 'made', ...options });
const everybody = (value: unknown, options?: ReadKeypointsOptions) =>
  readPeople(bytes(value), { where: 'made', ...options }).map(({ id, frames: count }) => [id, count]);

describe('people under their ids', () => {
  it('come before their frames where there are more of these, and it is said', () => {
    const file = {
      3: Object.fromEntries(frames.map((frame) => [frame, { keypoints: flat(frame), scores: null }])),
      8: Object.fromEntries(frames.slice(5).map((frame) => [frame, { keypoints: flat(frame, 700), scores: null }])),
    };
    expect(everybody(file)).toEqual([
      ['3', 20],
      ['8', 15],
    ]);
    expect(read(file).notices.join()).toContain('2 names are taken as people, the 20 below them as frames.');
  });

  it('or after their frames, as names or numbers say', () => {
    const named = Object.fromEntries(frames.map((frame) => [`${frame}.jpg`, { 4: person(frame), 9: person(frame) }]));
    expect(read(named).notices.join()).not.toContain('are taken as');
    const numbered = Object.fromEntries(frames.map((frame) => [frame, { 4: person(frame) }]));
    expect(read(numbered)).toMatchObject({ frames: 20, people: 1 });
    expect(read(numbered).notices.join()).toContain('20 names are taken as frames, the 1 below them as people.');
  });
});

describe("trackers' ids", () => {
  it.each(['track_id', 'trackId', 'tracking_id', 'person_id', 'id_', 'idx', 'instance_id'])(
    '%s is one in any format',
    (field) => {
      const ids = [[7], [[7.0]], 7, '7'];
      for (const id of ids) {
        const track = { [field]: id };
        const written = [
          frames.map((frame) => ({ image_id: frame, ...person(frame, track) })),
          frames.map((frame) => ({ frame, instances: [{ keypoints: points(frame), ...track }] })),
          frames.map((frame) => ({
            frame,
            people: [{ pose_keypoints_2d: points(frame, 0, coco18).flat(), ...track }],
          })),
          frames.map((frame) => [
            { keypoints: { x: points(frame).map(([x]) => x), y: points(frame).map(([, y]) => y) }, ...track },
          ]),
        ];
        for (const file of written) expect(everybody(file)).toEqual([['7', 20]]);
      }
    },
  );
});

describe("an image's size", () => {
  const people = (frame: number) => [{ pose_keypoints_2d: points(frame, 0, coco18).flat() }];
  const fractions = (frame: number) => [
    { pose_keypoints_2d: points(frame, 0, coco18).flatMap(([x, y, sure]) => [x! / 1920, y! / 1080, sure]) },
  ];
  it.each<[string, unknown]>([
    [
      "ControlNet's canvas in each frame",
      frames.map((frame) => ({ people: people(frame), canvas_width: 1920, canvas_height: 1080 })),
    ],
    [
      'fractions of a canvas',
      frames.map((frame) => ({ people: fractions(frame), canvas_width: 1920, canvas_height: 1080 })),
    ],
    ['beside the frames', { width: 1920, height: 1080, frames: frames.map((frame) => ({ people: people(frame) })) }],
    [
      'in what describes the file',
      { video_info: { width: 1920, height: 1080 }, frames: frames.map((frame) => ({ people: people(frame) })) },
    ],
    ['as a shape of NumPy', frames.map((frame) => ({ people: people(frame), orig_shape: [1080, 1920] }))],
  ])('is read: %s', (_, file) => {
    const track = read(file);
    expect(track).toMatchObject({ frames: 20, width: 1920, height: 1080 });
    expect(track.keypoints[0]).toBeCloseTo(clip[0][0].get('nose')![0]!, 1);
  });

  it("is not a box's, and frames that differ say none", () => {
    expect(
      read(frames.map((frame) => ({ image_id: frame, ...person(frame, { width: 90, height: 300 }) }))).width,
    ).toBeUndefined();
    const differing = frames.map((frame) => ({ people: people(frame), width: 1920, height: 1080 + frame }));
    const track = read(differing);
    expect(track.width).toBeUndefined();
    expect(track.notices.join()).toContain('The images have 20 different sizes');
  });
});

describe('lists under a name', () => {
  it.each(['predictions', 'results', 'people', 'annotations', 'anything'])(
    '%s: people of many frames are a clip',
    (name) => {
      const file = { [name]: frames.map((frame) => person(frame, { image_id: `${frame}.jpg` })) };
      expect(read(file)).toMatchObject({ frames: 20, people: 1 });
    },
  );

  it('people of one frame are that frame', () => {
    const file = { 'frame_3.jpg': { results: [person(3), person(3, { keypoints: flat(3, 700) })] } };
    expect(readPeople(bytes(file), { where: 'made' })).toHaveLength(2);
  });
});

describe('pickles', () => {
  const data = (shift: number) =>
    Float32Array.from(
      frames.flatMap((frame) => points(frame, shift).flatMap((point) => point.slice(0, 2) as number[])),
    );
  const annotation = (name: string, shift = 0) => ({
    frame_dir: name,
    original_shape: [1080, 1920],
    keypoint: { data: data(shift), shape: [1, 20, 17, 2] },
  });
  const options = { layout: 'coco-17' };

  it('of several clips are read one by name', () => {
    const file = pickled([annotation('a'), annotation('b', 500)]);
    expect(() => read(file, options)).toThrow('option entry: expected one of a, b, got none');
    const track = read(file, { ...options, entry: 'b' });
    expect(track).toMatchObject({ frames: 20, width: 1920, height: 1080 });
    expect(track.keypoints[0]).toBeCloseTo(clip[0][0].get('nose')![0]! + 500, 1);
    expect(read(pickled({ annotations: [annotation('a')], split: { train: ['a'] } }), options).frames).toBe(20);
  });

  it("of AIST++'s people, of an array, and of results in memory", () => {
    const both = Float32Array.from([...data(0), ...data(700)]);
    const array = { data: both, shape: [2, 20, 17, 2] };
    expect(readPeople(pickled({ keypoints2d: array, timestamps: [0, 1] }), { where: 'made', ...options })).toHaveLength(
      2,
    );
    expect(readPeople(pickled(array), { where: 'made', ...options })).toHaveLength(2);
    const list = frames.map((frame) => [
      { track_id: 5, keypoints: { data: Float32Array.from(flat(frame) as number[]), shape: [17, 3] } },
    ]);
    expect(everybody(pickled(list))).toEqual([['5', 20]]);
  });

  it('that are no clip are refused', () => {
    expect(() => read(pickled({ weights: [1, 2] }))).toThrow(/got an object with the key weights/);
    expect(() => read(Uint8Array.of(0x80, 4, 0x63))).toThrow(/made/);
  });
});

it('a table without names says what a first line may name', () => {
  const text = frames.map((frame) => [frame, 0, ...flat(frame)].join(',')).join('\n');
  expect(() => read(new TextEncoder().encode(text))).toThrow(
    /53 columns without names: a first line names them, as frame, person, nose_x/,
  );
});
