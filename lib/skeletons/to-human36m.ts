import { TENSOR } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { smallest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { human36m17, human36m17Of32 } from './human36m.js';
import { mpiInf3dhp17, mpiInf3dhp17Of28, mpiInf3dhp28 } from './mpi-inf-3dhp.js';
import type { Skeleton } from './skeleton.js';
import { skeletonByName } from './skeletons.js';

/** One joint of `h36m-17` as a weighted mean: source joint and weight. Weights add up to 1; one may be negative. */
type Mix = readonly (readonly [joint: string, weight: number])[];

/** A mix for each joint of `h36m-17` by name. */
type JointMap = Readonly<Record<string, Mix>>;

const middle = (part: string): Mix => [
  [`left ${part}`, 0.5],
  [`right ${part}`, 0.5],
];

function scaled(mix: Mix, share: number): Mix {
  return mix.map(([joint, weight]) => [joint, weight * share] as const);
}

/** Arms and legs have the same names everywhere. */
const limbs: JointMap = Object.fromEntries(
  ['hip', 'knee', 'ankle', 'shoulder', 'elbow', 'wrist'].flatMap((part) =>
    ['left', 'right'].map((side): [string, Mix] => [`${side} ${part}`, [[`${side} ${part}`, 1]]]),
  ),
);

/** Human3.6M's "neck/nose" lies inside the head, behind the nose: midway between the nose and the ears' middle. */
const behindNose: Mix = [['nose', 0.5], ...scaled(middle('ear'), 0.5)];

/** Spine midway between hip and thorax; the top of the head beyond the ears by 0.6 of their height over the shoulders. */
const coco: JointMap = {
  ...limbs,
  hip: middle('hip'),
  spine: [...scaled(middle('hip'), 0.5), ...scaled(middle('shoulder'), 0.5)],
  thorax: middle('shoulder'),
  neck: behindNose,
  head: [...scaled(middle('ear'), 1.6), ...scaled(middle('shoulder'), -0.6)],
};

/** Halpe has its own middle hip, neck base and top of the head. */
const halpe: JointMap = {
  ...coco,
  hip: [['hip', 1]],
  spine: [
    ['hip', 0.5],
    ['neck', 0.5],
  ],
  thorax: [['neck', 1]],
  head: [['head', 1]],
};

const maps: Readonly<Record<string, JointMap>> = {
  'coco-17': coco,
  // COCO-WholeBody and MediaPipe name the body's points as COCO does; feet, hands and faces have no place among the 17.
  'coco-133': coco,
  'mediapipe-33': coco,
  'halpe-26': halpe,
  'halpe-136': halpe,
  // OpenPose's COCO model has a neck base, but neither a middle hip nor a top of the head.
  'coco-18': {
    ...coco,
    spine: [...scaled(middle('hip'), 0.5), ['neck', 0.5]],
    thorax: [['neck', 1]],
    head: [...scaled(middle('ear'), 1.6), ['neck', -0.6]],
  },
  // BODY_25 has a middle hip and a neck base as Halpe does, but no top of the head.
  'body-25': { ...halpe, head: [...scaled(middle('ear'), 1.6), ['neck', -0.6]] },
  // BODY_25B's neck is the upper one, under the chin: the thorax stays midway between the shoulders.
  'body-25b': { ...coco, head: [['head top', 1]] },
  // 3DHP's neck is the throat; its head is inside the skull. Its hip, spine and head top are Human3.6M's.
  '3dhp-17': {
    ...limbs,
    hip: [['hip', 1]],
    spine: [['spine', 1]],
    thorax: [['neck', 1]],
    neck: [['head', 1]],
    head: [['head top', 1]],
  },
  // The far ends of the bones; the root lies above the hips' middle. Where a clip's rotations are at hand, the neck is
  // placed in the head's axes instead (lib/datasets/mocap/mocap-layouts.ts).
  cmu: {
    ...Object.fromEntries(
      [
        ['hip', 'hipjoint'],
        ['knee', 'femur'],
        ['ankle', 'tibia'],
        ['shoulder', 'clavicle'],
        ['elbow', 'humerus'],
        ['wrist', 'wrist'],
      ].flatMap(([part, bone]): [string, Mix][] => [
        [`left ${part}`, [[`l${bone}`, 1]]],
        [`right ${part}`, [[`r${bone}`, 1]]],
      ]),
    ),
    hip: [
      ['lhipjoint', 0.5],
      ['rhipjoint', 0.5],
    ],
    spine: [['lowerback', 1]],
    thorax: [
      ['lclavicle', 0.5],
      ['rclavicle', 0.5],
    ],
    neck: [['upperneck', 1]],
    head: [['head', 1]],
  },
};

/** A point as a weighted mean of others, by index. */
export type IndexMix = readonly (readonly [joint: number, weight: number])[];

function single(joints: readonly number[]): IndexMix[] {
  return joints.map((joint) => [[joint, 1]]);
}

/** For each of the 17 joints, its sources by index; throws `ERR_UNSUPPORTED` where there is no map. */
function mixesOf(layout: Skeleton): IndexMix[] {
  if (layout === human36m17) return single(human36m17.joints.map((_, joint) => joint));
  if (layout.name === 'h36m-32') return single(human36m17Of32);
  if (layout === mpiInf3dhp28) {
    return mixesOf(mpiInf3dhp17).map((mix) => mix.map(([joint, weight]) => [mpiInf3dhp17Of28[joint], weight] as const));
  }
  const map = maps[layout.name];
  if (map === undefined) throw new PoseError('ERR_UNSUPPORTED', `There is no map from ${layout.name} into h36m-17.`);
  return human36m17.joints.map((joint) =>
    map[joint].map(([source, weight]) => [layout.joints.indexOf(source), weight] as const),
  );
}

/**
 * Keypoints of another layout (T, J, C) as Human3.6M's 17 joints (T, 17, C). C = 2 is x, y; C = 3 is x, y, confidence,
 * where a joint is as sure as the least sure of its sources; for 3D points say `kind: 'points'`.
 * Throws `ERR_ARGUMENT` when the shape does not fit the layout.
 */
export function mapToHuman36m(layout: string, keypoints: Tensor, kind: 'keypoints' | 'points' = 'keypoints'): Tensor {
  checkArguments('mapToHuman36m', { layout, keypoints, kind }, 'text', TENSOR, 'text?');
  const skeleton = skeletonByName(layout);
  const [, joints, channels] = keypoints.shape;
  if (keypoints.shape.length !== 3 || joints !== skeleton.joints.length || (channels !== 2 && channels !== 3)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${layout} has ${skeleton.joints.length} joints, so (T, ${skeleton.joints.length}, 2 or 3) was expected, but ` +
        `(${keypoints.shape.join(', ')}) came.`,
    );
  }
  return mixJoints(mixesOf(skeleton), keypoints, kind);
}

/**
 * Each of M points as a weighted mean of the J points of (T, J, C): (T, M, C). C and `kind` as for
 * {@link mapToHuman36m}.
 */
export function mixJoints(
  mixes: readonly IndexMix[],
  keypoints: Tensor,
  kind: 'keypoints' | 'points' = 'keypoints',
): Tensor {
  const [frames, joints, channels] = keypoints.shape;
  const averaged = kind === 'points' ? channels : 2;
  const out = new Float32Array(frames * mixes.length * channels);
  for (let t = 0, at = 0; t < frames; t++) {
    for (const mix of mixes) {
      for (let c = 0; c < channels; c++, at++) {
        const values = mix.map(([joint]) => keypoints.data[(t * joints + joint) * channels + c]);
        out[at] = c < averaged ? values.reduce((sum, value, i) => sum + value * mix[i][1], 0) : smallest(values);
      }
    }
  }
  return { data: out, shape: [frames, mixes.length, channels] };
}

/**
 * Poses of `h36m-17` (T, 17, C) in a layout whose joints are each one of the 17, such as `3dhp-17`: (T, J, C). Throws
 * `ERR_UNSUPPORTED` where a joint of the layout is none of them.
 */
export function mapFromHuman36m(layout: string, poses: Tensor): Tensor {
  const skeleton = skeletonByName(layout);
  const sources = mixesOf(skeleton);
  const places = skeleton.joints.map((name, joint) => {
    const place = sources.findIndex((mix) => mix.length === 1 && mix[0][0] === joint);
    if (place >= 0) return place;
    throw new PoseError('ERR_UNSUPPORTED', `There is no map from h36m-17 into ${layout}: nothing is its ${name}.`);
  });
  return mixJoints(single(places), poses, 'points');
}

/** Names of the layouts that {@link mapToHuman36m} takes. */
export const mappedLayouts: readonly string[] = ['h36m-17', 'h36m-32', '3dhp-28', ...Object.keys(maps)];
