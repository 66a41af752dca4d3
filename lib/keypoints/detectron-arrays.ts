import type { NpyValue } from '../formats/npy.js';
import { isObjectArray, isTensor, type ObjectArray, type PickleValue } from '../formats/pickle-value.js';
import { PoseError } from '../pose-error.js';
import type { Tensor, TensorData } from '../tensor.js';
import type { FoundTrack } from './assemble-track.js';
import type { ReadKeypointsOptions } from './keypoint-track.js';

/** Rows of Detectron's keypoint arrays: x, y, the heat map's logit, probability. */
const rows = 4;

/** Whether an array of Python objects holds one entry a frame, as VideoPose3D's Detectron scripts write them. */
export function isDetectronOutput(value: NpyValue): value is ObjectArray {
  return isObjectArray(value) && (value.shape.length === 1 || (value.shape.length === 2 && value.shape[1] === 2));
}

/**
 * Detectron's raw results: for each frame [nothing, boxes (n, 5) with the score last] and [nothing, keypoints
 * (n, 4, J)]. The best-scored person of each frame is taken.
 */
export function readDetectron(
  place: string,
  keypoints: ObjectArray,
  boxes: NpyValue | undefined,
  metadata: PickleValue | undefined,
  options: ReadKeypointsOptions,
): FoundTrack {
  if (options.person !== undefined && options.person !== 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${place}: option person: expected 0 (the file has no track ids, the best-scored of each frame is taken), got ${options.person}.`,
    );
  }
  const people = personArrays(place, keypoints);
  const boxArrays = boxes !== undefined && isDetectronOutput(boxes) ? personArrays(place, boxes) : [];
  const joints = people.find((array) => array !== undefined)?.shape[2];
  if (joints === undefined || joints === 0) {
    throw new PoseError('ERR_FORMAT', `${place}: expected a person in some frame, got none.`);
  }
  const frames = people.length;
  const found: FoundTrack = {
    keypoints: new Float32Array(frames * joints * 2).fill(Number.NaN),
    confidence: new Float32Array(frames * joints),
    frames,
    joints,
    people: 0,
    notices: [],
  };
  for (const [frame, array] of people.entries()) {
    if (array === undefined) continue;
    const { shape, data } = array;
    if (shape.length !== 3 || shape[1] !== rows || shape[2] !== joints) {
      throw new PoseError(
        'ERR_FORMAT',
        `${place}: frame ${frame}: expected shape (n, ${rows}, ${joints}), got (${shape.join(', ')}).`,
      );
    }
    found.people = Math.max(found.people, shape[0]);
    const best = bestBox(boxArrays[frame], shape[0]) * rows * joints;
    for (let joint = 0; joint < joints; joint++) {
      const at = frame * joints + joint;
      found.keypoints[at * 2] = Number(data[best + joint]);
      found.keypoints[at * 2 + 1] = Number(data[best + joints + joint]);
      found.confidence![at] = Number(data[best + 3 * joints + joint]);
    }
  }
  if (joints === 17) found.layout = 'coco-17';
  if (found.people > 1) {
    found.notices.push(`Up to ${found.people} people in a frame and no track ids: took the best-scored of each frame.`);
  }
  if (metadata instanceof Map) {
    const [width, height] = [metadata.get('w'), metadata.get('h')];
    if (typeof width === 'number' && typeof height === 'number') Object.assign(found, { width, height });
  }
  return found;
}

/** The array of people of each frame; undefined where there are none. */
function personArrays(place: string, value: ObjectArray): (Tensor<TensorData> | undefined)[] {
  const paired = value.shape.length === 2;
  return Array.from({ length: value.shape[0] }, (_, frame) => {
    const pair = paired ? undefined : value.objects[frame];
    const person = paired ? value.objects[frame * 2 + 1] : Array.isArray(pair) ? pair[1] : pair;
    if (isTensor(person)) return person.data.length > 0 ? person : undefined;
    const empty = person === null || person === undefined || (Array.isArray(person) && person.length === 0);
    if (empty || (isObjectArray(person) && person.objects.length === 0)) return undefined;
    throw new PoseError('ERR_FORMAT', `${place}: frame ${frame}: expected an array of people, got something else.`);
  });
}

/** Index of the person whose box has the highest score; the first where the boxes do not fit. */
function bestBox(boxes: Tensor<TensorData> | undefined, people: number): number {
  if (boxes === undefined || boxes.shape.length !== 2 || boxes.shape[0] !== people || boxes.shape[1] < 5) return 0;
  let best = 0;
  const score = (person: number) => Number(boxes.data[person * boxes.shape[1] + 4]);
  for (let person = 1; person < people; person++) if (score(person) > score(best)) best = person;
  return best;
}
