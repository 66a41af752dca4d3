import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KeypointTrack, ReadKeypointsOptions } from '../../../lib/keypoints/keypoint-track.js';
import { readKeypoints, readPeople } from '../../../lib/keypoints/read-keypoints.js';
import { coco17 } from '../../../lib/skeletons/coco.js';
import { skeletonByName } from '../../../lib/skeletons/skeletons.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import type { Sample, Writing } from './sample-writing.js';
import { samples } from './samples.js';
import { type Clip, type Point, size, walking } from './walking.js';

const folder = temporaryFolder();
let count = 0;

function read(sample: Sample, clip: Clip, writing: Writing = {}, options: ReadKeypointsOptions = {}): KeypointTrack {
  return readKeypoints(written(sample, clip, writing), { size, ...sample.options, ...options });
}

function written(sample: Sample, clip: Clip, writing: Writing = {}): string {
  return sample.write(join(folder, `clip-${count++}`), clip, writing);
}

/** Where a track has a joint of COCO's in a frame: x, y, confidence. */
function pointOf({ keypoints, confidence, joints, layout }: KeypointTrack, frame: number, joint: string): number[] {
  const at = frame * joints + skeletonByName(layout).joints.indexOf(joint);
  return [keypoints[at * 2], keypoints[at * 2 + 1], confidence[at]];
}

function expectPoint(track: KeypointTrack, frame: number, joint: string, [x, y, confidence]: Point): void {
  const found = pointOf(track, frame, joint);
  const where = `${joint} of frame ${frame}`;
  expect(found[0], where).toBeCloseTo(x!, 1);
  expect(found[1], where).toBeCloseTo(y!, 1);
  expect(found[2], where).toBeCloseTo(confidence!, 4);
}

/** Whether a track has all points of COCO's joints as the clip's first person has them, in the given frames. */
function expectClip(track: KeypointTrack, clip: Clip, frames = clip.map((_, frame) => frame)): void {
  for (const frame of frames) {
    for (const joint of coco17.joints) expectPoint(track, frame, joint, clip[frame][0].get(joint)!);
  }
}

/** The clip with a change of some points. */
function changed(clip: Clip, change: (point: Point, frame: number, joint: string) => Point): Clip {
  return clip.map((people, frame) =>
    people.map((person) => new Map([...person].map(([joint, point]) => [joint, change(point, frame, joint)]))),
  );
}

const ofAll = samples.map((sample) => [sample.name, sample] as const);
const table = (chosen: (sample: Sample) => boolean) => ofAll.filter(([, sample]) => chosen(sample));

describe('the table of readers', () => {
  it('has a sample of every reader', () => {
    const helpers = [
      ...['csv-columns', 'csv-frames', 'csv-table', 'decode-text', 'frame-fields', 'frame-format', 'frame-names'],
      ...['found-person', 'image-size', 'json-stream', 'json-value', 'long-value', 'people-by-id', 'point-object'],
      ...['pose-sequence', 'read-frames'],
    ];
    const modules = readdirSync(new URL('../../../lib/keypoints/readers', import.meta.url), {
      recursive: true,
      encoding: 'utf8',
    })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => basename(name, '.ts'));
    const covered = new Set(samples.map(({ reader }) => reader));
    expect(modules.filter((name) => !helpers.includes(name) && !covered.has(name))).toEqual([]);
  });
});

describe.each(ofAll)('%s', (_, sample) => {
  it('gives the points that were written', () => {
    const clip = walking(6);
    const track = read(sample, clip);
    expect(track).toMatchObject({ frames: 6, layout: sample.layout.name, people: 1 });
    expectClip(track, clip);
    expect(track.filled.every((flag) => flag === 0)).toBe(true);
  });

  // Kind 2: not found is not a place.
  it.each<[string, Point]>([
    ['(0, 0) with a confidence', [0, 0, 0.31]],
    ['(0, 0) without', [0, 0, 0]],
    ['no confidence', [700, 300, 0]],
    ['no numbers', [null, null, null]],
    ['no number in one place', [null, 300, 0.9]],
  ])('takes a point at %s as unknown', (_name, lost) => {
    const clip = walking(5);
    const other = walking(5);
    const file = changed(clip, (point, frame, joint) => (joint === 'left wrist' && frame === 2 ? lost : point));
    const track = read(sample, file);
    expectClip(track, other, [0, 1, 3, 4]);
    const [before, after] = [1, 3].map((frame) => other[frame][0].get('left wrist')!);
    const [x, y, confidence] = pointOf(track, 2, 'left wrist');
    expect(confidence).toBe(0);
    expect(x).toBeGreaterThanOrEqual(Math.min(before[0]!, after[0]!) - 0.1);
    expect(x).toBeLessThanOrEqual(Math.max(before[0]!, after[0]!) + 0.1);
    expect(y).toBeGreaterThanOrEqual(Math.min(before[1]!, after[1]!) - 0.1);
    expect(track.notices.join()).toMatch(/single joints? ha(ve|s) no position/);
  });

  it('takes (-1, -1), or a point image sizes away, as unknown', () => {
    const clip = walking(5);
    const minus: Point = sample.fractions ? [-size.width, -size.height, 0.5] : [-1, -1, 0.5];
    const gone = changed(clip, (point, frame, joint) => (joint === 'left wrist' && frame === 2 ? minus : point));
    expect(pointOf(read(sample, gone), 2, 'left wrist')[2]).toBe(0);
    const far = changed(clip, (point, frame, joint) =>
      joint === 'left wrist' && frame > 2 ? [1e9, -5e6, 0.9] : point,
    );
    const track = read(sample, far);
    expect(pointOf(track, 3, 'left wrist')[2]).toBe(0);
    expect(track.notices.join()).toMatch(/\d points that lie more than 3 image sizes outside/);
    expectClip(track, clip, [0, 1, 2]);
  });

  // Kind 7: nobody here.
  it.each<[string, unknown]>([
    ["the format's own way", undefined],
    ...(sample.nobodies ?? []).map((value): [string, unknown] => [JSON.stringify(value), value]),
  ])('takes a frame as showing nobody: %s', (_name, nobody) => {
    const clip = walking(8);
    const empty = clip.map((people, frame) => (frame === 3 || frame === 4 ? [] : people));
    const track = read(sample, empty, { nobody });
    expect(track.frames).toBe(8);
    expect([...track.filled]).toEqual([0, 0, 0, 1, 1, 0, 0, 0]);
    expectClip(track, clip, [0, 1, 2, 5, 6, 7]);
    expect(track.notices.join(' ')).toMatch(/2 of 8 frames/);
  });

  it('is one clear error where nobody is in any frame', () => {
    const nowhere = changed(walking(3), () => [0, 0, 0]);
    expect(() => read(sample, nowhere)).toThrow(
      expect.objectContaining({
        code: 'ERR_FORMAT',
        message: expect.stringContaining('expected detected people, got none'),
      }),
    );
  });

  // Kind 8: the scale of confidences.
  it('halves confidences of 0, 1 and 2 alone, takes others as they are and clamps those above 1', () => {
    const sure = (values: number[]) =>
      changed(walking(3), ([x, y], _frame, joint) => [x, y, values[coco17.joints.indexOf(joint) % values.length]]);
    const halved = read(sample, sure([2, 1]));
    expect(['nose', 'left eye'].map((joint) => pointOf(halved, 1, joint)[2])).toEqual([1, 0.5]);
    const same = read(sample, sure([0.9, 0.25, 1]));
    expect(pointOf(same, 1, 'nose')[2]).toBeCloseTo(0.9, 5);
    expect(pointOf(same, 1, 'left eye')[2]).toBeCloseTo(0.25, 5);
    const high = read(sample, sure([1.25, 0.5]));
    expect(pointOf(high, 1, 'nose')[2]).toBe(1);
    expect(pointOf(high, 1, 'left eye')[2]).toBeCloseTo(0.5, 5);
    expect(high.notices.join()).toMatch(/confidences above 1 \(up to 1\.25\) are taken as 1/);
  });
});

// Kind 9: turned video. Fractions lie inside of any size.
describe.each(table(({ fractions = false }) => !fractions))('%s: a turned video', (_, sample) => {
  it('is said where the turned size fits better, with the flag', () => {
    const portrait = { width: size.height, height: size.width };
    const notices = read(sample, walking(6, 1000), {}, { size: portrait }).notices.join();
    expect(notices).toContain(`Is the video shown turned? Then give its size as --size ${size.width}x${size.height}.`);
    expect(read(sample, walking(6, 1000)).notices.join()).not.toContain('turned');
  });
});

// Kind 4: names are the order.
describe.each(table(({ named = false }) => named))('%s: names', (_, sample) => {
  it('are the order of the joints', () => {
    const clip = walking(4);
    expectClip(read(sample, clip, { joints: [...coco17.joints].reverse() }), clip);
  });

  it('may be spelt as tools do', () => {
    const clip = walking(4);
    const spellings = [
      (joint: string) => joint.toUpperCase().replace(' ', '_'),
      (joint: string) => joint.replace(/^left /, 'L').replace(/^right /, 'R'),
    ];
    for (const rename of spellings) expectClip(read(sample, clip, { rename }), clip);
  });

  it('that fit no layout are refused with the nearest', () => {
    const rename = (joint: string) => (joint === 'left wrist' ? 'left paw' : joint.replaceAll(' ', '_'));
    expect(() => read(sample, walking(4), { rename })).toThrow(
      /the nearest is coco-17, which also needs left wrist and has no left paw: give the option layout/,
    );
  });
});

// Kind 5: which frame.
describe.each(table(({ frameFields }) => frameFields.length > 0))('%s: frames', (_, sample) => {
  const clip = walking(12);
  const kept = clip.map((_people, frame) => frame).filter((frame) => frame < 5 || frame > 7);
  const part = kept.map((frame) => clip[frame]);

  it.each(sample.frameFields)('by %s: a hole is a hole', (frameField) => {
    const track = read(sample, part, { numbers: kept, frameField });
    expect(track.frames).toBe(12);
    expect([...track.filled]).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]);
    expectClip(track, clip, kept);
  });

  it('are sorted as numbers', () => {
    const numbers = [11, 9, 10, 8];
    const track = read(sample, [clip[3], clip[1], clip[2], clip[0]], { numbers, frameField: sample.frameFields[0] });
    expectClip(track, clip, [0, 1, 2, 3]);
  });

  it('at a constant step are frames of a video of the stated rate', () => {
    const numbers = clip.map((_people, frame) => frame * 30);
    const track = read(sample, clip, { numbers, frameField: sample.frameFields[0] }, { fps: 60 });
    expect(track).toMatchObject({ frames: 12, fps: 2 });
    expect(track.notices.join()).toContain('steps of 30');
  });
});

describe.each(table(({ timed = false }) => timed))('%s: times', (_, sample) => {
  const clip = walking(12);
  const kept = clip.map((_people, frame) => frame).filter((frame) => frame < 5 || frame > 7);
  const part = kept.map((frame) => clip[frame]);

  it('tell frames in seconds, milliseconds and microseconds, with their rate', () => {
    const fields: [string, number][] = [
      ['timestamp', 1],
      ['time_ms', 1e3],
      ['timestamp', 1e3],
      ['timestamp_us', 1e6],
    ];
    for (const [frameField, scale] of fields) {
      const numbers = kept.map((frame) => {
        const time = 5 + (frame / 25) * scale;
        return scale === 1 ? Number(time.toFixed(4)) : Math.round(time);
      });
      const track = read(sample, part, { numbers, frameField });
      expect([track.frames, track.fps], `${frameField} ${scale}`).toEqual([12, 25]);
      expectClip(track, clip, kept);
      expect(read(sample, part, { numbers, frameField }, { fps: 50 }).fps).toBe(50);
    }
  });
});

/** The clip's person in two halves in some frames: a detection of the joints from the hips on, and one of the others. */
const upper = new Set(coco17.joints.slice(0, 11));
function halved(clip: Clip, frames: readonly number[], stray: Point = [null, null, 0]): Clip {
  return clip.map((people, frame) => {
    if (!frames.includes(frame)) return people;
    const half = (own: (joint: string) => boolean) =>
      new Map([...people[0]].map(([joint, point]): [string, Point] => [joint, own(joint) ? point : [null, null, 0]]));
    const lower = half((joint) => !upper.has(joint));
    lower.set('right wrist', stray);
    return [half((joint) => upper.has(joint)), lower, ...people.slice(1)];
  });
}

// Kind 12: a body is one person, however many detections it has.
describe.each(table(({ crowd = true }) => crowd))('%s: a body in two halves', (_, sample) => {
  const joints = coco17.joints.filter((joint) => joint !== 'right wrist');
  it.each([
    ['one frame', [9], [null, null, 0] as Point],
    ['ten frames', [8, 9, 10, 11, 12, 13, 14, 15, 16, 17], [null, null, 0] as Point],
    ['the first frame', [0], [null, null, 0] as Point],
    ['the first five frames', [0, 1, 2, 3, 4], [null, null, 0] as Point],
    ['one frame, with a stray point in the lower half', [9], [640, 700, 0.06] as Point],
  ])('is one person in %s', (_name, frames, stray) => {
    const clip = walking(24);
    const track = read(sample, halved(clip, frames, stray), {}, { ignoreIds: true });
    expect(track).toMatchObject({ frames: 24, people: 1 });
    for (const frame of [7, ...frames, 20]) {
      for (const joint of joints) expectPoint(track, frame, joint, clip[frame][0].get(joint)!);
    }
    expect(track.notices.join(' ')).toContain(
      `In ${frames.length} frame${frames.length === 1 ? '' : 's'} a person was found in two halves: merged.`,
    );
  });
});

describe.each(table(({ crowd = true }) => crowd))('%s: two people', (_, sample) => {
  it('are two, and points at (0, 0) make nobody large', () => {
    const [a, b] = [walking(6), walking(6, 900)];
    const small = changed(b, ([x, y, sure], _frame, joint) => {
      return joint === 'left wrist' ? [0, 0, 0.3] : [1500 + x! / 9, 700 + y! / 9, sure];
    });
    const both = a.map((people, frame) => [...small[frame], ...people]);
    const found = readPeople(written(sample, both), { size, ...sample.options });
    expect(found).toHaveLength(2);
    expectClip(found[0], a);
    const named = coco17.joints.filter((joint) => joint !== 'left wrist');
    for (const joint of named) expectPoint(found[1], 3, joint, small[3][0].get(joint)!);
  });
});
