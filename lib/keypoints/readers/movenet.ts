import type { FoundPerson, FrameFormat } from './frame-format.js';
import { isRecord, meanConfidence, numberField, numberList, trackName, wrongValue } from './json-value.js';

const joints = 17;

/**
 * MoveNet's output. TensorFlow.js: a frame is a list of poses {`score`, `id`, `keypoints`: [{`x`, `y`, `score`,
 * `name`}, ...]} in pixels (BlazePose's 33 are written in the same way). The model's own: (1, 1, 17, 3) of y, x, score
 * as nested lists, fractions of the image.
 */
export const moveNet: FrameFormat = {
  isFrame: (value) => {
    if (rawPoints(value) !== undefined) return true;
    return Array.isArray(value) && value.length > 0 && value.every(isPose);
  },
  readFrame: (place, value) => {
    const raw = rawPoints(value);
    if (raw) {
      const triples = raw.flatMap((point, joint) => {
        const [y, x, score] = numberList(`${place}[${joint}]`, point);
        return [x, y, score];
      });
      return { people: [{ triples, score: meanConfidence(triples) }] };
    }
    if (!Array.isArray(value)) throw wrongValue(place, 'a list of poses', value);
    return { people: value.map((pose, index) => personOf(`${place}[${index}]`, pose)) };
  },
  layoutOf: (count) => ({ 17: 'coco-17', 33: 'mediapipe-33' })[count],
  fractions: 'small',
};

/** The 17 rows of y, x, score inside lists of one; undefined for anything else. */
function rawPoints(value: unknown): unknown[] | undefined {
  let inner = value;
  for (let depth = 0; depth < 3 && Array.isArray(inner) && inner.length === 1; depth++) inner = inner[0];
  const right = Array.isArray(inner) && inner.length === joints;
  const rows = right && (inner as unknown[]).every((row) => Array.isArray(row) && row.length === 3);
  return rows && typeof (inner as unknown[][])[0][0] === 'number' ? (inner as unknown[]) : undefined;
}

function isPose(value: unknown): boolean {
  return isRecord(value) && Array.isArray(value.keypoints) && isRecord(value.keypoints[0]);
}

function personOf(place: string, pose: unknown): FoundPerson {
  if (!isRecord(pose) || !Array.isArray(pose.keypoints) || pose.keypoints.length === 0) {
    throw wrongValue(`${place}.keypoints`, 'a list of points', isRecord(pose) ? pose.keypoints : pose);
  }
  const triples = pose.keypoints.flatMap((point, index) => {
    if (!isRecord(point) || typeof point.x !== 'number' || typeof point.y !== 'number') {
      throw wrongValue(`${place}.keypoints[${index}]`, 'an object with x and y', point);
    }
    return [point.x, point.y, numberField(point, 'score') ?? 1];
  });
  const track = trackName(pose.id);
  return {
    triples,
    score: numberField(pose, 'score') ?? meanConfidence(triples),
    ...(track !== undefined && { track }),
  };
}
