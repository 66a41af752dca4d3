import { PoseError } from '../../base/pose-error.js';
import { type Tensor, tensor } from '../../base/tensor.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import { cheapestAssignment } from './assignment.js';

/** COCO's constants: how far annotators differ on a joint, as a share of the person's size. */
const sigmas: Readonly<Record<string, number>> = {
  nose: 0.026,
  eye: 0.025,
  ear: 0.035,
  shoulder: 0.079,
  elbow: 0.072,
  wrist: 0.062,
  hip: 0.107,
  knee: 0.087,
  ankle: 0.089,
};
/** For joints that COCO does not have. */
const otherSigma = 0.08;

/** More people than this in one frame are refused: linking them takes time with the cube of their number. */
const mostPeople = 256;

export interface TrackPeopleOptions {
  /** Layout of the joints, for the tolerance of each; default: one tolerance for all. */
  layout?: string;
  /** Least object keypoint similarity (0 to 1) of a link; default 0.2. */
  minSimilarity?: number;
  /** How many frames a person may be missing and still be the same; default 30. */
  maxGap?: number;
}

const knownOptions = new Set(['layout', 'minSimilarity', 'maxGap']);

/**
 * Links detections without tracks into people: from frame to frame, the assignment (Hungarian method) with the largest sum
 * of object keypoint similarities between each person's last detection and the new ones. A person who is missing for up
 * to `maxGap` frames may come back; the tolerance grows with the frames missed.
 *
 * `points` (D, J, 3): x, y, confidence of each detection, in pixels; `frames` (D): the frame of each, in any order.
 * Returns (D) the person of each detection, numbered from 0 by first appearance (within a frame, by place in the list).
 * Throws `ERR_ARGUMENT` for shapes that disagree, `ERR_LIMIT` for more than 256 people in a frame.
 */
export function trackPeople(points: Tensor, frames: ArrayLike<number>, options: TrackPeopleOptions = {}): Int32Array {
  const unknown = Object.keys(options).find((name) => !knownOptions.has(name));
  if (unknown !== undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `trackPeople: expected the options ${[...knownOptions].join(', ')}, got ${unknown}.`,
    );
  }
  const [detections, joints, channels] = tensor(points.data, points.shape).shape;
  if (points.shape.length !== 3 || channels !== 3 || frames.length !== detections) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `trackPeople: expected points (D, J, 3) and D frames, got (${points.shape.join(', ')}) and ${frames.length}.`,
    );
  }
  const { minSimilarity = 0.2, maxGap = 30 } = options;
  const tolerance = tolerances(joints, options.layout);
  const sizes = Float64Array.from({ length: detections }, (_, index) =>
    areaOf(points.data, index * joints * 3, joints),
  );
  const byFrame = new Map<number, number[]>();
  for (let index = 0; index < detections; index++) {
    const list = byFrame.get(frames[index]);
    if (list) list.push(index);
    else byFrame.set(frames[index], [index]);
  }
  const people = new Int32Array(detections);
  const last: number[] = [];
  for (const [frame, found] of [...byFrame].sort(([a], [b]) => a - b)) {
    if (found.length > mostPeople) {
      throw new PoseError(
        'ERR_LIMIT',
        `trackPeople: expected at most ${mostPeople} people a frame, got ${found.length}.`,
      );
    }
    // The latest seen first, so that a crowd of short tracks cannot make the matrix large.
    const open = last
      .map((detection, person) => ({ detection, person, lost: frame - frames[detection] - 1 }))
      .filter(({ lost }) => lost <= maxGap)
      .sort((a, b) => a.lost - b.lost)
      .slice(0, mostPeople);
    const similarities = Float64Array.from({ length: open.length * found.length }, (_, at) => {
      const { detection, lost } = open[Math.floor(at / found.length)];
      return similarity(points.data, detection, found[at % found.length], tolerance, sizes, 1 + lost);
    });
    const far = 10;
    const costs = similarities.map((value) => (value >= minSimilarity ? 1 - value : far));
    const linked = new Set<number>();
    for (const [row, column] of cheapestAssignment(costs, open.length, found.length).entries()) {
      if (column < 0 || costs[row * found.length + column] === far) continue;
      people[found[column]] = open[row].person;
      last[open[row].person] = found[column];
      linked.add(found[column]);
    }
    for (const index of found) if (!linked.has(index)) people[index] = last.push(index) - 1;
  }
  return people;
}

function tolerances(joints: number, layout: string | undefined): Float64Array {
  const names = layout === undefined ? undefined : skeletonByName(layout).joints;
  if (names && names.length !== joints) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `trackPeople: option layout: ${layout} has ${names.length} joints, the points ${joints}.`,
    );
  }
  return Float64Array.from({ length: joints }, (_, joint) => {
    const name = names?.[joint].replace(/^(left|right) /, '') ?? '';
    return 2 * (sigmas[name] ?? otherSigma);
  });
}

/** Object keypoint similarity of two detections over the joints that both have; 0 where they share none. */
function similarity(
  data: Float32Array,
  a: number,
  b: number,
  tolerance: Float64Array,
  sizes: Float64Array,
  slack: number,
): number {
  const area = Math.max(sizes[a], sizes[b]);
  const joints = tolerance.length;
  let sum = 0;
  let shared = 0;
  for (let joint = 0; joint < joints; joint++) {
    const [from, to] = [(a * joints + joint) * 3, (b * joints + joint) * 3];
    if (!(data[from + 2] > 0 && data[to + 2] > 0)) continue;
    const squared = (data[from] - data[to]) ** 2 + (data[from + 1] - data[to + 1]) ** 2;
    if (!Number.isFinite(squared)) continue;
    shared++;
    sum += squared === 0 ? 1 : Math.exp(-squared / (2 * area * tolerance[joint] ** 2 * slack));
  }
  return shared === 0 ? 0 : sum / shared;
}

/** Area of a person, from the diagonal of the box about the joints that were found: its product fails for who lies flat. */
function areaOf(data: Float32Array, start: number, joints: number): number {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (let at = start; at < start + joints * 3; at += 3) {
    if (!(data[at + 2] > 0)) continue;
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], data[at + axis]);
      high[axis] = Math.max(high[axis], data[at + axis]);
    }
  }
  const area = ((high[0] - low[0]) ** 2 + (high[1] - low[1]) ** 2) / 4;
  return area > 0 && Number.isFinite(area) ? area : 1;
}
