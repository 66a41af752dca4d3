import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ReadKeypointsOptions } from '../../../lib/keypoints/keypoint-track.js';
import { coco17 } from '../../../lib/skeletons/coco.js';
import { mediapipe33 } from '../../../lib/skeletons/mediapipe.js';
import type { Skeleton } from '../../../lib/skeletons/skeleton.js';
import { type Clip, inLayout, type Person, type Point, size } from './walking.js';

/** How a sample is written where a test wants it otherwise. */
export interface Writing {
  /** The order and the names of the joints, in formats that name them. */
  joints?: readonly string[];
  rename?: (joint: string) => string;
  /** The number of each frame; its place by default. */
  numbers?: readonly number[];
  /** The field or column that has it, in formats where a file may choose. */
  frameField?: string;
  /** A frame without anybody; the format's own way by default. */
  nobody?: unknown;
}

/** One way in which a file of detections is written. */
export interface Sample {
  name: string;
  /** The module under lib/keypoints/readers that reads it. */
  reader: string;
  layout: Skeleton;
  /** Names of frames' fields that a file may have; none where frames have their place alone. */
  frameFields: readonly string[];
  /** true: a file says when each frame was, in a field of the name that a test gives. */
  timed?: boolean;
  named?: boolean;
  fractions?: boolean;
  /** false: the format has one person alone. */
  crowd?: boolean;
  /** Other ways to write a frame without anybody. */
  nobodies?: readonly unknown[];
  options?: ReadKeypointsOptions;
  /** Writes a file, or a folder, at a path without ending; returns the path. */
  write: (path: string, clip: Clip, writing: Writing) => string;
}

export const cell = (value: number | null) => (value === null ? '' : String(value));
export const numbersOf = (clip: Clip, { numbers }: Writing) => numbers ?? clip.map((_, frame) => frame);
export const flat = (points: readonly Point[]) => points.flat();
export const json = (path: string, value: unknown) => {
  writeFileSync(`${path}.json`, JSON.stringify(value));
  return `${path}.json`;
};
export const text = (path: string, ending: string, value: string) => {
  writeFileSync(`${path}.${ending}`, value);
  return `${path}.${ending}`;
};
/** Files of a folder that is fresh each time. */
export function folder(path: string, files: readonly (readonly [name: string, content: string])[]): string {
  mkdirSync(dirname(path), { recursive: true });
  const made = mkdtempSync(path);
  for (const [name, content] of files) writeFileSync(join(made, name), content);
  return made;
}
export const padded = (number: number) => String(number).padStart(12, '0');
export const inFractions = ([x, y, confidence]: Point): Point => [
  x === null ? null : x / size.width,
  y === null ? null : y / size.height,
  confidence,
];
export const spelt = (joint: string) => joint.replaceAll(' ', '_');
/** A person's points in the order of the sample or of the test, with their names. */
export function named(person: Person, { joints = coco17.joints, rename = spelt }: Writing): [string, Point][] {
  return joints.map((joint) => [rename(joint), person.get(joint)!]);
}
export const people = (
  clip: Clip,
  frame: number,
  of: (person: Person, index: number) => unknown,
  { nobody }: Writing,
) => (clip[frame].length === 0 && nobody !== undefined ? nobody : clip[frame].map(of));

export const openPosePerson = (layout: Skeleton) => (person: Person) => ({
  person_id: [-1],
  pose_keypoints_2d: flat(inLayout(person, layout)),
});
export const mmInstance = (person: Person) => {
  const points = inLayout(person, coco17);
  return {
    keypoints: points.map(([x, y]) => [x, y]),
    keypoint_scores: points.map(([, , confidence]) => confidence),
    bbox: [[0, 0, 9, 9]],
    bbox_score: 0.9,
  };
};
export const ultralyticsPerson = (person: Person) => {
  const points = inLayout(person, coco17);
  return {
    ...{ name: 'person', class: 0, confidence: 0.9, box: { x1: 0, y1: 0, x2: 9, y2: 9 } },
    keypoints: { x: points.map(([x]) => x), y: points.map(([, y]) => y), visible: points.map(([, , sure]) => sure) },
  };
};
export const landmarks = (person: Person) =>
  inLayout(person, mediapipe33)
    .map(inFractions)
    .map(([x, y, visibility]) => ({ x, y, z: 0.1, visibility }));
export const moveNetPose = (writing: Writing) => (person: Person) => ({
  score: 0.9,
  keypoints: named(person, writing).map(([name, [x, y, score]]) => ({ x, y, score, name })),
});
export const poseNetPose = (writing: Writing) => (person: Person) => ({
  score: 0.9,
  keypoints: named(person, writing).map(([part, [x, y, score]]) => ({ score, part, position: { x, y } })),
});
export const camel = (joint: string) => joint.replace(/ ([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A frame as an object with the number under the field that the test wants, where it wants one. */
export function framed(
  clip: Clip,
  writing: Writing,
  make: (frame: number) => Record<string, unknown> | unknown,
): unknown[] {
  const numbers = numbersOf(clip, writing);
  return clip.map((_, frame) => {
    const value = make(frame);
    const record = typeof value === 'object' && value !== null && !Array.isArray(value);
    return record ? { [writing.frameField ?? 'frame_id']: numbers[frame], ...value } : value;
  });
}

/** The entries of people one after the other. */
export function entries(clip: Clip, writing: Writing, id: (number: number) => unknown): Record<string, unknown>[] {
  const numbers = numbersOf(clip, writing);
  return clip.flatMap((frame, index) =>
    frame.map((person) => ({
      [writing.frameField ?? 'image_id']: id(numbers[index]),
      category_id: 1,
      keypoints: flat(inLayout(person, coco17)),
      score: 2.5,
    })),
  );
}

/** Rows of a table: `of` gives the columns of each person. */
export function table(
  clip: Clip,
  writing: Writing,
  columns: (person: Person) => [string, number | null][],
  by = ',',
): string {
  const head = columns([...walkers(clip)][0]).map(([name]) => name);
  const numbers = numbersOf(clip, writing);
  const crowd = clip.some((frame) => frame.length > 1);
  const rows = clip.flatMap((frame, index) =>
    frame.map((person, who) => [
      numbers[index],
      ...(crowd ? [who] : []),
      ...columns(person).map(([, value]) => cell(value)),
    ]),
  );
  const first = [writing.frameField ?? 'frame', ...(crowd ? ['person'] : []), ...head];
  return [first, ...rows].map((row) => row.join(by)).join('\n');
}

export function* walkers(clip: Clip): Generator<Person> {
  for (const frame of clip) yield* frame;
}

export const wide = (writing: Writing) => (person: Person) =>
  named(person, writing).flatMap(([name, [x, y, sure]]): [string, number | null][] => [
    [`${name}_x`, x],
    [`${name}_y`, y],
    [`${name}_c`, sure],
  ]);

/** (T, J, C) of the first person; a frame without anybody is NaN. */
export function array(clip: Clip, layout: Skeleton, of: (point: Point) => (number | null)[]): Float32Array {
  return Float32Array.from(
    clip.flatMap(([person]) => {
      const points = person ? inLayout(person, layout) : layout.joints.map((): Point => [null, null, null]);
      return points.flatMap((point) => of(point).map((value) => value ?? Number.NaN));
    }),
  );
}

export const csvFields = ['frame', 'frame_id', 'frame_idx', 'frame_number', 'frame_no', 'img_id', 'image_id'];
export const jsonFields = [...csvFields, 'frameIndex'];
