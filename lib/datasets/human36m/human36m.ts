import { checkArguments } from '../../base/check-arguments.js';
import { pushAll } from '../../base/lists.js';
import { PoseError } from '../../base/pose-error.js';
import type { Tensor } from '../../base/tensor.js';
import { normalizeKeypoints } from '../../keypoints/normalize.js';
import { human36m17Of32 } from '../../skeletons/human36m.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import { type Camera, human36mCameras, normalizeIntrinsics } from '../cameras.js';
import { worldToCamera } from '../mocap/virtual-camera.js';
import { asDict, asFloats, asList, type PickledDict, readPickledDict } from '../pickled-dict.js';
import type { PoseDataset, PoseSequence, Split } from '../pose-dataset.js';
import { relativeTo } from '../root-relative.js';
import { HUMAN36M_LENSES } from './human36m-cameras.js';

export interface Human36mOptions {
  /** `data_3d_h36m.npz`. */
  positions3d: string;
  /** `data_2d_h36m_<detector>.npz` of any detector. */
  positions2d: string;
  /** Default S1, S5, S6, S7, S8. */
  trainSubjects?: readonly string[];
  /** Default S9, S11. */
  testSubjects?: readonly string[];
  /** Taken out of the training part: subjects (`S8`), or actions of one (`S8/Walking 1`). Default none. */
  validation?: readonly string[];
  /** Actions to keep, with or without their number (`Walking`, `Walking 1`). Default all. */
  actions?: readonly string[];
  /** Cameras to keep, by name (`54138969`) or by place (`0` to `3`). Default all four. */
  cameras?: readonly string[];
  /** Layout of the 2D joints. Default: what the file's metadata says. */
  inputLayout?: string;
}

const OPTION_NAMES: Readonly<Record<keyof Human36mOptions, true>> = {
  positions3d: true,
  positions2d: true,
  trainSubjects: true,
  testSubjects: true,
  validation: true,
  actions: true,
  cameras: true,
  inputLayout: true,
};

const FPS = 50;
const JOINTS = 17;
const TRAIN_SUBJECTS = ['S1', 'S5', 'S6', 'S7', 'S8'];
const TEST_SUBJECTS = ['S9', 'S11'];

/**
 * Reads Human3.6M as it is passed around: 3D positions in the world and 2D detections in pixels, each a pickled dict in an
 * npz. Poses go into each camera's axes, relative to joint 0; detections beyond the motion capture's last frame are cut.
 * An action that only the 2D file has is left out.
 *
 * Throws `ERR_DATASET` when the two files do not belong together or lack what was asked for, `ERR_ARGUMENT` for an unknown
 * option, `ERR_FILE` and `ERR_FORMAT` for unreadable files.
 */
export function loadHuman36m(options: Human36mOptions): PoseDataset {
  checkArguments('loadHuman36m', { options }, 'object');
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(OPTION_NAMES, name)) {
      throw new PoseError('ERR_ARGUMENT', `Human3.6M has no option ${name}; known are ${Object.keys(OPTION_NAMES)}.`);
    }
  }
  const { positions2d, positions3d } = options;
  const motion = readPickledDict(positions3d, 'positions_3d');
  const detections = readPickledDict(positions2d, 'positions_2d');
  const layout = inputLayoutOf(options);
  const splits: [Split, readonly string[]][] = [
    ['train', options.trainSubjects ?? TRAIN_SUBJECTS],
    ['test', options.testSubjects ?? TEST_SUBJECTS],
  ];
  checkSubjects(splits, motion, positions3d);
  const sequences: PoseSequence[] = [];
  for (const [split, subjects] of splits) {
    for (const subject of subjects) {
      pushAll(sequences, subjectSequences(options, split, subject, motion, detections, layout.joints));
    }
  }
  checkChoices(options, sequences);
  return {
    name: 'human36m',
    inputLayout: layout.name,
    outputLayout: 'h36m-17',
    rootJoint: 0,
    sequences,
    source: 'Human3.6M (its licence allows academic use only)',
  };
}

/** Layout and number of the 2D joints, from the file's metadata unless the option says it. */
function inputLayoutOf({ positions2d, inputLayout }: Human36mOptions): { name: string; joints: number } {
  const where = `${positions2d}: metadata`;
  const metadata = readPickledDict(positions2d, 'metadata');
  const joints = metadata.get('num_joints');
  if (typeof joints !== 'number') {
    throw new PoseError('ERR_DATASET', `${where}: expected the number of joints as num_joints.`);
  }
  const layout = metadata.get('layout_name');
  // The stacked hourglass files have 16 joints and no name for them.
  const known = typeof layout === 'string' ? `${layout}-${joints}` : joints === 16 ? 'mpii-16' : 'h36m-17';
  const skeleton = skeletonByName(inputLayout ?? known);
  if (skeleton.joints.length !== joints) {
    throw new PoseError(
      'ERR_DATASET',
      `${where}: layout ${skeleton.name} has ${skeleton.joints.length} joints, but the file has ${joints}.`,
    );
  }
  return { name: skeleton.name, joints };
}

function checkSubjects(splits: readonly [Split, readonly string[]][], motion: PickledDict, path: string): void {
  const seen = new Set<string>();
  for (const subject of splits.flatMap(([, subjects]) => subjects)) {
    if (!motion.has(subject)) {
      const known = [...motion.keys()].join(', ');
      throw new PoseError('ERR_DATASET', `${path}: there is no subject ${subject}, only ${known}.`);
    }
    if (seen.has(subject)) {
      throw new PoseError('ERR_DATASET', `Subject ${subject} is asked for twice; nobody may train and test at once.`);
    }
    seen.add(subject);
  }
}

/** Every name that was asked for must have chosen something: a misspelt one would silently train on less. */
function checkChoices(options: Human36mOptions, sequences: readonly PoseSequence[]): void {
  const check = (what: string, wanted: readonly string[] | undefined, found: (name: string) => boolean) => {
    const lost = wanted?.find((name) => !found(name));
    if (lost !== undefined) throw new PoseError('ERR_DATASET', `Human3.6M: ${what} ${lost} chooses no sequence.`);
  };
  const held = sequences.filter(({ split }) => split === 'validation');
  check('validation', options.validation, (name) => held.some((sequence) => names(sequence).includes(name)));
  check('action', options.actions, (name) => sequences.some(({ action }) => isAction(action, name)));
  const ids = HUMAN36M_LENSES.map(({ id }) => id);
  check('camera', options.cameras, (name) => ids.some((id, place) => isCamera(id, place, name)));
  if (sequences.length === 0) {
    throw new PoseError('ERR_DATASET', `${options.positions3d}: no sequence is left to read.`);
  }
}

function isAction(action: string, name: string): boolean {
  return name === action || name === action.split(' ', 1)[0];
}

function isCamera(id: string, place: number, name: string): boolean {
  return name === id || name === String(place);
}

function names({ subject, action }: Pick<PoseSequence, 'subject' | 'action'>): string[] {
  return [subject, `${subject}/${action}`, `${subject}/${action.split(' ', 1)[0]}`];
}

function subjectSequences(
  options: Human36mOptions,
  split: Split,
  subject: string,
  motion: PickledDict,
  detections: PickledDict,
  joints: number,
): PoseSequence[] {
  const { positions2d, positions3d, actions, validation } = options;
  const seen = asDict(detections.get(subject), `${positions2d}: ${subject}`);
  const cameras = human36mCameras(subject);
  const sequences: PoseSequence[] = [];
  for (const [action, positions] of asDict(motion.get(subject), `${positions3d}: ${subject}`)) {
    if (actions && !actions.some((name) => isAction(action, name))) continue;
    const where = `${positions2d}: ${subject}/${action}`;
    const world = pick17(asFloats(positions, [-1, 32, 3], `${positions3d}: ${subject}/${action}`));
    const views = asList(seen.get(action), where);
    if (views.length !== cameras.length) {
      throw new PoseError('ERR_DATASET', `${where}: expected ${cameras.length} cameras, got ${views.length}.`);
    }
    const held = split === 'train' && validation?.some((name) => names({ subject, action }).includes(name));
    cameras.forEach((camera, i) => {
      const view = views[i];
      const kept = !options.cameras || options.cameras.some((name) => isCamera(camera.id, i, name));
      if (!kept || view === null) return;
      const pixels = asFloats(view, [-1, joints, -1], `${where}/${camera.id}`);
      const about = { subject, action, split: held ? 'validation' : split } as const;
      sequences.push(sequenceOf(about, camera, world, pixels, `${where}/${camera.id}`));
    });
  }
  return sequences;
}

/** The 17 joints of (T, 32, 3), as (T, 17, 3). */
function pick17(positions: Tensor): Tensor {
  const frames = positions.shape[0];
  const data = new Float32Array(frames * JOINTS * 3);
  for (let frame = 0; frame < frames; frame++) {
    human36m17Of32.forEach((joint, i) => {
      const from = (frame * 32 + joint) * 3;
      data.set(positions.data.subarray(from, from + 3), (frame * JOINTS + i) * 3);
    });
  }
  return { data, shape: [frames, JOINTS, 3] };
}

function sequenceOf(
  about: Pick<PoseSequence, 'subject' | 'action' | 'split'>,
  camera: Camera,
  world: Tensor,
  pixels: Tensor,
  where: string,
): PoseSequence {
  const frames = world.shape[0];
  const [seen, joints, columns] = pixels.shape;
  if (seen < frames || columns < 2 || frames === 0) {
    throw new PoseError(
      'ERR_DATASET',
      `${where}: expected 2D joints of at least ${Math.max(1, frames)} frames (the length of the 3D), got ` +
        `(${pixels.shape.join(', ')}).`,
    );
  }
  const flat = new Float32Array(frames * joints * 2);
  for (let i = 0; i < frames * joints; i++) {
    flat[2 * i] = pixels.data[columns * i];
    flat[2 * i + 1] = pixels.data[columns * i + 1];
  }
  return {
    ...about,
    name: `${about.subject}/${about.action}/${camera.id}`,
    camera: camera.id,
    fps: FPS,
    frames,
    width: camera.width,
    height: camera.height,
    keypoints: normalizeKeypoints(flat, camera.width, camera.height),
    ...relativeTo(0, worldToCamera(camera.extrinsics, world.data), JOINTS),
    intrinsics: normalizeIntrinsics(camera),
    extrinsics: camera.extrinsics,
  };
}
