import type { InputFormat } from '../../lib/keypoints/input-format.js';

/** A person in a frame, as a test draws one. */
export interface Drawn {
  frame: number;
  /** Any value that a file may hold for an id; undefined: the file has no such field. */
  id?: unknown;
  /** 17 x, y, confidence, pixels. */
  triples: readonly number[];
}

export const frameWidth = 1920;
export const frameHeight = 1080;

/** The frames from the first to the last, each with its people. */
function byFrame(people: readonly Drawn[]): Drawn[][] {
  const frames: Drawn[][] = [];
  for (const one of people) {
    while (frames.length <= one.frame) frames.push([]);
    frames[one.frame].push(one);
  }
  return frames;
}

const points = ({ triples }: Drawn) =>
  Array.from({ length: triples.length / 3 }, (_, joint) => triples.slice(3 * joint, 3 * joint + 3));
const json = (value: unknown) => JSON.stringify(value);

/** Writes people as each format that has ids does; formats without ids are named in `formatsWithoutIds`. */
export const filesWithIds: Readonly<Partial<Record<InputFormat, (people: readonly Drawn[]) => string>>> = {
  alphapose: (people) =>
    json(
      people.map(({ frame, id, triples }) => ({ image_id: `${frame}.jpg`, keypoints: triples, score: 0.9, idx: id })),
    ),
  coco: (people) =>
    json({
      images: byFrame(people).map((_, id) => ({ id, file_name: `${id}.jpg`, width: frameWidth, height: frameHeight })),
      annotations: people.map(({ frame, id, triples }, index) => ({
        ...{ id: index, image_id: frame, category_id: 1, num_keypoints: 17, track_id: id },
        keypoints: triples.map((value, at) => (at % 3 === 2 ? 2 : value)),
      })),
      categories: [{ id: 1, name: 'person' }],
    }),
  openpose: (people) =>
    json(
      Object.fromEntries(
        byFrame(people).map((list, frame) => [
          `${frame}`,
          { people: list.map(({ id, triples }) => ({ person_id: id, pose_keypoints_2d: triples })) },
        ]),
      ),
    ),
  mmpose: (people) =>
    json(
      byFrame(people).map((list, frame) => ({
        frame_id: frame,
        instances: list.map((one) => ({
          ...{ track_id: one.id, bbox_score: 0.9 },
          keypoints: points(one).map(([x, y]) => [x, y]),
          keypoint_scores: points(one).map(([, , sure]) => sure),
        })),
      })),
    ),
  yolo: (people) =>
    json(
      byFrame(people).map((list) =>
        list.map((one) => ({
          ...{ name: 'person', class: 0, confidence: 0.9, box: { x1: 0, y1: 0, x2: 1, y2: 1 }, track_id: one.id },
          keypoints: {
            x: points(one).map(([x]) => x),
            y: points(one).map(([, y]) => y),
            visible: points(one).map(([, , sure]) => sure),
          },
        })),
      ),
    ),
  movenet: (people) =>
    json(
      byFrame(people).map((list) =>
        list.map((one) => ({
          id: one.id,
          score: 0.9,
          keypoints: points(one).map(([x, y, score]) => ({ x, y, score })),
        })),
      ),
    ),
  csv: (people) => {
    const head = Array.from({ length: 17 }, (_, joint) => `x${joint},y${joint},c${joint}`).join(',');
    // A cell holds a text: a list has its quotes, nothing is nothing.
    const cell = (id: unknown) => (id === undefined || id === null ? '' : typeof id === 'object' ? 'nan' : String(id));
    return [
      `frame,person,${head}`,
      ...people.map((one) => `${one.frame},${cell(one.id)},${one.triples.join(',')}`),
    ].join('\n');
  },
};

/** Formats whose files name nobody, hold one person, or whose header names everybody once for all frames. */
export const formatsWithoutIds: readonly InputFormat[] = ['pstmo', 'mediapipe', 'numpy', 'deeplabcut'];
