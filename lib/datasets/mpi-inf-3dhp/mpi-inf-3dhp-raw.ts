import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PoseError } from '../../base/pose-error.js';
import type { Tensor } from '../../base/tensor.js';
import { asFloat32 } from '../../formats/bytes/numbers.js';
import { isMatCells, type MatValue } from '../../formats/matlab/mat-value.js';
import { readMat5 } from '../../formats/matlab/mat5.js';
import { readMat73 } from '../../formats/matlab/mat73.js';
import { isTensor } from '../../formats/pickle/value.js';
import { mpiInf3dhp17Of28 } from '../../skeletons/mpi-inf-3dhp.js';
import { type MpiInf3dhpView, TEST_FPS } from './mpi-inf-3dhp-view.js';

const JOINTS = 17;
const RAW_JOINTS = 28;

/** Frames and frames a second of the training videos: the files do not say the rate, and some hold more rows. */
const TRAIN_VIDEOS: Readonly<Record<string, readonly [frames: number, fps: number]>> = {
  'S1/Seq1': [6416, 25],
  'S1/Seq2': [12430, 50],
  'S2/Seq1': [6502, 25],
  'S2/Seq2': [6081, 25],
  'S3/Seq1': [12488, 50],
  'S3/Seq2': [12283, 50],
  'S4/Seq1': [6171, 25],
  'S4/Seq2': [6675, 25],
  'S5/Seq1': [12820, 50],
  'S5/Seq2': [12312, 50],
  'S6/Seq1': [6188, 25],
  'S6/Seq2': [6145, 25],
  'S7/Seq1': [6239, 25],
  'S7/Seq2': [6320, 25],
  'S8/Seq1': [6468, 25],
  'S8/Seq2': [6054, 25],
};

/** Training views out of a folder with `S1/Seq1/annot.mat` and so on (MATLAB 5); what is absent is passed over. */
export function readRawTrain(folder: string, cameras: readonly string[]): MpiInf3dhpView[] {
  const found = Object.keys(TRAIN_VIDEOS).filter((name) => existsSync(join(folder, name, 'annot.mat')));
  if (found.length === 0) {
    throw new PoseError('ERR_DATASET', `${folder}: expected S1/Seq1/annot.mat or another of its kind, found none.`);
  }
  return found.flatMap((name) => {
    const path = join(folder, name, 'annot.mat');
    const variables = readMat5(path, { variables: ['annot2', 'univ_annot3', 'annot3'] });
    const [subject, action] = name.split('/');
    const [videoFrames, fps] = TRAIN_VIDEOS[name];
    return cameras.map((camera): MpiInf3dhpView => {
      const pixels = cameraRows(variables, 'annot2', Number(camera), 2, path);
      const positions = cameraRows(variables, 'univ_annot3', Number(camera), 3, path);
      const frames = Math.min(videoFrames, pixels.shape[0], positions.shape[0]);
      return {
        ...{ subject, action, camera, split: 'train', fps, frames },
        pixels: pick17(pixels, frames, 2),
        positionsMm: pick17(positions, frames, 3),
        ...(variables.has('annot3') && {
          seenMm: pick17(cameraRows(variables, 'annot3', Number(camera), 3, path), frames, 3),
        }),
      };
    });
  });
}

/** Numbers of one camera, (T, 28 * axes): a cell for each camera. */
function cameraRows(
  variables: ReadonlyMap<string, MatValue>,
  name: string,
  camera: number,
  axes: number,
  path: string,
): Tensor {
  const cells = variables.get(name);
  const cell = isMatCells(cells) ? cells.cells[camera] : undefined;
  if (!isTensor(cell) || cell.shape.length !== 2 || cell.shape[1] !== RAW_JOINTS * axes) {
    throw new PoseError(
      'ERR_DATASET',
      `${path}: expected ${name} to hold an array (frames, ${RAW_JOINTS * axes}) of camera ${camera}.`,
    );
  }
  return asFloat32(cell);
}

function pick17({ data }: Tensor, frames: number, axes: number): Float32Array {
  const out = new Float32Array(frames * JOINTS * axes);
  for (let frame = 0; frame < frames; frame++) {
    mpiInf3dhp17Of28.forEach((joint, i) => {
      const from = (frame * RAW_JOINTS + joint) * axes;
      out.set(data.subarray(from, from + axes), (frame * JOINTS + i) * axes);
    });
  }
  return out;
}

/** Test views out of a folder with `TS1/annot_data.mat` and so on (MATLAB 7.3). */
export async function readRawTest(folder: string): Promise<MpiInf3dhpView[]> {
  const names = readdirSync(folder).filter((name) => /^TS\d+$/.test(name) && hasAnnotations(folder, name));
  if (names.length === 0) {
    throw new PoseError('ERR_DATASET', `${folder}: expected TS1/annot_data.mat or another of its kind, found none.`);
  }
  const views: MpiInf3dhpView[] = [];
  for (const name of names.sort()) {
    const path = join(folder, name, 'annot_data.mat');
    const variables = await readMat73(path, {
      variables: ['annot2', 'univ_annot3', 'annot3', 'valid_frame', 'activity_annotation'],
    });
    const pixels = joints(variables, 'annot2', 2, path);
    const positionsMm = joints(variables, 'univ_annot3', 3, path);
    const frames = pixels.length / (JOINTS * 2);
    if (positionsMm.length !== frames * JOINTS * 3) {
      throw new PoseError('ERR_DATASET', `${path}: expected as many frames in annot2 as in univ_annot3.`);
    }
    const valid = marks(variables, 'valid_frame', frames, path);
    const labels = variables.has('activity_annotation')
      ? marks(variables, 'activity_annotation', frames, path)
      : undefined;
    views.push({
      ...{ subject: name, action: name, camera: '0', split: 'test', fps: TEST_FPS, frames, pixels, positionsMm },
      valid: valid.map((mark) => (mark > 0 ? 1 : 0)),
      ...(variables.has('annot3') && { seenMm: joints(variables, 'annot3', 3, path) }),
      ...(labels && { activity: labels }),
    });
  }
  return views;
}

function hasAnnotations(folder: string, name: string): boolean {
  return existsSync(join(folder, name, 'annot_data.mat'));
}

/** The one person's joints, (T, 17, axes), of a variable that MATLAB holds as (axes, 17, 1, T). */
function joints(variables: ReadonlyMap<string, MatValue>, name: string, axes: number, path: string): Float32Array {
  const value = variables.get(name);
  const shape = isTensor(value) ? value.shape : [];
  if (!isTensor(value) || shape.length !== 4 || shape[0] !== axes || shape[1] !== JOINTS || shape[2] !== 1) {
    throw new PoseError(
      'ERR_DATASET',
      `${path}: expected ${name} to be (${axes}, ${JOINTS}, 1, frames) in MATLAB, got (${shape.join(', ')}).`,
    );
  }
  const frames = shape[3];
  const { data } = asFloat32(value);
  const out = new Float32Array(data.length);
  for (let row = 0; row < axes * JOINTS; row++) {
    const to = (row % JOINTS) * axes + Math.floor(row / JOINTS);
    for (let frame = 0; frame < frames; frame++) out[frame * JOINTS * axes + to] = data[row * frames + frame];
  }
  return out;
}

/** One small whole number a frame. */
function marks(variables: ReadonlyMap<string, MatValue>, name: string, frames: number, path: string): Uint8Array {
  const value = variables.get(name);
  if (!isTensor(value) || value.data.length !== frames) {
    throw new PoseError('ERR_DATASET', `${path}: expected ${name} to hold one number for each of ${frames} frames.`);
  }
  return Uint8Array.from(asFloat32(value).data);
}
