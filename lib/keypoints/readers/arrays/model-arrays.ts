import { PoseError } from '../../../base/pose-error.js';
import type { Tensor, TensorData } from '../../../base/tensor.js';
import { DetectionTable } from '../../detection-table.js';
import type { FoundDetections } from '../../detections.js';
import type { InputFormat } from '../../input-format.js';

const moveNetJoints = 17;
const mediaPipeJoints = 33;
/** MoveNet's row of one of several people: 17 joints of y, x, score, then the box and how sure it is of the person. */
const crowdChannels = 56;
/** Below this MoveNet's rows show nobody: there are six in each frame. */
const leastSure = 0.2;

/**
 * Whether an array is a model's own output: MoveNet's (T, 1, 1, 17, 3), or with the format named (T, 1, 17, 3) and
 * (T, 17, 3), and of several people (T, 6, 56) or (T, 1, 6, 56); MediaPipe's landmarks (T, 33, 4 or 5), or with the format
 * named (T, 33, 2 or more).
 */
export function isModelOutput({ shape }: Tensor<TensorData>, format: InputFormat | undefined): boolean {
  const [joints, channels] = shape.slice(-2);
  if (isCrowd(shape)) return true;
  if (joints === moveNetJoints && channels === 3) {
    return (format === 'movenet' || shape.length === 5) && shape.slice(1, -2).every((length) => length === 1);
  }
  return (
    joints === mediaPipeJoints &&
    shape.length === 3 &&
    (format === 'mediapipe' ? channels >= 2 : channels >= 4 && channels <= 5)
  );
}

/**
 * The frames of what {@link isModelOutput} knows: MoveNet's y, x, score, or MediaPipe's x, y, z, visibility; a
 * frame of NaN has nobody. Coordinates are fractions of the image.
 */
export function readModelOutput(where: string, { data, shape }: Tensor<TensorData>): FoundDetections {
  if (isCrowd(shape)) return readCrowd(data, shape);
  const frames = shape[0];
  const [joints, channels] = shape.slice(-2);
  if (data.length === 0)
    throw new PoseError('ERR_FORMAT', `${where}: expected frames, got shape (${shape.join(', ')}).`);
  const [x, y, sure] = joints === moveNetJoints ? [1, 0, 2] : [0, 1, channels > 3 ? 3 : -1];
  const detections = new DetectionTable();
  for (let image = 0; image < frames; image++) {
    const triples = Array.from({ length: joints }, (_, joint) => {
      const at = (image * joints + joint) * channels;
      return [Number(data[at + x]), Number(data[at + y]), sure < 0 ? 1 : Number(data[at + sure])];
    }).flat();
    if (triples.some((value) => Number.isFinite(value))) detections.push({ image, triples });
  }
  const layout = joints === moveNetJoints ? 'coco-17' : 'mediapipe-33';
  const images = Array.from({ length: frames }, (_, frame) => frame);
  return { images, detections, layout, fractions: true, notices: [] };
}

function isCrowd(shape: readonly number[]): boolean {
  return shape[shape.length - 1] === crowdChannels && (shape.length === 3 || (shape.length === 4 && shape[1] === 1));
}

function readCrowd(data: TensorData, shape: readonly number[]): FoundDetections {
  const [frames, people] = [shape[0], shape[shape.length - 2]];
  const detections = new DetectionTable();
  for (let row = 0; row < frames * people; row++) {
    const at = row * crowdChannels;
    if (!(Number(data[at + crowdChannels - 1]) >= leastSure)) continue;
    const triples = Array.from({ length: moveNetJoints }, (_, joint) =>
      [1, 0, 2].map((channel) => Number(data[at + 3 * joint + channel])),
    ).flat();
    detections.push({ image: Math.floor(row / people), triples });
  }
  const images = Array.from({ length: frames }, (_, frame) => frame);
  return { images, detections, layout: 'coco-17', fractions: true, notices: [] };
}
