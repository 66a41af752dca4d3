import { PoseError } from '../base/pose-error.js';
import { type Tensor, tensor } from '../base/tensor.js';
import { jointKey } from '../keypoints/joint-names.js';
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
  const { data: own, columns } = inLayoutOf(clip, truth);
  const at = framesOf(person, truth, frames);
  const finite = (values: Float32Array, frame: number) =>
    columns.every((joint) => Number.isFinite(values[frame * row + 3 * joint]));
  const used = places.filter((place) => finite(positions, place) && at(place) !== undefined);
  const known = used.filter((place) => finite(own, at(place)!));
  if (known.length === 0) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${truth.path}: expected truth for frames of ${clip.path}, got none in common.`,
    );
  }
  const count = columns.length;
  const picked = (values: Float32Array, frameOf: (place: number) => number) => {
    const out = new Float32Array(known.length * count * 3);
    for (const [index, place] of known.entries()) {
      for (const [column, joint] of columns.entries()) {
        const from = frameOf(place) * row + joint * 3;
        out.set(values.subarray(from, from + 3), (index * count + column) * 3);
      }
    }
    return tensor(out, [known.length, count, 3]);
  };
  const predicted = picked(positions, (place) => place);
  const there = picked(own, (place) => at(place)!);
  const root = clip.layout === undefined ? 0 : Math.max(0, skeletonByName(clip.layout).root);
  const together = rootsTogether(there, predicted, Math.max(0, columns.indexOf(root)));
  const sameAxes = clip.axes === 'camera' && truth.axes === 'camera' && columns.includes(root);
  const rooted = sameAxes ? jointErrorsMm(predicted, together) : undefined;
  const aligned = jointErrorsMm(similarityAligned(predicted, there), there);
  const shown = sameAxes ? together : similarityAligned(there, predicted);
  const spread = ({ data }: Tensor, width: number) => {
    const all = new Float32Array(frames * joints * width).fill(Number.NaN);
    for (const [index, place] of known.entries()) {
      for (const [column, joint] of columns.entries()) {
        const from = (index * count + column) * width;
        all.set(data.subarray(from, from + width), (place * joints + joint) * width);
      }
    }
    return all;
  };
  return {
    truth: spread(shown, 3),
    aligned: spread(aligned, 1),
    ...(rooted && { rooted: spread(rooted, 1) }),
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

/** Fewest joints of a result that markers must name: an alignment of three points says little. */
const fewestNamed = 6;

/** The truth's joints as those of the result, (T, J, 3), and which of them it has. */
function inLayoutOf(
  { path, skeleton, layout }: ViewedClip,
  truth: ViewedClip,
): { data: Float32Array; columns: number[] } {
  const all = skeleton.joints.map((_, joint) => joint);
  if (truth.layout === layout && truth.skeleton.joints.length === skeleton.joints.length) {
    return { data: truth.positions, columns: all };
  }
  const joints = truth.skeleton.joints.length;
  if (layout === 'h36m-17' && truth.layout !== undefined) {
    const { data } = mapToHuman36m(truth.layout, tensor(truth.positions, [truth.frames, joints, 3]), 'points');
    return { data, columns: all };
  }
  const from = markersOf(skeleton.joints, truth.skeleton.joints);
  const columns = all.filter((joint) => from[joint] >= 0);
  if (columns.length < fewestNamed) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${truth.path}: expected the ${skeleton.joints.length} joints of ${path} (${layout ?? 'a skeleton of its own'}) or markers with ` +
        `names of at least ${fewestNamed} of them, got ${joints} (${truth.layout ?? truth.skeleton.joints.slice(0, 20).join(', ')}).`,
    );
  }
  const data = new Float32Array(truth.frames * skeleton.joints.length * 3).fill(Number.NaN);
  for (let frame = 0; frame < truth.frames; frame++) {
    for (const joint of columns) {
      const at = (frame * joints + from[joint]) * 3;
      data.set(truth.positions.subarray(at, at + 3), (frame * skeleton.joints.length + joint) * 3);
    }
  }
  return { data, columns };
}

/** The marker of each joint by its name ("RHip", "left_knee"), -1 for a joint that no marker is named after. */
function markersOf(joints: readonly string[], markers: readonly string[]): number[] {
  const keys = markers.map(jointKey);
  const find = (name: string) => keys.indexOf(jointKey(name));
  return joints.map((joint) => {
    // Human3.6M's neck is the middle of the head; a marker of that name is where the neck meets the shoulders.
    if (joints.includes('thorax') && joint === 'neck') return -1;
    if (joint === 'thorax') return Math.max(find('thorax'), find('neck'));
    return find(joint);
  });
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
