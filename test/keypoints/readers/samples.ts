import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeNpy } from '../../../lib/formats/numpy/npy-writer.js';
import { writeNpz } from '../../../lib/formats/numpy/npz-writer.js';
import type { ReadKeypointsOptions } from '../../../lib/keypoints/keypoint-track.js';
import { body25 } from '../../../lib/skeletons/body25.js';
import { coco17, coco18 } from '../../../lib/skeletons/coco.js';
import { mediapipe33 } from '../../../lib/skeletons/mediapipe.js';
import type { Skeleton } from '../../../lib/skeletons/skeleton.js';
import { writeListNpz } from '../../helpers/writers/pickle-writer.js';
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
  /** true: frames that are not there leave no hole, since nothing numbers them. */
  unnumbered?: boolean;
  /** Other ways to write a frame without anybody. */
  nobodies?: readonly unknown[];
  options?: ReadKeypointsOptions;
  /** Writes a file, or a folder, at a path without ending; returns the path. */
  write: (path: string, clip: Clip, writing: Writing) => string;
}

const cell = (value: number | null) => (value === null ? '' : String(value));
const numbersOf = (clip: Clip, { numbers }: Writing) => numbers ?? clip.map((_, frame) => frame);
const flat = (points: readonly Point[]) => points.flat();
const json = (path: string, value: unknown) => {
  writeFileSync(`${path}.json`, JSON.stringify(value));
  return `${path}.json`;
};
const text = (path: string, ending: string, value: string) => {
  writeFileSync(`${path}.${ending}`, value);
  return `${path}.${ending}`;
};
/** Files of a folder that is fresh each time. */
function folder(path: string, files: readonly (readonly [name: string, content: string])[]): string {
  mkdirSync(dirname(path), { recursive: true });
  const made = mkdtempSync(path);
  for (const [name, content] of files) writeFileSync(join(made, name), content);
  return made;
}
const padded = (number: number) => String(number).padStart(12, '0');
const inFractions = ([x, y, confidence]: Point): Point => [
  x === null ? null : x / size.width,
  y === null ? null : y / size.height,
  confidence,
];
const spelt = (joint: string) => joint.replaceAll(' ', '_');
/** A person's points in the order of the sample or of the test, with their names. */
function named(person: Person, { joints = coco17.joints, rename = spelt }: Writing): [string, Point][] {
  return joints.map((joint) => [rename(joint), person.get(joint)!]);
}
const people = (clip: Clip, frame: number, of: (person: Person, index: number) => unknown, { nobody }: Writing) =>
  clip[frame].length === 0 && nobody !== undefined ? nobody : clip[frame].map(of);

const openPosePerson = (layout: Skeleton) => (person: Person) => ({
  person_id: [-1],
  pose_keypoints_2d: flat(inLayout(person, layout)),
});
const mmInstance = (person: Person) => {
  const points = inLayout(person, coco17);
  return {
    keypoints: points.map(([x, y]) => [x, y]),
    keypoint_scores: points.map(([, , confidence]) => confidence),
    bbox: [[0, 0, 9, 9]],
    bbox_score: 0.9,
  };
};
const ultralyticsPerson = (person: Person) => {
  const points = inLayout(person, coco17);
  return {
    ...{ name: 'person', class: 0, confidence: 0.9, box: { x1: 0, y1: 0, x2: 9, y2: 9 } },
    keypoints: { x: points.map(([x]) => x), y: points.map(([, y]) => y), visible: points.map(([, , sure]) => sure) },
  };
};
const landmarks = (person: Person) =>
  inLayout(person, mediapipe33)
    .map(inFractions)
    .map(([x, y, visibility]) => ({ x, y, z: 0.1, visibility }));
const moveNetPose = (writing: Writing) => (person: Person) => ({
  score: 0.9,
  keypoints: named(person, writing).map(([name, [x, y, score]]) => ({ x, y, score, name })),
});
const poseNetPose = (writing: Writing) => (person: Person) => ({
  score: 0.9,
  keypoints: named(person, writing).map(([part, [x, y, score]]) => ({ score, part, position: { x, y } })),
});
const camel = (joint: string) => joint.replace(/ ([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A frame as an object with the number under the field that the test wants, where it wants one. */
function framed(clip: Clip, writing: Writing, make: (frame: number) => Record<string, unknown> | unknown): unknown[] {
  const numbers = numbersOf(clip, writing);
  return clip.map((_, frame) => {
    const value = make(frame);
    const record = typeof value === 'object' && value !== null && !Array.isArray(value);
    return record ? { [writing.frameField ?? 'frame_id']: numbers[frame], ...value } : value;
  });
}

/** The entries of people one after the other. */
function entries(clip: Clip, writing: Writing, id: (number: number) => unknown): Record<string, unknown>[] {
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
function table(clip: Clip, writing: Writing, columns: (person: Person) => [string, number | null][], by = ','): string {
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

function* walkers(clip: Clip): Generator<Person> {
  for (const frame of clip) yield* frame;
}

const wide = (writing: Writing) => (person: Person) =>
  named(person, writing).flatMap(([name, [x, y, sure]]): [string, number | null][] => [
    [`${name}_x`, x],
    [`${name}_y`, y],
    [`${name}_c`, sure],
  ]);

/** (T, J, C) of the first person; a frame without anybody is NaN. */
function array(clip: Clip, layout: Skeleton, of: (point: Point) => (number | null)[]): Float32Array {
  return Float32Array.from(
    clip.flatMap(([person]) => {
      const points = person ? inLayout(person, layout) : layout.joints.map((): Point => [null, null, null]);
      return points.flatMap((point) => of(point).map((value) => value ?? Number.NaN));
    }),
  );
}

const csvFields = ['frame', 'frame_id', 'frame_idx', 'frame_number', 'frame_no', 'img_id', 'image_id'];
const jsonFields = [...csvFields, 'frameIndex'];

/** Every way in which detections are written: one entry a reader at least. */
export const samples: readonly Sample[] = [
  {
    ...{ name: "AlphaPose's list", reader: 'flat-list', layout: coco17, frameFields: jsonFields },
    write: (path, clip, writing) =>
      json(
        path,
        entries(clip, writing, (number) => `${number}.jpg`),
      ),
  },
  {
    ...{ name: "COCO's results", reader: 'flat-list', layout: coco17, frameFields: jsonFields, timed: true },
    write: (path, clip, writing) =>
      json(
        path,
        entries(clip, writing, (number) => number),
      ),
  },
  {
    ...{ name: "COCO's annotations", reader: 'coco-annotations', layout: coco17, frameFields: ['id'], named: true },
    write: (path, clip, writing) => {
      const numbers = numbersOf(clip, writing);
      const images = numbers.map((id) => ({ id, file_name: `${id}.jpg`, ...size }));
      const names = named([...walkers(clip)][0] ?? new Map(), writing).map(([name]) => name);
      const annotations = clip.flatMap((frame, index) =>
        frame.map((person) => {
          const keypoints = named(person, writing).flatMap(([, point]) => point);
          return { image_id: numbers[index], category_id: 1, keypoints };
        }),
      );
      return json(path, { images, annotations, categories: [{ id: 1, name: 'person', keypoints: names }] });
    },
  },
  {
    ...{ name: "OpenPose's folder", reader: 'openpose', layout: body25, frameFields: ['name'] },
    nobodies: [{ people: [{}] }, { people: [] }, { people: null }, {}, '', { version: 1.3 }],
    write: (path, clip, writing) =>
      folder(
        path,
        clip.map((frame, index) => {
          const nobody = frame.length === 0 && writing.nobody !== undefined;
          const value = nobody ? writing.nobody : { version: 1.3, people: frame.map(openPosePerson(body25)) };
          const name = `c_${padded(numbersOf(clip, writing)[index])}_keypoints.json`;
          return [name, value === '' ? '' : JSON.stringify(value)];
        }),
      ),
  },
  {
    ...{ name: "OpenPose's frames by image", reader: 'openpose', layout: coco18, frameFields: ['name'] },
    nobodies: [{ people: [{}] }, null, {}, []],
    write: (path, clip, writing) =>
      json(
        path,
        Object.fromEntries(
          clip.map((frame, index) => {
            const nobody = frame.length === 0 && writing.nobody !== undefined;
            const value = nobody ? writing.nobody : { people: frame.map(openPosePerson(coco18)) };
            return [`${numbersOf(clip, writing)[index]}.jpg`, value];
          }),
        ),
      ),
  },
  {
    ...{ name: "MMPose's frames", reader: 'mmpose', layout: coco17, frameFields: jsonFields, timed: true },
    nobodies: [[], null, [{}], [null]],
    write: (path, clip, writing) => {
      const frames = framed(clip, writing, (frame) => ({ instances: people(clip, frame, mmInstance, writing) }));
      return json(path, { meta_info: {}, instance_info: frames });
    },
  },
  {
    ...{ name: "MMPose's results in memory", reader: 'mmpose', layout: coco17, frameFields: [] },
    nobodies: [[], [[]], null],
    write: (path, clip, writing) =>
      json(
        path,
        clip.map((frame, index) => {
          const found = people(clip, index, mmInstance, writing);
          return { visualization: [], predictions: frame.length === 0 ? found : [found] };
        }),
      ),
  },
  {
    ...{ name: "YOLO's JSON", reader: 'ultralytics', layout: coco17, frameFields: [] },
    nobodies: [[], null, [{}], {}],
    write: (path, clip, writing) =>
      json(
        path,
        clip.map((_, frame) => people(clip, frame, ultralyticsPerson, writing)),
      ),
  },
  {
    ...{ name: "YOLO's folder of text", reader: 'yolo-text', layout: coco17, frameFields: ['name'], fractions: true },
    nobodies: ['', '\n'],
    write: (path, clip, writing) =>
      folder(
        path,
        clip.map((frame, index) => {
          const lines = frame.map((person) => {
            const numbers = flat(inLayout(person, coco17).map(inFractions)).map((value) => value ?? Number.NaN);
            return `0 0.5 0.5 0.1 0.2 ${numbers.join(' ')}\n`;
          });
          const nobody = frame.length === 0 && writing.nobody !== undefined;
          return [`f_${numbersOf(clip, writing)[index]}.txt`, nobody ? String(writing.nobody) : lines.join('')];
        }),
      ),
  },
  {
    ...{ name: "MediaPipe's results", reader: 'mediapipe', layout: mediapipe33, frameFields: jsonFields },
    ...{ fractions: true, timed: true },
    nobodies: [null, [], [[]], {}],
    write: (path, clip, writing) =>
      json(
        path,
        framed(clip, writing, (frame) => ({ pose_landmarks: people(clip, frame, landmarks, writing) })),
      ),
  },
  {
    ...{ name: "MediaPipe's landmarks by index", reader: 'mediapipe', layout: mediapipe33, frameFields: jsonFields },
    ...{ fractions: true, crowd: false },
    nobodies: [null, {}],
    write: (path, clip, writing) => {
      const byIndex = (person: Person) => Object.fromEntries(landmarks(person).entries());
      return json(
        path,
        framed(clip, writing, (frame) => {
          const [person] = clip[frame];
          return { landmarks: person ? byIndex(person) : (writing.nobody ?? null) };
        }),
      );
    },
  },
  {
    ...{ name: "MoveNet's poses", reader: 'movenet', layout: coco17, frameFields: [], named: true },
    nobodies: [[], null, [{}], {}],
    write: (path, clip, writing) =>
      json(
        path,
        clip.map((_, frame) => people(clip, frame, moveNetPose(writing), writing)),
      ),
  },
  {
    ...{ name: "PoseNet's poses, one a frame", reader: 'movenet', layout: coco17, frameFields: [], named: true },
    ...{ crowd: false },
    nobodies: [null, {}],
    write: (path, clip, writing) =>
      json(
        path,
        clip.map(([person]) =>
          person ? poseNetPose({ rename: camel, ...writing })(person) : (writing.nobody ?? null),
        ),
      ),
  },
  {
    ...{ name: 'bare lists', reader: 'bare-lists', layout: coco17, frameFields: [], crowd: false },
    options: { layout: 'coco-17' },
    nobodies: [null, []],
    write: (path, clip, writing) =>
      json(
        path,
        clip.map(([person]) => (person ? inLayout(person, coco17) : (writing.nobody ?? null))),
      ),
  },
  {
    ...{ name: "DeepLabCut's table", reader: 'deeplabcut', layout: coco17, frameFields: ['index'], named: true },
    ...{ crowd: false },
    write: (path, clip, writing) => {
      const names = named([...walkers(clip)][0] ?? new Map(), writing).map(([name]) => name);
      const head = [
        ['scorer', ...names.flatMap(() => ['net', 'net', 'net'])],
        ['bodyparts', ...names.flatMap((name) => [name, name, name])],
        ['coords', ...names.flatMap(() => ['x', 'y', 'likelihood'])],
      ];
      const rows = clip.map(([person], index) => [
        numbersOf(clip, writing)[index],
        ...(person
          ? named(person, writing).flatMap(([, point]) => point.map(cell))
          : names.flatMap(() => ['', '', ''])),
      ]);
      return text(path, 'csv', [...head, ...rows].map((row) => row.join(',')).join('\n'));
    },
  },
  {
    ...{ name: "SLEAP's table", reader: 'plain-csv', layout: coco17, frameFields: ['frame_idx'], named: true },
    write: (path, clip, writing) => {
      const head = named([...walkers(clip)][0], writing).flatMap(([name]) => [
        `${name}.x`,
        `${name}.y`,
        `${name}.score`,
      ]);
      const rows = clip.flatMap((frame, index) =>
        frame.map((person, who) => [
          ...[`track_${who}`, numbersOf(clip, writing)[index], 0.8],
          ...named(person, writing).flatMap(([, point]) => point.map(cell)),
        ]),
      );
      const first = ['track', 'frame_idx', 'instance.score', ...head];
      return text(path, 'csv', [first, ...rows].map((row) => row.join(',')).join('\n'));
    },
  },
  ...([',', ';', '\t'] as const).map(
    (by): Sample => ({
      ...{ name: `a table of names, parted by ${JSON.stringify(by)}`, reader: 'plain-csv', layout: coco17 },
      ...{ frameFields: csvFields, timed: true, named: true },
      write: (path, clip, writing) => text(path, 'csv', table(clip, writing, wide(writing), by)),
    }),
  ),
  {
    ...{ name: 'a table of numbers', reader: 'plain-csv', layout: coco17, frameFields: csvFields, timed: true },
    options: { layout: 'coco-17' },
    write: (path, clip, writing) => {
      const columns = (person: Person) =>
        inLayout(person, coco17).flatMap((point, joint) =>
          point.map((value, axis): [string, number | null] => [`${'xyc'[axis]}${joint}`, value]),
        );
      return text(path, 'csv', table(clip, writing, columns));
    },
  },
  {
    ...{ name: 'a table with a row a joint', reader: 'long-csv', layout: coco17, frameFields: csvFields },
    ...{ timed: true, named: true },
    write: (path, clip, writing) => {
      const rows = clip.flatMap((frame, index) =>
        frame.flatMap((person, who) =>
          named(person, writing).map(([name, point]) => [
            numbersOf(clip, writing)[index],
            who,
            name,
            ...point.map(cell),
          ]),
        ),
      );
      const head = [writing.frameField ?? 'frame', 'person_id', 'landmark', 'x', 'y', 'visibility'];
      return text(path, 'csv', [head, ...rows].map((row) => row.join(',')).join('\n'));
    },
  },
  {
    ...{ name: "the project's own table", reader: 'own-text', layout: coco17, frameFields: ['frame'], named: true },
    ...{ crowd: false },
    write: (path, clip, writing) => {
      const columns = (person: Person) =>
        named(person, writing).flatMap(([name, [x, y, sure]]): [string, number | null][] => [
          [`${name}_x_px`, x],
          [`${name}_y_px`, y],
          [`${name}_confidence`, sure],
        ]);
      return text(path, 'csv', table(clip, writing, columns));
    },
  },
  {
    ...{ name: "the project's own JSON", reader: 'own-text', layout: coco17, frameFields: [], crowd: false },
    nobodies: [null, []],
    write: (path, clip, writing) =>
      json(path, {
        ...{ format: 'pstmo-keypoints', version: 1, keypointLayout: 'coco-17' },
        keypoints: clip.map(([person]) => (person ? inLayout(person, coco17) : (writing.nobody ?? null))),
      }),
  },
  {
    ...{ name: 'an array (T, J, 3)', reader: 'keypoint-arrays', layout: coco17, frameFields: [], crowd: false },
    options: { layout: 'coco-17' },
    write: (path, clip) => {
      const data = array(clip, coco17, (point) => point);
      writeFileSync(`${path}.npy`, writeNpy({ data, shape: [clip.length, 17, 3] }));
      return `${path}.npy`;
    },
  },
  {
    ...{ name: 'an archive of arrays', reader: 'keypoint-arrays', layout: coco17, frameFields: [], crowd: false },
    write: (path, clip) => {
      const data = array(clip, coco17, ([x, y]) => [x, y]);
      const scores = array(clip, coco17, ([, , sure]) => [sure]);
      writeNpz(
        `${path}.npz`,
        {
          keypoints: { data, shape: [clip.length, 17, 2] },
          confidence: { data: scores, shape: [clip.length, 17] },
          layout: { strings: ['coco-17'], shape: [] },
        },
        { compress: false },
      );
      return `${path}.npz`;
    },
  },
  {
    ...{ name: "MoveNet's array", reader: 'model-arrays', layout: coco17, frameFields: [], crowd: false },
    fractions: true,
    write: (path, clip) => {
      const data = array(clip, coco17, (point) => {
        const [x, y, sure] = inFractions(point);
        return [y, x, sure];
      });
      writeFileSync(`${path}.npy`, writeNpy({ data, shape: [clip.length, 1, 1, 17, 3] }));
      return `${path}.npy`;
    },
  },
  {
    ...{ name: "Detectron's arrays", reader: 'detectron-arrays', layout: coco17, frameFields: [] },
    write: (path, clip) => {
      const keypoints = clip.map((frame) => {
        const rows = frame.flatMap((person) => {
          const points = inLayout(person, coco17).map((point) => point.map((value) => value ?? Number.NaN));
          return [0, 1, -1, 2].flatMap((axis) => points.map((point) => (axis < 0 ? 0 : point[axis])));
        });
        const shape = [frame.length, 4, coco17.joints.length];
        return [[], frame.length === 0 ? [] : { data: Float32Array.from(rows), shape }];
      });
      writeListNpz(`${path}.npz`, { keypoints });
      return `${path}.npz`;
    },
  },
];
