import { PoseError } from '../../../base/pose-error.js';
import type { Tensor, TensorData } from '../../../base/tensor.js';
import type { ObjectStream } from '../../../formats/numpy/npy.js';
import { isObjectArray, isTensor, type PickleValue } from '../../../formats/pickle/value.js';
import { DetectionTable } from '../../detection-table.js';
import type { FoundDetections } from '../../detections.js';

/** Rows of Detectron's keypoint arrays: x, y, the heat map's logit, probability. */
const rows = 4;

/** Whether an array of Python objects holds one entry a frame, as VideoPose3D's Detectron scripts write them. */
export function isDetectronOutput({ shape }: ObjectStream): boolean {
  return shape.length === 1 || (shape.length === 2 && shape[1] === 2);
}

/** Detectron's raw results: for each frame [nothing, keypoints (n, 4, J)]; the boxes beside them are not needed. */
export function readDetectron(
  place: string,
  keypoints: ObjectStream,
  metadata: PickleValue | undefined,
): FoundDetections {
  let joints: number | undefined;
  const detections = new DetectionTable();
  for (const [frame, value] of entries(keypoints)) {
    const array = peopleIn(place, value, frame);
    if (array === undefined) continue;
    const { shape, data } = array;
    joints ??= shape[2] ?? 0;
    if (shape.length !== 3 || shape[1] !== rows || shape[2] !== joints) {
      throw new PoseError(
        'ERR_FORMAT',
        `${place}: frame ${frame}: expected shape (n, ${rows}, ${joints || 'J'}), got (${shape.join(', ')}).`,
      );
    }
    const triples = new Float64Array(joints * 3);
    for (let person = 0; person < shape[0]; person++) {
      const start = person * rows * joints;
      for (let joint = 0; joint < joints; joint++) {
        for (const [axis, row] of [0, 1, 3].entries()) {
          triples[joint * 3 + axis] = Number(data[start + row * joints + joint]);
        }
      }
      detections.push({ image: frame, triples });
    }
  }
  if (!joints) throw new PoseError('ERR_FORMAT', `${place}: expected a person in some frame, got none.`);
  const images = Array.from({ length: keypoints.shape[0] }, (_, frame) => frame);
  const found: FoundDetections = { images, detections, notices: [] };
  if (joints === 17) found.layout = 'coco-17';
  if (metadata instanceof Map) {
    const [width, height] = [metadata.get('w'), metadata.get('h')];
    if (typeof width === 'number' && typeof height === 'number') Object.assign(found, { width, height });
  }
  return found;
}

/** Each frame's number and people: of (T, 2) the second object, of (T,) a pair's second or the object itself. */
function* entries({ shape, objects }: ObjectStream): Generator<[frame: number, value: PickleValue]> {
  const perFrame = shape.length === 2 ? 2 : 1;
  let at = 0;
  for (const object of objects) {
    const frame = Math.floor(at / perFrame);
    const isLast = at++ % perFrame === perFrame - 1;
    if (isLast) yield [frame, perFrame === 1 && Array.isArray(object) ? object[1] : object];
  }
}

/** The array of a frame's people; undefined where nobody is there. */
function peopleIn(place: string, value: PickleValue | undefined, frame: number): Tensor<TensorData> | undefined {
  if (isTensor(value)) return value.data.length > 0 ? value : undefined;
  const empty = value === null || value === undefined || (Array.isArray(value) && value.length === 0);
  if (empty || (isObjectArray(value) && value.objects.length === 0)) return undefined;
  throw new PoseError('ERR_FORMAT', `${place}: frame ${frame}: expected an array of people, got something else.`);
}
