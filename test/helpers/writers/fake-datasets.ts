import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '../../../lib/base/tensor.js';
import { human36mCameras, projectPoints } from '../../../lib/datasets/cameras.js';
import { projectToPixels, type VirtualCamera, worldToCamera } from '../../../lib/datasets/mocap/virtual-camera.js';
import { HUMAN36M_ACTIONS } from '../../../lib/metrics/pooling.js';
import { human36m17Of32 } from '../../../lib/skeletons/human36m.js';
import { walker } from '../walker.js';
import { type MatInput, writeMat5 } from './mat5-writer.js';
import { type Picklable, writeObjectNpz } from './pickle-writer.js';

export interface FakeOptions {
  /** Frames of each sequence (a few differ by up to 3). */
  frames: number;
}

/** Which actions each subject of the made-up Human3.6M performs: S9 and S11 together all fifteen. */
export const FAKE_HUMAN36M_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  S1: ['Directions 1', 'Walking 1', 'Sitting 2'],
  S5: ['Greeting', 'Photo 1'],
  S6: ['Eating 1', 'WalkDog'],
  S7: ['Posing', 'Smoking 1'],
  S8: ['Phoning 1', 'WalkTogether 1'],
  S9: HUMAN36M_ACTIONS.slice(0, 8).map((action) => `${action} 1`),
  S11: [...HUMAN36M_ACTIONS.slice(8).map((action) => `${action} 1`), 'Walking'],
};

/**
 * Writes `data_3d_h36m.npz` and `data_2d_h36m_gt.npz` into a folder: random walkers seen by the data set's real cameras.
 * Some 2D arrays are longer than their 3D, as in the real files.
 */
export function writeFakeHuman36m(
  folder: string,
  { frames }: FakeOptions,
): { positions3d: string; positions2d: string } {
  mkdirSync(folder, { recursive: true });
  const positions: Record<string, Record<string, Picklable>> = {};
  const detections: Record<string, Record<string, Picklable>> = {};
  for (const [subject, actions] of Object.entries(FAKE_HUMAN36M_ACTIONS)) {
    positions[subject] = {};
    detections[subject] = {};
    actions.forEach((action, i) => {
      const length = frames + (i % 2);
      const extra = i % 3;
      const world = walker(`${subject} ${action}`, length + extra, 50);
      const kept = world.subarray(0, length * 51);
      positions[subject][action] = { data: spread(kept), shape: [length, 32, 3] };
      detections[subject][action] = human36mCameras(subject).map((camera) => ({
        data: projectPoints(worldToCamera(camera.extrinsics, world), camera),
        shape: [length + extra, 17, 2],
      }));
    });
  }
  const metadata = {
    layout_name: 'h36m',
    num_joints: 17,
    keypoints_symmetry: [
      [4, 5, 6, 11, 12, 13],
      [1, 2, 3, 14, 15, 16],
    ],
  };
  const paths = { positions3d: join(folder, 'data_3d_h36m.npz'), positions2d: join(folder, 'data_2d_h36m_gt.npz') };
  writeObjectNpz(paths.positions3d, { positions_3d: positions });
  writeObjectNpz(paths.positions2d, { positions_2d: detections, metadata });
  return paths;
}

/** (T, 17, 3) among the 32 joints of the motion capture; the others lie at the hip. */
function spread(poses: Float32Array): Float32Array {
  const frames = poses.length / 51;
  const out = new Float32Array(frames * 96);
  for (let frame = 0; frame < frames; frame++) {
    for (let joint = 0; joint < 32; joint++) {
      const from = frame * 51 + 3 * Math.max(0, human36m17Of32.indexOf(joint));
      out.set(poses.subarray(from, from + 3), frame * 96 + 3 * joint);
    }
  }
  return out;
}

/** For each joint of 3dhp-17, the walker's joint. */
const JOINTS_3DHP = [10, 8, 14, 15, 16, 11, 12, 13, 1, 2, 3, 4, 5, 6, 0, 7, 9];
/** For each joint of 3dhp-17, its place among the 28 of the raw files. */
const PLACES_28 = [7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6];
const TRAIN_CAMERAS = [0, 1, 2, 4, 5, 6, 7, 8];

export interface Fake3dhp {
  trainNpz: string;
  testNpz: string;
  /** Holds `S1/Seq1/annot.mat`. */
  rawTrain: string;
  /** Holds `TS1/annot_data.mat` and `TS6/annot_data.mat`. */
  rawTest: string;
}

/**
 * Writes MPI-INF-3DHP in both of its forms: `data_train_3dhp.npz` (S1 Seq1, S1 Seq2, S8 Seq1) and `data_test_3dhp.npz`
 * (TS1 to TS6, some frames not valid), and raw `.mat` files of S1 Seq1, TS1 and TS6 with the same numbers.
 */
export async function writeFake3dhp(folder: string, { frames }: FakeOptions): Promise<Fake3dhp> {
  const train: Record<string, Picklable> = {};
  for (const [name, fps] of [
    ['S1 Seq1', 25],
    ['S1 Seq2', 50],
    ['S8 Seq1', 25],
  ] as const) {
    const views = TRAIN_CAMERAS.map((camera) => [String(camera), fakeView(name, frames, fps, camera, 2048, 2048)]);
    train[name] = [Object.fromEntries(views.map(([key, view]) => [key, viewDict(view as View)])), fps];
  }
  const test = Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => {
      const { view, valid } = fakeTest(i + 1, frames);
      return [`TS${i + 1}`, { ...viewDict(view), valid: { data: Float64Array.from(valid), shape: [frames] } }];
    }),
  );
  const paths = {
    trainNpz: join(folder, 'data_train_3dhp.npz'),
    testNpz: join(folder, 'data_test_3dhp.npz'),
    rawTrain: join(folder, 'mpi_inf_3dhp'),
    rawTest: join(folder, 'mpi_inf_3dhp_test_set'),
  };
  mkdirSync(join(paths.rawTrain, 'S1', 'Seq1'), { recursive: true });
  writeObjectNpz(paths.trainNpz, { data: train });
  writeObjectNpz(paths.testNpz, { data: test });
  writeAnnot(join(paths.rawTrain, 'S1', 'Seq1', 'annot.mat'), 'S1 Seq1', frames);
  for (const sequence of [1, 6]) {
    mkdirSync(join(paths.rawTest, `TS${sequence}`), { recursive: true });
    await writeAnnotData(join(paths.rawTest, `TS${sequence}`, 'annot_data.mat'), sequence, frames);
  }
  return paths;
}

interface View {
  /** (T, 17, 2) pixels and (T, 17, 3) millimetres, camera axes. */
  keypoints: Tensor;
  poses: Tensor;
}

function viewDict({ keypoints, poses }: View): Record<string, Picklable> {
  return { data_2d: keypoints, data_3d: poses };
}

function fakeView(seed: string, frames: number, fps: number, camera: number, width: number, height: number): View {
  const world = walker(seed, frames, fps);
  const picked = new Float32Array(world.length);
  for (let i = 0; i < frames * 17; i++) {
    const from = (i - (i % 17) + JOINTS_3DHP[i % 17]) * 3;
    picked.set(world.subarray(from, from + 3), 3 * i);
  }
  const eye = ringCamera(camera, width, height);
  const inCamera = worldToCamera(eye.extrinsics, picked);
  return {
    keypoints: { data: projectToPixels(eye, inCamera), shape: [frames, 17, 2] },
    poses: { data: inCamera.map((value) => 1000 * value), shape: [frames, 17, 3] },
  };
}

/** A camera 4.5 m from the origin and 1.2 m up, level, looking at the middle; the world's z axis points up. */
function ringCamera(camera: number, width: number, height: number): VirtualCamera {
  const angle = (2 * Math.PI * camera) / 9;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return {
    width,
    height,
    fx: 0.75 * width,
    fy: 0.75 * width,
    cx: width / 2,
    cy: height / 2,
    extrinsics: { rotation: [-s, c, 0, 0, 0, -1, -c, -s, 0], translation: [0, 1.2, 4.5] },
  };
}

function fakeTest(sequence: number, frames: number): { view: View; valid: number[]; activity: number[] } {
  const [width, height] = sequence >= 5 ? [1920, 1080] : [2048, 2048];
  return {
    view: fakeView(`TS${sequence}`, frames, 25, sequence, width, height),
    valid: Array.from({ length: frames }, (_, frame) => (frame % 7 === sequence ? 0 : 1)),
    activity: Array.from({ length: frames }, (_, frame) => 1 + ((sequence + Math.floor(frame / 4)) % 7)),
  };
}

/** `annot.mat`: 14 cameras of 28 joints, each camera a cell with a row of numbers a frame. */
function writeAnnot(path: string, name: string, frames: number): void {
  const views = Array.from({ length: 14 }, (_, camera) => fakeView(name, frames, 25, camera, 2048, 2048));
  const cells = (pick: (view: View) => Tensor): MatInput => ({ cells: views.map((view) => among28(pick(view))) });
  writeMat5(path, {
    annot2: cells((view) => view.keypoints),
    univ_annot3: cells((view) => view.poses),
    cameras: { data: Array.from({ length: 14 }, (_, camera) => camera), rows: 1, columns: 14 },
    frames: { data: Array.from({ length: frames }, (_, frame) => frame), rows: frames, columns: 1 },
  });
}

function among28({ data, shape }: Tensor): { data: Float64Array; rows: number; columns: number } {
  const [frames, , axes] = shape;
  const out = new Float64Array(frames * 28 * axes);
  for (let frame = 0; frame < frames; frame++) {
    PLACES_28.forEach((place, joint) => {
      const from = (frame * 17 + joint) * axes;
      out.set(data.subarray(from, from + axes), (frame * 28 + place) * axes);
    });
  }
  return { data: out, rows: frames, columns: 28 * axes };
}

/** `annot_data.mat`, HDF5: MATLAB's axes come out reversed, so that the first one is the frame. */
async function writeAnnotData(path: string, sequence: number, frames: number, tallness?: number): Promise<void> {
  const h5 = await import('h5wasm/node');
  await h5.ready;
  const { view, valid, activity } = fakeTest(sequence, frames);
  const file = new h5.File(path, 'w');
  const write = (name: string, data: ArrayLike<number>, shape: number[]) =>
    file.create_dataset({ name, data: Float64Array.from(data), shape });
  write('annot2', view.keypoints.data, [frames, 1, 17, 2]);
  if (tallness === undefined) write('univ_annot3', view.poses.data, [frames, 1, 17, 3]);
  else {
    write('annot3', view.poses.data, [frames, 1, 17, 3]);
    write('univ_annot3', aboutHip(view.poses.data, tallness), [frames, 1, 17, 3]);
  }
  write('valid_frame', valid, [frames, 1]);
  write('activity_annotation', activity, [frames, 1]);
  file.close();
}

/** Poses (T, 17, 3) that are larger about the hip, joint 14. */
function aboutHip(poses: ArrayLike<number>, factor: number): number[] {
  return Array.from(poses, (value, at) => {
    const hip = poses[at - (at % 51) + 14 * 3 + (at % 3)];
    return hip + factor * (value - hip);
  });
}

/** A raw test folder whose `univ_annot3` is of a body of another height than the one seen, which `annot3` holds. */
export async function writeOneHeight(folder: string, frames: number, tallness: number): Promise<string> {
  mkdirSync(join(folder, 'TS1'), { recursive: true });
  await writeAnnotData(join(folder, 'TS1', 'annot_data.mat'), 1, frames, tallness);
  return folder;
}
