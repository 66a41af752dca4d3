import { writeFileSync } from 'node:fs';
import { writeNpy } from '../../../lib/formats/numpy/npy-writer.js';
import { body25 } from '../../../lib/skeletons/body25.js';
import { coco17, coco18 } from '../../../lib/skeletons/coco.js';
import { mediapipe33 } from '../../../lib/skeletons/mediapipe.js';
import { type Picklable, pickled } from '../../helpers/writers/pickle-writer.js';
import {
  array,
  flat,
  folder,
  framed,
  inFractions,
  json,
  jsonFields,
  mmInstance,
  named,
  numbersOf,
  padded,
  people,
  type Sample,
  ultralyticsPerson,
  walkers,
} from './sample-writing.js';
import { inLayout, type Person } from './walking.js';

const flatPerson = (person: Person) => ({ keypoints: flat(inLayout(person, coco17)), score: 0.9 });
const arrayMark = (values: unknown, shape: number[]) => ({ __ndarray__: values, dtype: 'float32', shape });

/** Ways that other tools have, found in public reports. */
export const otherSamples: readonly Sample[] = [
  {
    ...{ name: "easy_ViTPose's JSON", reader: 'easy-vitpose', layout: coco17, frameFields: [], named: true },
    nobodies: [{}, null, []],
    write: (path, clip, writing) => {
      const names = named([...walkers(clip)][0] ?? new Map(), writing).map(([name]) => name);
      const yx = (person: Person) => named(person, writing).map(([, [x, y, sure]]) => [y, x, sure]);
      const keypoints = clip.map((frame) =>
        frame.length === 0 && writing.nobody !== undefined
          ? writing.nobody
          : Object.fromEntries(frame.map((person, index) => [index, yx(person)])),
      );
      return json(path, { keypoints, skeleton: Object.fromEntries(names.entries()) });
    },
  },
  {
    ...{ name: "Kinetics-Skeleton's JSON", reader: 'kinetics-skeleton', layout: coco18, frameFields: ['frame_index'] },
    nobodies: [[], null],
    write: (path, clip, writing) => {
      const skeleton = (person: Person) => {
        const points = inLayout(person, coco18);
        return { pose: points.flatMap((point) => point.slice(0, 2)), score: points.map(([, , sure]) => sure) };
      };
      const numbers = numbersOf(clip, writing);
      const data = clip.map((_, frame) => ({
        frame_index: numbers[frame],
        skeleton: people(clip, frame, skeleton, writing),
      }));
      return json(path, { data, label: 'walking', label_index: 3 });
    },
  },
  {
    ...{ name: "MMAction2's pickle", reader: 'keypoint-pickle', layout: coco17, frameFields: [], crowd: false },
    options: { layout: 'coco-17' },
    write: (path, clip) => {
      const data = array(clip, coco17, ([x, y]) => [x, y]);
      const scores = array(clip, coco17, ([, , sure]) => [sure]);
      const annotation = {
        ...{ frame_dir: 'walk', label: -1, img_shape: [1080, 1920], total_frames: clip.length },
        keypoint: { data, shape: [1, clip.length, 17, 2] },
        keypoint_score: { data: scores, shape: [1, clip.length, 17] },
      };
      writeFileSync(`${path}.pkl`, pickled([annotation]));
      return `${path}.pkl`;
    },
  },
  {
    ...{ name: "MMPose's results in a pickle", reader: 'keypoint-pickle', layout: coco17, frameFields: [] },
    nobodies: [[], null],
    write: (path, clip, writing) => {
      const person = (one: Person) => {
        const points = flat(inLayout(one, coco17)).map((value) => value ?? Number.NaN);
        const bbox = { data: Float32Array.of(0, 0, 9, 9, 0.9), shape: [5] };
        return { bbox, keypoints: { data: Float32Array.from(points), shape: [17, 3] } };
      };
      const frames = clip.map((_, frame) => people(clip, frame, person, writing) as Picklable);
      writeFileSync(`${path}.pkl`, pickled(frames));
      return `${path}.pkl`;
    },
  },
  {
    ...{ name: "MMPose's results with arrays of json_tricks", reader: 'mmpose', layout: coco17, frameFields: [] },
    nobodies: [[], null],
    write: (path, clip, writing) => {
      const person = (one: Person) => ({
        ...{ bbox: arrayMark([0, 0, 9, 9, 0.9], [5]), area: 81 },
        keypoints: arrayMark(inLayout(one, coco17), [17, 3]),
      });
      return json(
        path,
        clip.map((_, frame) => people(clip, frame, person, writing)),
      );
    },
  },
  {
    ...{ name: "Sapiens's folder", reader: 'mmpose', layout: coco17, frameFields: ['name'] },
    nobodies: [{ instance_info: [] }, {}, ''],
    write: (path, clip, writing) =>
      folder(
        path,
        clip.map((frame, index) => {
          const nobody = frame.length === 0 && writing.nobody !== undefined;
          const value = nobody ? writing.nobody : { instance_info: frame.map(mmInstance) };
          return [`${padded(numbersOf(clip, writing)[index])}.json`, value === '' ? '' : JSON.stringify(value)];
        }),
      ),
  },
  {
    ...{ name: "YOLO's results under a frame", reader: 'ultralytics', layout: coco17, frameFields: jsonFields },
    ...{ timed: true, nobodies: [[], null] },
    write: (path, clip, writing) =>
      json(path, {
        frames: framed(clip, writing, (frame) => ({ results: people(clip, frame, ultralyticsPerson, writing) })),
      }),
  },
  {
    ...{ name: "OpenPifPaf's lines", reader: 'flat-list', layout: coco17, frameFields: jsonFields, timed: true },
    nobodies: [[], null],
    write: (path, clip, writing) => {
      const person = (one: Person, id: number) => ({ ...flatPerson(one), bbox: [0, 0, 9, 9], category_id: 1, id_: id });
      const lines = framed(clip, writing, (frame) => ({ predictions: people(clip, frame, person, writing) }));
      writeFileSync(`${path}.json`, lines.map((line) => JSON.stringify(line)).join('\n'));
      return `${path}.json`;
    },
  },
  {
    ...{ name: 'frames of people by id', reader: 'flat-list', layout: coco17, frameFields: ['name'] },
    nobodies: [{}, null],
    write: (path, clip, writing) =>
      json(
        path,
        Object.fromEntries(
          clip.map((frame, index) => [
            `frame_${numbersOf(clip, writing)[index]}`,
            frame.length === 0 && writing.nobody !== undefined
              ? writing.nobody
              : Object.fromEntries(frame.map((person, id) => [`person_${id}`, flatPerson(person)])),
          ]),
        ),
      ),
  },
  {
    ...{ name: "trackers' people as lists of points", reader: 'openpose', layout: body25, frameFields: ['name'] },
    nobodies: [[], null],
    options: { layout: 'body-25' },
    write: (path, clip, writing) =>
      json(
        path,
        Object.fromEntries(
          clip.map((_, frame) => [
            numbersOf(clip, writing)[frame],
            people(clip, frame, (person) => ({ person: inLayout(person, body25) }), writing),
          ]),
        ),
      ),
  },
  {
    ...{ name: "MediaPipe's landmarks in capitals", reader: 'mediapipe', layout: mediapipe33, frameFields: [] },
    ...{ fractions: true, crowd: false, nobodies: [null, []] },
    write: (path, clip, writing) => {
      const person = (one: Person) =>
        inLayout(one, mediapipe33)
          .map(inFractions)
          .map(([X, Y, Visibility]) => ({ X, Y, Z: 0.1, Visibility }));
      const empty = writing.nobody ?? null;
      return json(
        path,
        clip.map(([one]) => (one ? person(one) : empty)),
      );
    },
  },
  {
    ...{ name: "MoveNet's array of six people", reader: 'model-arrays', layout: coco17, frameFields: [] },
    fractions: true,
    write: (path, clip) => {
      const data = new Float32Array(clip.length * 6 * 56);
      for (const [frame, found] of clip.entries()) {
        for (const [index, person] of found.entries()) {
          const row = inLayout(person, coco17)
            .map(inFractions)
            .flatMap(([x, y, sure]) => [y, x, sure])
            .map((value) => value ?? Number.NaN);
          data.set([...row, 0.1, 0.1, 0.9, 0.9, 0.8], (frame * 6 + index) * 56);
        }
      }
      writeFileSync(`${path}.npy`, writeNpy({ data, shape: [clip.length, 1, 6, 56] }));
      return `${path}.npy`;
    },
  },
];
