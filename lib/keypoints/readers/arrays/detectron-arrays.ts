import { PoseError } from '../../../base/pose-error.js';
import type { Tensor, TensorData } from '../../../base/tensor.js';
import type { NpyValue } from '../../../formats/numpy/npy.js';
import { isObjectArray, isTensor, type ObjectArray, type PickleValue } from '../../../formats/pickle/value.js';
import { DetectionTable } from '../../detection-table.js';
import type { FoundDetections } from '../../detections.js';

/** Rows of Detectron's keypoint arrays: x, y, the heat map's logit, probability. */
const rows = 4;

/** Whether an array of Python objects holds one entry a frame, as VideoPose3D's Detectron scripts write them. */
export function isDetectronOutput(value: NpyValue): value is ObjectArray {
  return isObjectArray(value) && (value.shape.length === 1 || (value.shape.length === 2 && value.shape[1] === 2));
}

/** Detectron's raw results: for each frame [nothing, keypoints (n, 4, J)]; the boxes beside them are not needed. */
export function readDetectron(
  place: string,
  keypoints: ObjectArray,
  metadata: PickleValue | undefined,
): FoundDetections {
  const frames = keypoints.shape[0];
  let joints: number | undefined;
  const detections = new DetectionTable();
  for (let frame = 0; frame < frames; frame++) {
    const array = takePeople(place, keypoints, frame);
    if (array === undefined) continue;
    const { shape, data } = array;
    joints ??= shape[2] ?? 0;
    if (shape.length !== 3 || shape[1] !== rows || shape[2] !== joints) {
      throw new PoseError(
        'ERR_FORMAT',
        `${place}: frame ${frame}: expected shape (n, ${rows}, ${joints || 'J'}), got (${shape.join(', ')}).`,
      );
    }
    for (let person = 0; person < shape[0]; person++) {
      const start = person * rows * shape[2];
      const triples = Array.from({ length: shape[2] * 3 }, (_, at) => {
        const row = [0, 1, 3][at % 3];
        return Number(data[start + row * shape[2] + Math.floor(at / 3)]);
      });
      detections.push({ image: frame, triples });
    }
  }
  if (!joints) throw new PoseError('ERR_FORMAT', `${place}: expected a person in some frame, got none.`);
  const images = Array.from({ length: frames }, (_, frame) => frame);
  const found: FoundDetections = { images, detections, notices: [] };
  if (joints === 17) found.layout = 'coco-17';
  if (metadata instanceof Map) {
    const [width, height] = [metadata.get('w'), metadata.get('h')];
    if (typeof width === 'number' && typeof height === 'number') Object.assign(found, { width, height });
  }
  return found;
}

/**
 * Takes the array of a frame's people out of the list, so that its memory is given back when it was read; undefined where
 * nobody is there.
 */
function takePeople(place: string, { objects, shape }: ObjectArray, frame: number): Tensor<TensorData> | undefined {
  const paired = shape.length === 2;
  const at = paired ? frame * 2 + 1 : frame;
  const pair = objects[at];
  objects[at] = null;
  const person = !paired && Array.isArray(pair) ? pair[1] : pair;
  if (isTensor(person)) return person.data.length > 0 ? person : undefined;
  const empty = person === null || person === undefined || (Array.isArray(person) && person.length === 0);
  if (empty || (isObjectArray(person) && person.objects.length === 0)) return undefined;
  throw new PoseError('ERR_FORMAT', `${place}: frame ${frame}: expected an array of people, got something else.`);
}
