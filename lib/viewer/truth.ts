import { PoseError } from '../base/pose-error.js';
import { type Tensor, tensor } from '../base/tensor.js';
import { similarityAligned } from '../metrics/alignment.js';
import { jointErrorsMm, mean } from '../metrics/joint-errors.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { mapToHuman36m } from '../skeletons/to-human36m.js';
import type { ViewedClip } from './read-clip.js';
import type { ScenePerson } from './scene.js';

/** A person on the timeline. */
export interface PlacedPerson {
  clip: ViewedClip;
  /** (T, J, 3), NaN where absent. */
  positions: Float32Array;
  /** Frames of the timeline where the person is, in order. */
  places: readonly number[];
  /** Names of the timeline's frames. */
  names: readonly string[];
}

export interface TruthArrays {
  /** (T, J, 3): the truth where the person is shown: roots together, or laid onto the person where the axes are not the same. */
  truth: Float32Array;
  rooted?: Float32Array;
  aligned: Float32Array;
  error: NonNullable<ScenePerson['error']>;
}

/**
 * Compares a person with the truth: distance of each joint with the roots together (MPJPE's; only where both are in a camera's
 * axes), and after the best rotation, scale and shift (P-MPJPE's). Throws `ERR_ARGUMENT` where joints or frames do not match.
 */
export function truthArrays(person: PlacedPerson, truth: ViewedClip): TruthArrays {
  const { clip, positions, places } = person;
  const joints = clip.skeleton.joints.length;
  const row = joints * 3;
  const frames = positions.length / row;
  const own = inLayoutOf(clip, truth);
  const at = framesOf(person, truth, frames);
  const used = places.filter((place) => finite(positions, place * row, row) && at(place) !== undefined);
  const known = used.filter((place) => finite(own, at(place)! * row, row));
  if (known.length === 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${truth.path}: expected truth for frames of ${clip.path}, got none in common.`,
    );
  }
  const shape = [known.length, joints, 3];
  const predicted = tensor(new Float32Array(known.length * row), shape);
  const there = tensor(new Float32Array(known.length * row), shape);
  for (const [index, place] of known.entries()) {
    predicted.data.set(positions.subarray(place * row, (place + 1) * row), index * row);
    there.data.set(own.subarray(at(place)! * row, (at(place)! + 1) * row), index * row);
  }
  const root = clip.layout === undefined ? 0 : Math.max(0, skeletonByName(clip.layout).root);
  const together = rootsTogether(there, predicted, root);
  const sameAxes = clip.axes === 'camera' && truth.axes === 'camera';
  const rooted = sameAxes ? jointErrorsMm(predicted, together) : undefined;
  const aligned = jointErrorsMm(similarityAligned(predicted, there), there);
  const shown = sameAxes ? together : similarityAligned(there, predicted);
  const spread = ({ data }: Tensor, width: number) => {
    const all = new Float32Array(frames * width).fill(Number.NaN);
    for (const [index, place] of known.entries())
      all.set(data.subarray(index * width, (index + 1) * width), place * width);
    return all;
  };
  return {
    truth: spread(shown, row),
    aligned: spread(aligned, joints),
    ...(rooted && { rooted: spread(rooted, joints) }),
    error: { aligned: mean(aligned.data), ...(rooted && { rooted: mean(rooted.data) }) },
  };
}

/** The truth's frame of a frame of the timeline. */
function framesOf(
  { clip, places, names }: PlacedPerson,
  { path, frames, track }: ViewedClip,
  all: number,
): (place: number) => number | undefined {
  const truthAt = new Map(track?.frameIds.map((name, frame) => [name, frame]));
  if (places.some((place) => truthAt.has(names[place]))) return (place) => truthAt.get(names[place]);
  const first = places[0];
  const span = places[places.length - 1] - first + 1;
  if (frames === span) return (place) => place - first;
  if (frames === all) return (place) => place;
  throw new PoseError(
    'ERR_ARGUMENT',
    `${path}: expected the ${span} frames of ${clip.path}${all === span ? '' : ` or the ${all} of all`}, got ${frames}.`,
  );
}

/** The truth's joints as those of the result, (T, J, 3). */
function inLayoutOf({ path, skeleton, layout }: ViewedClip, truth: ViewedClip): Float32Array {
  if (truth.layout === layout && truth.skeleton.joints.length === skeleton.joints.length) return truth.positions;
  if (layout !== 'h36m-17' || truth.layout === undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${truth.path}: expected the ${skeleton.joints.length} joints of ${path} (${layout ?? 'a skeleton of its own'}), got ` +
        `${truth.skeleton.joints.length} (${truth.layout ?? truth.skeleton.joints.slice(0, 20).join(', ')}).`,
    );
  }
  const joints = truth.skeleton.joints.length;
  return mapToHuman36m(truth.layout, tensor(truth.positions, [truth.frames, joints, 3]), 'points').data;
}

/** The truth moved in each frame so that its root is where the prediction's is. */
function rootsTogether({ data, shape }: Tensor, predicted: Tensor, root: number): Tensor {
  const row = shape[1] * 3;
  const out = data.map((value, index) => {
    const start = index - (index % row) + root * 3 + (index % 3);
    return value - data[start] + predicted.data[start];
  });
  return { data: out, shape };
}

function finite(values: Float32Array, from: number, count: number): boolean {
  for (let at = from; at < from + count; at++) if (!Number.isFinite(values[at])) return false;
  return true;
}
