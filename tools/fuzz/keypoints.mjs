// Seeds of the detectors' formats, a few frames each.
const frames = [0, 1, 2];
const coco17 =
  'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle'.split(
    ' ',
  );

function triples(joints, frame, scale = 1) {
  return Array.from({ length: joints }, (_, joint) => [
    (100 + 7 * joint + frame) * scale,
    (90 + 11 * joint) * scale,
    0.9,
  ]);
}

const openPose = (joints) => ({
  version: 1.3,
  people: [0, 1].map((person) => ({ person_id: [-1], pose_keypoints_2d: triples(joints, 400 * person).flat() })),
});

const instance = (joints, frame, more) => ({
  keypoints: triples(joints, frame).map(([x, y]) => [x, y]),
  keypoint_scores: triples(joints, frame).map(([, , score]) => score),
  bbox: [[1, 2, 3, 4]],
  bbox_score: 0.8,
  ...more,
});

const landmarks = (frame) =>
  triples(33, frame, 0.001).map(([x, y, visibility]) => ({ x, y, z: 0.1, visibility, presence: 1 }));

const ultralytics = (frame) => ({
  name: 'person',
  class: 0,
  confidence: 0.9,
  box: { x1: 1, y1: 2, x2: 3, y2: 4 },
  track_id: 1,
  keypoints: {
    x: triples(17, frame).map(([x]) => x),
    y: triples(17, frame).map(([, y]) => y),
    visible: triples(17, frame).map(([, , visible]) => visible),
  },
});

const pose = (frame) => ({
  score: 0.7,
  keypoints: triples(17, frame).map(([x, y, score], joint) => ({ x, y, score, name: coco17[joint] })),
});

const yoloLine = (frame) => `0 0.5 0.5 0.2 0.4 ${triples(17, frame, 0.001).flat().join(' ')} 0.9 1`;

const parts = ['nose', 'hip', 'knee'];
const deepLabCut = [
  ['scorer', ...parts.flatMap(() => ['net', 'net', 'net'])],
  ['bodyparts', ...parts.flatMap((part) => [part, part, part])],
  ['coords', ...parts.flatMap(() => ['x', 'y', 'likelihood'])],
  ...frames.map((frame) => [frame, ...triples(3, frame).flat()]),
]
  .map((row) => row.join(','))
  .join('\n');

const plainCsv = [
  ['frame', 'person', ...Array.from({ length: 17 }, (_, joint) => [`x${joint}`, `y${joint}`, `c${joint}`]).flat()],
  ...frames.map((frame) => [frame, 1, ...triples(17, frame).flat()]),
]
  .map((row) => row.join(','))
  .join('\n');

const text = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const size = { width: 640, height: 480 };
const h36mParts = ['hip', 'knee', 'ankle', 'shoulder', 'elbow', 'wrist'].flatMap((part) => [
  `left ${part}`,
  `right ${part}`,
]);

/** A layout of one's own over DeepLabCut's three parts. */
export const ownLayout = {
  name: 'three parts',
  joints: parts,
  map: Object.fromEntries([...h36mParts, 'neck', 'head'].map((joint) => [joint, { nose: 0.5, hip: 0.5 }])),
};

/** By the reader's name: extension, seeds, and the options that they are read with. */
export const keypointSeeds = {
  openpose: { extension: 'json', seeds: [openPose(25), openPose(18), { '0.jpg': openPose(18) }].map(text) },
  mmpose: {
    extension: 'json',
    seeds: [
      text({
        meta_info: {},
        instance_info: frames.map((frame) => ({ frame_id: frame, instances: [instance(17, frame)] })),
      }),
      text(frames.map((frame) => [instance(133, frame, { track_id: 3 }), instance(133, frame + 300, { track_id: 4 })])),
      text([{ preds: [triples(17, 0)], image_paths: ['0.jpg'] }]),
    ],
  },
  mediapipe: {
    extension: 'json',
    seeds: [text(frames.map((frame) => ({ landmarks: [landmarks(frame)] }))), text([landmarks(0)])],
    options: { size },
  },
  'yolo-json': { extension: 'json', seeds: [text(frames.map((frame) => [ultralytics(frame)]))] },
  'yolo-text': { extension: 'txt', seeds: [text(`${yoloLine(0)}\n${yoloLine(300)}\n`)], options: { size } },
  movenet: { extension: 'json', seeds: [text(frames.map((frame) => [pose(frame), pose(frame + 300)]))] },
  deeplabcut: { extension: 'csv', seeds: [text(deepLabCut)], options: { layout: ownLayout } },
  csv: { extension: 'csv', seeds: [text(plainCsv)], options: { layout: 'coco-17' } },
};
