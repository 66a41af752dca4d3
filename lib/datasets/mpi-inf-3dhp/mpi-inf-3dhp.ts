import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { pushAll } from '../../base/lists.js';
import { PoseError } from '../../base/pose-error.js';
import { isReadableFolder } from '../../formats/files/make-folder.js';
import { normalizeKeypoints } from '../../keypoints/normalize.js';
import { fitIntrinsics } from '../fit-camera.js';
import { asDict, asFloats, asList, describe, readPickledDict } from '../pickled-dict.js';
import type { PoseDataset, PoseSequence } from '../pose-dataset.js';
import { relativeTo } from '../root-relative.js';
import { readRawTest, readRawTrain } from './mpi-inf-3dhp-raw.js';
import { type MpiInf3dhpView, TEST_FPS, TRAIN_CAMERAS } from './mpi-inf-3dhp-view.js';

export interface MpiInf3dhpOptions {
  /** `data_train_3dhp.npz`, or the folder of the raw data: `S1/Seq1/annot.mat` and so on. */
  train?: string;
  /** `data_test_3dhp.npz`, or the folder of the raw test set: `TS1/annot_data.mat` and so on. */
  test?: string;
  /** Taken out of the training part: subjects (`S8`) or sequences (`S8/Seq2`). Default none. */
  validation?: readonly string[];
  /** Training cameras to keep, `0` to `8` without `3`. Default all eight. */
  cameras?: readonly string[];
}

const OPTION_NAMES: Readonly<Record<keyof MpiInf3dhpOptions, true>> = {
  train: true,
  test: true,
  validation: true,
  cameras: true,
};

const JOINTS = 17;
const ROOT = 14;

/**
 * Reads MPI-INF-3DHP, the training part, the test part or both: npz with a pickled dict, or the raw `.mat` files. Poses are
 * the "universal" ones (one body height), in metres and camera axes, relative to joint 14; `valid` marks the test frames
 * that count. The files name no camera: its intrinsics are those that project the 3D onto the 2D, where some do.
 *
 * Throws `ERR_DATASET` when a file holds something else, `ERR_ARGUMENT` for options that cannot be, `ERR_FILE` and
 * `ERR_FORMAT` for unreadable files.
 */
export async function loadMpiInf3dhp(options: MpiInf3dhpOptions): Promise<PoseDataset> {
  checkArguments('loadMpiInf3dhp', { options }, 'object');
  checkOptionKinds('loadMpiInf3dhp', options, { train: 'text', test: 'text', validation: 'list', cameras: 'list' });
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(OPTION_NAMES, name)) {
      throw new PoseError('ERR_ARGUMENT', `MPI-INF-3DHP has no option ${name}; known: ${Object.keys(OPTION_NAMES)}.`);
    }
  }
  const { train, test, validation = [], cameras = TRAIN_CAMERAS } = options;
  if (!train && !test) {
    throw new PoseError('ERR_ARGUMENT', 'MPI-INF-3DHP: expected the option train, test, or both.');
  }
  const unknown = cameras.find((camera) => !TRAIN_CAMERAS.includes(camera));
  if (unknown !== undefined) {
    throw new PoseError('ERR_ARGUMENT', `MPI-INF-3DHP: camera ${unknown} is none of ${TRAIN_CAMERAS.join(', ')}.`);
  }
  const views: MpiInf3dhpView[] = [];
  if (train) pushAll(views, isReadableFolder(train) ? readRawTrain(train, cameras) : readTrain(train, cameras));
  holdOut(validation, views);
  if (test) pushAll(views, isReadableFolder(test) ? await readRawTest(test) : readTest(test));
  if (views.length === 0) throw new PoseError('ERR_DATASET', 'MPI-INF-3DHP: no sequence is left to read.');
  return {
    name: 'mpi-inf-3dhp',
    inputLayout: '3dhp-17',
    outputLayout: '3dhp-17',
    rootJoint: ROOT,
    sequences: views.map(sequenceOf),
    source: 'MPI-INF-3DHP (its licence allows non-commercial research only)',
  };
}

function holdOut(validation: readonly string[], views: readonly MpiInf3dhpView[]): void {
  for (const name of validation) {
    const held = views.filter(({ subject, action }) => name === subject || name === `${subject}/${action}`);
    if (held.length === 0) {
      throw new PoseError('ERR_DATASET', `MPI-INF-3DHP: validation ${name} chooses no training sequence.`);
    }
    for (const view of held) view.split = 'validation';
  }
}

function readTrain(path: string, cameras: readonly string[]): MpiInf3dhpView[] {
  return [...readPickledDict(path, 'data')].flatMap(([name, value]) => {
    const where = `${path}: ${name}`;
    const [subject, action, ...more] = name.split(' ');
    if (!action || more.length > 0) {
      throw new PoseError('ERR_DATASET', `${where}: expected a name such as "S1 Seq1".`);
    }
    const [views, fps] = asList(value, where);
    const byCamera = asDict(views, where);
    if (typeof fps !== 'number' || !(fps > 0)) {
      throw new PoseError('ERR_DATASET', `${where}: expected a frame rate, got ${describe(fps)}.`);
    }
    return cameras.map((camera): MpiInf3dhpView => {
      const at = `${where}, camera ${camera}`;
      const view = asDict(byCamera.get(camera), at);
      const pixels = asFloats(view.get('data_2d'), [-1, JOINTS, 2], `${at}, data_2d`);
      const frames = pixels.shape[0];
      const positions = asFloats(view.get('data_3d'), [frames, JOINTS, 3], `${at}, data_3d`);
      const positionsMm = positions.data;
      return { subject, action, camera, split: 'train', fps, frames, pixels: pixels.data, positionsMm };
    });
  });
}

function readTest(path: string): MpiInf3dhpView[] {
  return [...readPickledDict(path, 'data')].map(([name, value]) => {
    const where = `${path}: ${name}`;
    const view = asDict(value, where);
    const pixels = asFloats(view.get('data_2d'), [-1, JOINTS, 2], `${where}, data_2d`);
    const frames = pixels.shape[0];
    const positions = asFloats(view.get('data_3d'), [frames, JOINTS, 3], `${where}, data_3d`);
    const valid = asFloats(view.get('valid'), [frames], `${where}, valid`);
    return {
      subject: name,
      action: name,
      camera: '0',
      split: 'test',
      fps: TEST_FPS,
      frames,
      pixels: pixels.data,
      positionsMm: positions.data,
      valid: Uint8Array.from(valid.data, (mark) => (mark > 0 ? 1 : 0)),
    };
  });
}

function sequenceOf(view: MpiInf3dhpView): PoseSequence {
  const { subject, action, camera, split, fps, frames } = view;
  if (frames === 0) throw new PoseError('ERR_DATASET', `MPI-INF-3DHP: ${subject} ${action} has no frames.`);
  const outdoors = subject === 'TS5' || subject === 'TS6';
  const [width, height] = outdoors ? [1920, 1080] : [2048, 2048];
  const keypoints = normalizeKeypoints(view.pixels, width, height);
  const points = view.positionsMm.map((value) => value / 1000);
  const seen = view.seenMm?.map((value) => value / 1000) ?? points;
  const intrinsics = fitIntrinsics(keypoints, seen, JOINTS, view.valid);
  return {
    name: split === 'test' ? subject : `${subject}/${action}/${camera}`,
    subject,
    action,
    camera,
    split,
    fps,
    frames,
    width,
    height,
    keypoints,
    ...relativeTo(ROOT, points, JOINTS),
    ...(intrinsics && { intrinsics }),
    ...(view.valid && { valid: view.valid }),
    ...(view.activity && { activity: view.activity }),
  };
}
