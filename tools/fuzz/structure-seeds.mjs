// Seeds of the fuzz by structure: a clip of two people (or one) in every detector's format, every point telling whose it is.
import { FRAMES, holdTo, mutateJson, mutateTable, placeOf, pointsOf, SIZE } from './structure.mjs';

const frames = Array.from({ length: FRAMES }, (_, frame) => frame);
const names =
  'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle'.split(
    ' ',
  );

const points = (person, frame, joints = 17) =>
  Array.from({ length: joints }, (_, joint) => [...placeOf(person, frame, joint), 0.9]);
const fractions = (person, frame, joints) =>
  points(person, frame, joints).map(([x, y, sure]) => [x / SIZE.width, y / SIZE.height, sure]);
const both = (of) => [0, 1].map((person) => of(person));

const instance = (person, frame) => ({
  keypoints: points(person, frame).map(([x, y]) => [x, y]),
  keypoint_scores: points(person, frame).map(([, , sure]) => sure),
  bbox: [[1, 2, 3, 4]],
  bbox_score: 0.8,
  track_id: person + 1,
});
const yolo = (person, frame) => ({
  ...{ name: 'person', class: 0, confidence: 0.9, box: { x1: 1, y1: 2, x2: 3, y2: 4 }, track_id: person + 1 },
  keypoints: {
    x: points(person, frame).map(([x]) => x),
    y: points(person, frame).map(([, y]) => y),
    visible: points(person, frame).map(([, , sure]) => sure),
  },
});
const landmarks = (person, frame) =>
  fractions(person, frame, 33).map(([x, y, visibility]) => ({ x, y, z: 0.1, visibility }));
const wide = (person, frame) => points(person, frame).flat();
const columns = names.flatMap((name) => [`${name}_x`, `${name}_y`, `${name}_c`]);

/**
 * One entry a format: `json`, its value, and the fields whose lists are frames by their order (`ordered`); or `table`, its
 * rows, and how many are names (`top`).
 */
const seeds = {
  alphapose: {
    json: frames.flatMap((frame) =>
      both((person) => ({
        ...{ image_id: `${frame}.jpg`, category_id: 1, score: 2.5, box: [1, 2, 3, 4], idx: person + 1 },
        keypoints: wide(person, frame),
      })),
    ),
  },
  'coco-annotations': {
    json: {
      images: frames.map((id) => ({ id, file_name: `${id}.jpg`, ...SIZE })),
      annotations: frames.flatMap((frame) =>
        both((person) => ({ id: 2 * frame + person, image_id: frame, category_id: 1, keypoints: wide(person, frame) })),
      ),
      categories: [{ id: 1, name: 'person', keypoints: names }],
    },
  },
  openpose: {
    json: Object.fromEntries(
      frames.map((frame) => [
        `${frame}.json`,
        {
          version: 1.3,
          people: both((person) => ({ person_id: [person], pose_keypoints_2d: points(person, frame, 25).flat() })),
        },
      ]),
    ),
    options: { layout: 'body-25' },
  },
  mmpose: {
    json: {
      meta_info: {},
      instance_info: frames.map((frame) => ({ frame_id: frame, instances: both((one) => instance(one, frame)) })),
    },
  },
  'mmpose-memory': {
    json: frames.map((frame) => ({ visualization: [], predictions: [both((one) => instance(one, frame))] })),
    ordered: ['file', 'predictions'],
  },
  yolo: { json: frames.map((frame) => both((one) => yolo(one, frame))), ordered: ['file'] },
  mediapipe: {
    json: frames.map((frame) => ({ frame, landmarks: both((one) => landmarks(one, frame)) })),
    ordered: ['landmarks'],
  },
  movenet: {
    json: frames.map((frame) => ({
      frame,
      poses: both((person) => ({
        ...{ id: person + 1, score: 0.9 },
        keypoints: points(person, frame).map(([x, y, score], joint) => ({ x, y, score, name: names[joint] })),
      })),
    })),
  },
  posenet: {
    json: frames.map((frame) => ({
      frame,
      score: 0.9,
      keypoints: points(0, frame).map(([x, y, score], joint) => ({ score, part: names[joint], position: { x, y } })),
    })),
  },
  'easy-vitpose': {
    json: {
      keypoints: frames.map((frame) =>
        Object.fromEntries(both((person) => [person, points(person, frame).map(([x, y, score]) => [y, x, score])])),
      ),
      skeleton: Object.fromEntries(names.entries()),
    },
    ordered: ['keypoints'],
  },
  'kinetics-skeleton': {
    json: {
      data: frames.map((frame) => ({
        frame_index: frame,
        skeleton: both((person) => ({
          pose: points(person, frame, 18).flatMap((point) => point.slice(0, 2)),
          score: points(person, frame, 18).map(([, , score]) => score),
        })),
      })),
    },
  },
  'people-by-id': {
    json: Object.fromEntries(
      frames.map((frame) => [
        `${frame}.jpg`,
        Object.fromEntries(both((person) => [`person_${person}`, { keypoints: wide(person, frame) }])),
      ]),
    ),
  },
  own: {
    json: {
      ...{ format: 'pstmo-keypoints', version: 1, keypointLayout: 'coco-17', size: [SIZE.width, SIZE.height], fps: 30 },
      frames: frames.map((frame) => `${frame}.jpg`),
      keypoints: frames.map((frame) => points(0, frame)),
    },
    ordered: ['frames', 'keypoints'],
  },
  csv: {
    table: [
      ['frame', 'person', ...columns],
      ...frames.flatMap((frame) => both((person) => [frame, person, ...wide(person, frame)])),
    ],
    top: 1,
  },
  'long-csv': {
    table: [
      ['frame', 'person', 'joint', 'x', 'y', 'confidence'],
      ...frames.flatMap((frame) =>
        [0, 1].flatMap((person) =>
          points(person, frame).map((point, joint) => [frame, person, names[joint], ...point]),
        ),
      ),
    ],
    top: 1,
  },
  sleap: {
    table: [
      ['track', 'frame_idx', 'instance.score', ...names.flatMap((name) => [`${name}.x`, `${name}.y`, `${name}.score`])],
      ...frames.flatMap((frame) => both((person) => [`track_${person}`, frame, 0.9, ...wide(person, frame)])),
    ],
    top: 1,
  },
  deeplabcut: {
    table: [
      ['scorer', ...names.flatMap(() => ['net', 'net', 'net'])],
      ['bodyparts', ...names.flatMap((name) => [name, name, name])],
      ['coords', ...names.flatMap(() => ['x', 'y', 'likelihood'])],
      ...frames.map((frame) => [frame, ...wide(0, frame)]),
    ],
    top: 3,
    first: 1,
  },
};

/** The entries of the fuzz by structure, one a format. `readPeople` reads a file's people. */
export function structureReaders(readPeople) {
  return Object.entries(seeds).map(([name, { json, ordered, table, options, ...form }]) => {
    const bytes = Buffer.from(table ? table.map((row) => row.join(',')).join('\n') : JSON.stringify(json));
    const reading = { size: SIZE, where: name, ...options };
    const tracks = readPeople(bytes, reading);
    const { points: found, wrong, mixed } = pointsOf(tracks);
    if (wrong.length + mixed.length > 0)
      throw new Error(`the seed of ${name} is read wrong: ${[...wrong, ...mixed][0]}`);
    const expected = { points: found, notices: new Set(tracks.flatMap(({ notices }) => notices)) };
    return {
      name: `structure-${name}`,
      extension: table ? 'csv' : 'json',
      seeds: [bytes],
      mutant: (dice) => (table ? mutateTable(table, dice, form) : mutateJson(json, dice, ordered)),
      read: (file) => {
        const again = readPeople(file, { ...reading, where: undefined });
        holdTo(expected, again, () => file);
        return again;
      },
    };
  });
}
