import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { type InputFormat, inputFormats } from '../../lib/keypoints/input-format.js';
import type { KeypointTrack, ReadKeypointsOptions } from '../../lib/keypoints/keypoint-track.js';
import { readKeypoints, readPeople } from '../../lib/keypoints/read-keypoints.js';
import { type Drawn, filesWithIds, formatsWithoutIds } from '../helpers/people-files.js';

const walking = JSON.parse(readFileSync(new URL('../../examples/walking.json', import.meta.url), 'utf8')) as {
  image_id: string;
  keypoints: number[];
}[];
walking.sort((a, b) => Number.parseInt(a.image_id, 10) - Number.parseInt(b.image_id, 10));

/** The walking clip's frame, moved across. */
const walker = (frame: number, x: number): number[] =>
  walking[frame].keypoints.map((value, at) => (at % 3 === 0 ? value + x : value));

/** Two people who cross: each moves by 3 pixels a frame against the other. */
const crossing = (ids: readonly unknown[]): Drawn[] =>
  Array.from({ length: 300 }, (_, frame) => [
    { frame, id: ids[0], triples: walker(frame, 3 * frame) },
    { frame, id: ids[1], triples: walker(frame, 900 - 3 * frame) },
  ]).flat();

const read = (format: InputFormat, people: readonly Drawn[], options: ReadKeypointsOptions = {}) =>
  readPeople(new TextEncoder().encode(filesWithIds[format]!(people)), { format, layout: 'coco-17', ...options });

const alphaPose = (people: readonly Drawn[], options: ReadKeypointsOptions = {}) => read('alphapose', people, options);

const said = (people: readonly KeypointTrack[]) => people.flatMap(({ notices }) => notices).join('\n');

/** How far a track is from the walker moved by `x`, pixels: the most of all frames that it was found in. */
function farthest(track: KeypointTrack, x: (frame: number) => number): number {
  const { keypoints, frames, joints, filled, start = 0 } = track;
  let most = 0;
  for (let at = 0; at < frames * joints; at++) {
    if (filled[Math.floor(at / joints)] > 0) continue;
    const frame = start + Math.floor(at / joints);
    const place = walker(frame, x(frame));
    most = Math.max(most, Math.abs(keypoints[2 * at] - place[3 * (at % joints)]));
  }
  return most;
}

const toRight = (frame: number) => 3 * frame;
const toLeft = (frame: number) => 900 - 3 * frame;

/** One goes to the right and one to the left from the first frame to the last. */
function expectCrossed(people: readonly KeypointTrack[], within = 0.01, lengths = [300, 300]): void {
  expect(people.map(({ frames }) => frames)).toEqual(lengths);
  const [a, b] = farthest(people[0], toRight) < farthest(people[1], toRight) ? people : [people[1], people[0]];
  expect(farthest(a, toRight)).toBeLessThan(within);
  expect(farthest(b, toLeft)).toBeLessThan(within);
}

const withIds = Object.keys(filesWithIds) as InputFormat[];

describe('two people who overlap are no halves of one', () => {
  const upTo = (joints: number, triples: number[], from = 0) =>
    triples.map((value, at) => (at >= 3 * from && at < 3 * joints ? value : at % 3 === 2 ? 0 : value));
  const clip = (people: (frame: number) => number[][]) =>
    Array.from({ length: 60 }, (_, frame) =>
      people(frame).map((triples) => ({ frame, id: undefined, triples })),
    ).flat();

  it.each<[string, (frame: number) => number[][]]>([
    // Legs of the one are hidden behind the other, who is whole.
    [
      'one hides the legs of the other',
      (frame) => [frame > 20 && frame < 40 ? upTo(11, walker(frame, 0)) : walker(frame, 0), walker(frame, 40)],
    ],
    // Somebody at a desk, of whom legs were never seen, and the legs of one who stands behind.
    ['one never had legs', (frame) => [upTo(11, walker(frame, 0)), upTo(17, walker(frame, 30), 11)]],
    // The second comes as legs alone while the first has theirs.
    [
      'legs beside a whole person',
      (frame) => [walker(frame, 0), ...(frame > 20 ? [upTo(17, walker(frame, 70), 11)] : [])],
    ],
    // One is hidden behind a desk, and the legs of one who passes by are seen; then the first stands up where those were not.
    [
      'legs in the first frames, elsewhere',
      (frame) => [
        frame < 5 ? upTo(11, walker(frame, 0)) : walker(frame, 0),
        ...(frame < 5 ? [upTo(17, walker(frame, 160), 11)] : []),
      ],
    ],
    // The legs that come are not where the first one's would be.
    [
      'legs elsewhere',
      (frame) => [
        frame > 20 ? upTo(11, walker(frame, 0)) : walker(frame, 0),
        ...(frame > 20 ? [upTo(17, walker(frame, 160), 11)] : []),
      ],
    ],
  ])('%s', (_, people) => {
    const found = alphaPose(clip(people));
    expect(found).toHaveLength(2);
    expect(said(found)).not.toContain('halves');
  });
});

describe('one odd id leaves the others theirs', () => {
  it('in every format', () => {
    expect([...withIds, ...formatsWithoutIds].sort()).toEqual([...inputFormats].sort());
  });

  const odd: [string, (people: Drawn[]) => void][] = [
    ['missing', (people) => delete people[200].id],
    ['null', (people) => Object.assign(people[200], { id: null })],
    ['nested', (people) => Object.assign(people[200], { id: [[1], [1]] })],
    ['repeated', (people) => Object.assign(people[200], { id: 2 })],
    ['missing where they meet', (people) => delete people[300].id],
    ['missing at the start', (people) => people.splice(0, 20, ...people.slice(0, 20).map(({ id, ...one }) => one))],
  ];
  it.each(withIds.flatMap((format) => odd.map(([what, change]) => [format, what, change] as const)))(
    '%s: %s',
    (format, _, change) => {
      const people = crossing([1, 2]);
      change(people);
      const found = read(format, people);
      expectCrossed(found);
      expect(found.map(({ id }) => id).sort()).toEqual(['1', '2']);
      expect(said(found)).toMatch(/Track ids: of 600 detections, (1|20) .*placed by the likeness of their poses/);
    },
  );

  it('ids that everybody shares tell nobody apart', () => {
    const found = alphaPose(crossing([0, 0]));
    expectCrossed(found, 1);
    expect(said(found)).toContain('do not tell people apart');
  });
});

describe('people without ids', () => {
  it('keep who they are when they cross, whatever their order in the file', () => {
    const random = createRandom(5);
    const shuffled = crossing([undefined, undefined]).sort((a, b) => a.frame - b.frame || random.uniform() - 0.5);
    expectCrossed(alphaPose(shuffled), 20);
  });

  it('keep who they are where one is hidden for 11 frames while they cross', () => {
    const hidden = (frame: number) => frame >= 145 && frame <= 155;
    const people = crossing([undefined, undefined]).filter((_, index) => index % 2 === 0 || !hidden((index - 1) / 2));
    const found = alphaPose(people);
    expectCrossed(found);
    expect(said(found)).toContain('11 of 300 frames');
  });
});

/** Jumping jacks, period 30 frames: arms and legs out and in, the body up and down. */
function jumpingJack(frame: number, shift = 0): number[] {
  const out = (1 - Math.cos((2 * Math.PI * frame) / 30)) / 2;
  const up = 40 * Math.abs(Math.sin((2 * Math.PI * frame) / 30));
  const arm = (side: number, reach: number) => {
    const angle = out * 0.85 * Math.PI;
    return [side * (60 + reach * Math.sin(angle)), -250 + reach * Math.cos(angle)];
  };
  const leg = (side: number, y: number) => [side * (40 + 0.4 * y * out), y];
  const both = (place: (side: number) => number[]) => [place(1), place(-1)];
  const places = [
    [0, -350],
    ...both((side) => [side * 12, -360]),
    ...both((side) => [side * 25, -355]),
    ...both((side) => [side * 60, -250]),
    ...both((side) => arm(side, 110)),
    ...both((side) => arm(side, 210)),
    ...both((side) => [side * 40, 0]),
    ...both((side) => leg(side, 170)),
    ...both((side) => leg(side, 340)),
  ];
  return places.flatMap(([x, y]) => [960 + x + shift, 600 + y - up + shift, 0.9]);
}

describe('a second box of one body', () => {
  const jacks = Array.from({ length: 200 }, (_, frame): Drawn => ({ frame, triples: jumpingJack(frame) }));
  it.each([[[0]], [[50]], [[57]], [[50, 57]], [[0, 1, 2, 3, 80, 110, 140]]])('in frames %j splits nobody', (frames) => {
    for (const first of [true, false]) {
      const people = jacks.flatMap((one) => {
        const second = { frame: one.frame, triples: jumpingJack(one.frame, 5) };
        return frames.includes(one.frame) ? (first ? [second, one] : [one, second]) : [one];
      });
      const found = alphaPose(people);
      expect(found.map((track) => track.frames)).toEqual([200]);
      expect([...found[0].filled]).toEqual(new Array(200).fill(0));
      expect(said(found)).toMatch(/detections? says? a body that the same frame has already|say a body/);
      expect(said(found)).not.toMatch(/no detection|interpolated|person 0|linked/);
    }
  });

  it('and of half a body, or with left and right changed', () => {
    const half = jumpingJack(40, 3).map((value, at) => (at >= 33 && at % 3 === 2 ? 0 : value));
    const turned = jumpingJack(60, 2);
    for (let joint = 1; joint < 17; joint += 2) {
      const [left, right] = [turned.slice(3 * joint, 3 * joint + 3), turned.slice(3 * joint + 3, 3 * joint + 6)];
      turned.splice(3 * joint, 6, ...right, ...left);
    }
    const people = [...jacks, { frame: 40, triples: half }, { frame: 60, triples: turned }];
    expect(alphaPose(people).map((track) => track.frames)).toEqual([200]);
  });

  it('a false person somewhere else for a frame is left out', () => {
    const far = { frame: 50, triples: jumpingJack(50, 500) };
    const found = alphaPose([...jacks, far]);
    expect(found.map((track) => track.frames)).toEqual([200]);
    expect(said(found)).toContain('1 person is there in fewer than 3 frames: left out');
  });

  it('two people who stand apart stay two', () => {
    const other = jacks.map(({ frame }): Drawn => ({ frame, triples: jumpingJack(frame, 250) }));
    expect(alphaPose([...jacks, ...other]).map((track) => track.frames)).toEqual([200, 200]);
  });
});

describe('an id that changes in mid-video', () => {
  const changed = (from: number, gap = 0): Drawn[] =>
    crossing([1, 2])
      .map((one) => (one.id === 1 && one.frame >= from ? { ...one, id: 7 } : one))
      .filter(({ id, frame }) => id !== 1 || frame < from - gap);

  it.each(withIds)('%s: is joined where place, size and time fit, and said so', (format) => {
    for (const gap of [0, 12]) {
      const found = read(format, changed(200, gap), { fps: 50 });
      expectCrossed(found);
      expect(found.map(({ id }) => id).sort()).toEqual(['1', '2']);
      expect(said(found)).toContain('Track 7 goes on where track 1 ends');
    }
  });

  const enter: [string, Drawn[]][] = [
    // Who leaves on the right, and who comes in there ten frames later.
    [
      'turning back where one left',
      [
        ...Array.from({ length: 100 }, (_, frame) => ({ frame, id: 1, triples: walker(frame, 6 * frame) })),
        ...Array.from({ length: 100 }, (_, at) => ({ frame: 110 + at, id: 2, triples: walker(at, 600 - 6 * at) })),
      ],
    ],
    [
      'somewhere else',
      [
        ...Array.from({ length: 100 }, (_, frame) => ({ frame, id: 1, triples: walker(frame, 0) })),
        ...Array.from({ length: 100 }, (_, at) => ({ frame: 100 + at, id: 2, triples: walker(100 + at, 400) })),
      ],
    ],
    [
      'much later',
      [
        ...Array.from({ length: 100 }, (_, frame) => ({ frame, id: 1, triples: walker(frame, 0) })),
        ...Array.from({ length: 100 }, (_, at) => ({ frame: 160 + at, id: 2, triples: walker(100, 0) })),
      ],
    ],
    [
      'of another size',
      [
        ...Array.from({ length: 100 }, (_, frame) => ({ frame, id: 1, triples: walker(frame, 0) })),
        ...Array.from({ length: 100 }, (_, at) => ({
          ...{ frame: 100 + at, id: 2 },
          triples: walker(100 + at, 0).map((value, axis) => (axis % 3 === 2 ? value : 600 + 0.6 * (value - 600))),
        })),
      ],
    ],
  ];
  it.each(enter)('another person who enters is not joined: %s', (_, people) => {
    const found = alphaPose(people, { fps: 50 });
    expect(found).toHaveLength(2);
    expect(said(found)).not.toContain('joined');
  });

  it('is merged as the caller says', () => {
    const people = crossing([3, 2]).map((one) =>
      one.id === 3 && one.frame >= 100 ? { ...one, id: one.frame < 200 ? 7 : 9 } : one,
    );
    // A long gap, so that nothing joins by itself.
    const gaps = people.filter(({ id, frame }) => id === 2 || (frame % 100) / 100 < 0.3);
    expect(alphaPose(gaps, { fps: 50 })).toHaveLength(4);
    const found = alphaPose(gaps, { fps: 50, mergeIds: { 3: ['7', '9'] }, maxGap: 10 });
    expectCrossed(found, 0.01, [300, 230]);
    expect(found.map(({ id }) => id).sort()).toEqual(['2', '3']);
    expect(said(found)).toContain('Merged as asked: 7, 9 into 3.');
    const merge = (mergeIds: Record<string, string[]>) => () => alphaPose(gaps, { fps: 50, mergeIds });
    expect(merge({ 3: ['2'] })).toThrow('3 and 2 are both there in 30 frames (the first is 0)');
    expect(merge({ 3: ['8'] })).toThrow('expected ids of the file (3, 2, 7, 9), got 8');
    expect(merge({ 3: ['7'], 9: ['7'] })).toThrow('expected each id once, got 7 again');
  });

  it('ids are passed over on request', () => {
    // The tracker changes the two at the place where they meet.
    const wrong = crossing([1, 2]).map((one) => (one.frame >= 150 ? { ...one, id: 3 - Number(one.id) } : one));
    expect(farthest(readKeypoints(new TextEncoder().encode(filesWithIds.alphapose!(wrong))), toRight)).toBeGreaterThan(
      100,
    );
    const found = alphaPose(wrong, { ignoreIds: true });
    expectCrossed(found, 20);
    expect(said(found)).toContain('ignored, as asked');
  });
});
