import { writeFileSync } from 'node:fs';
import { writeNpy } from '../../../lib/formats/numpy/npy-writer.js';
import { writeNpz } from '../../../lib/formats/numpy/npz-writer.js';
import { body25 } from '../../../lib/skeletons/body25.js';
import { coco17, coco18 } from '../../../lib/skeletons/coco.js';
import { mediapipe33 } from '../../../lib/skeletons/mediapipe.js';
import { writeListNpz } from '../../helpers/writers/pickle-writer.js';
import { otherSamples } from './other-samples.js';
import {
  array,
  camel,
  entries,
  flat,
  folder,
  framed,
  inFractions,
  json,
  jsonFields,
  landmarks,
  mmInstance,
  moveNetPose,
  named,
  numbersOf,
  openPosePerson,
  padded,
  people,
  poseNetPose,
  type Sample,
  ultralyticsPerson,
  walkers,
} from './sample-writing.js';
import { tableSamples } from './table-samples.js';
import { inLayout, type Person, size } from './walking.js';

/** Every way in which detections are written: one entry a reader at least. */
export const samples: readonly Sample[] = [
  ...tableSamples,
  ...otherSamples,
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
      const boxes = clip.map((frame) => [[], { data: new Float32Array(frame.length * 5), shape: [frame.length, 5] }]);
      writeListNpz(`${path}.npz`, { boxes, segments: clip.map(() => null), keypoints });
      return `${path}.npz`;
    },
  },
];
