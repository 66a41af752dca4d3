import type { FoundPerson, FrameFormat } from './frame-format.js';
import {
  isRecord,
  type JsonRecord,
  meanConfidence,
  numberField,
  numberList,
  trackName,
  wrongValue,
} from './json-value.js';

/**
 * MMPose's predictions. New (1.x): a frame is a list of instances with `keypoints` [[x, y], ...] and `keypoint_scores`,
 * or {`frame_id`, `instances`}, in a list or under `instance_info`. Old (0.x): instances whose `keypoints` are
 * [[x, y, score], ...], or {`preds`: (P, J, 3), `image_paths`}.
 */
export const mmPose: FrameFormat = {
  isFrame: (value) => {
    if (isRecord(value) && Array.isArray(value.preds)) return Array.isArray(value.preds[0]);
    if (isRecord(value)) return Array.isArray(value.instances) && value.instances.every(isInstance);
    return Array.isArray(value) && value.length > 0 && value.every(isInstance);
  },
  readFrame: (place, value) => {
    if (Array.isArray(value)) return { people: value.map((one, index) => personOf(`${place}[${index}]`, one)) };
    if (!isRecord(value)) throw wrongValue(place, 'a list of instances', value);
    if (Array.isArray(value.preds)) {
      const people = value.preds.map((points, index) => personOf(`${place}.preds[${index}]`, { keypoints: points }));
      const path = Array.isArray(value.image_paths) ? value.image_paths[0] : undefined;
      return typeof path === 'string' ? { people, id: path } : { people };
    }
    if (!Array.isArray(value.instances)) throw wrongValue(`${place}.instances`, 'a list', value.instances);
    const people = value.instances.map((one, index) => personOf(`${place}.instances[${index}]`, one));
    const id = value.frame_id;
    return typeof id === 'number' || typeof id === 'string' ? { people, id } : { people };
  },
  layoutOf: (joints) => ({ 17: 'coco-17', 26: 'halpe-26', 133: 'coco-133', 136: 'halpe-136' })[joints],
};

function isInstance(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value.keypoints) && Array.isArray(value.keypoints[0]);
}

function personOf(place: string, person: unknown): FoundPerson {
  if (!isRecord(person) || !Array.isArray(person.keypoints) || person.keypoints.length === 0) {
    throw wrongValue(`${place}.keypoints`, 'a list of points', isRecord(person) ? person.keypoints : person);
  }
  const { keypoints } = person;
  const scores = person.keypoint_scores === undefined ? undefined : scoresOf(place, person, keypoints.length);
  const triples = keypoints.flatMap((point, joint) => {
    const numbers = numberList(`${place}.keypoints[${joint}]`, point);
    if (numbers.length !== 2 && numbers.length !== 3) {
      throw wrongValue(`${place}.keypoints[${joint}]`, '[x, y] or [x, y, score]', point);
    }
    return [numbers[0], numbers[1], scores?.[joint] ?? numbers[2] ?? 1];
  });
  const score = numberField(person, 'bbox_score') ?? numberField(person, 'score') ?? meanConfidence(triples);
  const track = trackName(person.track_id ?? person.instance_id);
  return { triples, score, ...(track !== undefined && { track }) };
}

function scoresOf(place: string, { keypoint_scores }: JsonRecord, joints: number): number[] {
  const scores = numberList(`${place}.keypoint_scores`, keypoint_scores);
  if (scores.length !== joints) throw wrongValue(`${place}.keypoint_scores`, `${joints} numbers`, keypoint_scores);
  return scores;
}
