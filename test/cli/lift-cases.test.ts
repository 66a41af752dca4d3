import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { samples } from '../keypoints/readers/samples.js';
import { type Clip, type Point, walking } from '../keypoints/readers/walking.js';

/** Files that once came out wrong without a word, or not at all: each is held to the lift of the clip as it is. */
const folder = temporaryFolder();
const FRAMES = 60;
const options = ['--size', '1920x1080', '--fps', '50', '--device', 'cpu', '--threads', '1'];

interface Lifted {
  poses: number[][][];
  filled: number[];
  err: string;
}

async function lift(input: string): Promise<Lifted> {
  const out = `${input}.poses.json`;
  const { code, err } = await runHere(['lift', input, '--out', out, ...options]);
  expect(err, input).not.toMatch(/^pstmo:/m);
  expect(code, err).toBe(0);
  return { ...(JSON.parse(readFileSync(out, 'utf8')) as Lifted), err };
}

/** The mean distance of joints in millimetres over some frames; `offset` is the reference's first frame. */
function distance(lifted: Lifted, reference: Lifted, frames: readonly number[], offset = 0): number {
  const distances = frames.flatMap((frame) =>
    lifted.poses[frame].map((joint, index) =>
      Math.hypot(...joint.map((value, axis) => value - reference.poses[frame + offset][index][axis])),
    ),
  );
  return (1000 * distances.reduce((sum, value) => sum + value, 0)) / distances.length;
}

const sample = (name: string) => samples.find((one) => one.name === name)!;
const path = (name: string) => join(folder, name);
const range = (first: number, end: number) => Array.from({ length: end - first }, (_, at) => first + at);
const everyFrame = range(0, FRAMES);
/** The clip with the left wrist of frames 20 to 39 as a tool writes one that it did not find. */
const wristAt = (lost: Point): Clip =>
  walking(FRAMES).map(([person], frame) => [
    new Map(
      [...person].map(([joint, point]) => [joint, joint === 'left wrist' && frame >= 20 && frame < 40 ? lost : point]),
    ),
  ]);

describe('a file of the walking clip', () => {
  let reference: Lifted;
  beforeAll(async () => {
    reference = await lift(sample("AlphaPose's list").write(path('reference'), walking(FRAMES), {}));
  }, 60_000);

  it.each<[string, string, Point]>([
    ["YOLO's, with a wrist at (0, 0) and a confidence", "YOLO's JSON", [0, 0, 0.31]],
    ["AlphaPose's, with a wrist at (-1, -1)", "AlphaPose's list", [-1, -1, 0]],
  ])('%s: within 10 mm in those frames', async (name, format, lost) => {
    const lifted = await lift(sample(format).write(path(name), wristAt(lost), {}));
    expect(distance(lifted, reference, range(20, 40))).toBeLessThan(10);
    expect(lifted.err).toContain('20 single joints have no position');
  });

  it("COCO's, with its joints in another order: the same", async () => {
    const joints = [...walking(1)[0][0].keys()].reverse();
    const lifted = await lift(sample("COCO's annotations").write(path('order'), walking(FRAMES), { joints }));
    expect(distance(lifted, reference, everyFrame)).toBeLessThan(0.1);
  });

  it("MMPose's results in memory: the same", async () => {
    const lifted = await lift(sample("MMPose's results in memory").write(path('memory'), walking(FRAMES), {}));
    expect(distance(lifted, reference, everyFrame)).toBeLessThan(0.1);
  });

  it.each<[string, number]>([
    ['frame_number', 1],
    ['timestamp', 1000 / 30],
  ])('a table with ten rows left out, by %s: ten frames are filled', async (frameField, spacing) => {
    const kept = everyFrame.filter((frame) => frame < 25 || frame >= 35);
    const numbers = kept.map((frame) => Math.round(frame * spacing));
    const clip = walking(FRAMES).filter((_, frame) => kept.includes(frame));
    const name = 'a table of names, parted by ","';
    const lifted = await lift(sample(name).write(path(frameField), clip, { numbers, frameField }));
    expect(lifted.poses).toHaveLength(FRAMES);
    expect(lifted.filled.filter((flag) => flag > 0)).toHaveLength(10);
    expect(distance(lifted, reference, everyFrame)).toBeLessThan(10);
  });

  it.each<[string, string, unknown]>([
    ["MediaPipe's, with null for nobody", "MediaPipe's results", null],
    ["OpenPose's, with an empty person for nobody", "OpenPose's folder", { people: [{}] }],
  ])('%s: nobody in those frames', async (name, format, nobody) => {
    mkdirSync(path('folders'), { recursive: true });
    const clip = walking(FRAMES).map((people, frame) => (frame === 5 || frame === 6 ? [] : people));
    const whole = await lift(sample(format).write(join(folder, 'folders', 'whole'), walking(FRAMES), {}));
    const lifted = await lift(sample(format).write(join(folder, 'folders', name.slice(0, 8)), clip, { nobody }));
    expect(lifted.filled.flatMap((flag, frame) => (flag > 0 ? [frame] : []))).toEqual([5, 6]);
    expect(lifted.err).toContain('2 of 60 frames show nobody');
    expect(distance(lifted, whole, everyFrame)).toBeLessThan(1);
  });

  it('with NaN for a point, or one kilometres away: that point alone is unknown', async () => {
    const file = sample("AlphaPose's list").write(path('nan'), walking(FRAMES), {});
    const list = JSON.parse(readFileSync(file, 'utf8')) as { keypoints: number[] }[];
    const [x, y] = list[10].keypoints.slice(27, 29);
    const text = JSON.stringify(list);
    writeFileSync(file, text.replace(`${x},${y},`, 'NaN, NaN,'));
    expect(readFileSync(file, 'utf8')).not.toBe(text);
    expect(distance(await lift(file), reference, everyFrame)).toBeLessThan(1);
    list[30].keypoints[27] = 1e9;
    list[40].keypoints[28] = -5e6;
    writeFileSync(file, JSON.stringify(list));
    const lifted = await lift(file);
    expect(distance(lifted, reference, everyFrame)).toBeLessThan(1);
    expect(lifted.err).toContain('2 points that lie more than 3 image sizes outside: taken as unknown');
    expect(lifted.poses[30]).toHaveLength(human36m17.joints.length);
  });
});
