import type { FoundPerson } from './json/found-person.js';
import { isBlank } from './json/frame-fields.js';
import type { FrameFormat } from './json/frame-format.js';
import { isRecord, type JsonRecord, numberList, trackOf, wrongValue } from './json/json-value.js';

/**
 * MMPose's predictions. New (1.x): a frame is a list of instances with `keypoints` [[x, y], ...] and `keypoint_scores`,
 * or {`frame_id`, `instances`}, in a list or under `instance_info`; in memory, {`predictions`: [[instance, ...]]}. Old
 * (0.x): instances whose `keypoints` are [[x, y, score], ...], or {`preds`: (P, J, 3), `image_paths`}.
 */
export const mmPose: FrameFormat = {
  isPerson: (value) => (isRecord(value) ? isPointList(value.keypoints) : false),
  peopleOf: ({ instances, predictions, preds }) => {
    if (instances !== undefined) return instances ?? [];
    if (predictions !== undefined) return predictions ?? [];
    if (!Array.isArray(preds)) return preds;
    return preds.map((keypoints: unknown) => ({ keypoints }));
  },
  readPerson: personOf,
  layoutOf: (joints) => ({ 17: 'coco-17', 26: 'halpe-26', 133: 'coco-133', 136: 'halpe-136' })[joints],
};

/** The joints' names that a file's `meta_info` gives by their ids; undefined where it has none. */
export function jointNamesIn(file: unknown): string[] | undefined {
  if (!isRecord(file)) return undefined;
  const meta = [file.meta_info, file.dataset_meta].find(isRecord);
  const byId = meta?.keypoint_id2name;
  if (!isRecord(byId)) return undefined;
  const names = Object.keys(byId).map((_, id) => byId[String(id)]);
  return names.every((name) => typeof name === 'string') ? (names as string[]) : undefined;
}

/** Whether a value is a list of points that are lists; some may be missing. */
export function isPointList(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const first = value.find((point) => !isBlank(point));
  return Array.isArray(first) && first.length <= 4 && !Array.isArray(first[0]);
}

function personOf(place: string, person: unknown): FoundPerson | undefined {
  if (!isRecord(person)) throw wrongValue(place, 'an object with keypoints', person);
  const { keypoints } = person;
  if (isBlank(keypoints)) return undefined;
  if (!Array.isArray(keypoints)) throw wrongValue(`${place}.keypoints`, 'a list of points', keypoints);
  const scores = isBlank(person.keypoint_scores) ? undefined : scoresOf(place, person, keypoints.length);
  const triples = pointTriples(`${place}.keypoints`, keypoints, scores);
  return { triples, track: trackOf(person) };
}

/** Points [x, y] or [x, y, score], all alike, as triples; NaN where one is missing. Throws `ERR_FORMAT` with the point. */
export function pointTriples(place: string, points: readonly unknown[], scores?: readonly number[]): number[] {
  const first = points.find((point) => Array.isArray(point) && !isBlank(point)) as unknown[] | undefined;
  const length = first?.length === 3 ? 3 : 2;
  return points.flatMap((point, joint) => {
    if (isBlank(point)) return [Number.NaN, Number.NaN, 0];
    const numbers = numberList(`${place}[${joint}]`, point);
    if (numbers.length !== length) {
      throw wrongValue(`${place}[${joint}]`, length === 3 ? '[x, y, score], as others are' : '[x, y]', point);
    }
    return [numbers[0], numbers[1], scores?.[joint] ?? numbers[2] ?? 1];
  });
}

function scoresOf(place: string, { keypoint_scores }: JsonRecord, joints: number): number[] {
  const scores = numberList(`${place}.keypoint_scores`, keypoint_scores);
  if (scores.length !== joints) throw wrongValue(`${place}.keypoint_scores`, `${joints} numbers`, keypoint_scores);
  return scores;
}
