import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { loadMpiInf3dhp, type MpiInf3dhpOptions } from '../../lib/datasets/mpi-inf-3dhp/mpi-inf-3dhp.js';
import type { PoseDataset } from '../../lib/datasets/pose-dataset.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { type Fake3dhp, writeFake3dhp, writeOneHeight } from '../helpers/writers/fake-datasets.js';
import { writeMat5 } from '../helpers/writers/mat5-writer.js';
import { writeObjectNpz } from '../helpers/writers/pickle-writer.js';

const FRAMES = 14;
const folder = temporaryFolder();
let paths: Fake3dhp;
let dataset: PoseDataset;

beforeAll(async () => {
  paths = await writeFake3dhp(folder, { frames: FRAMES });
  dataset = await loadMpiInf3dhp({ train: paths.trainNpz, test: paths.testNpz });
});

const find = (data: PoseDataset, name: string) => data.sequences.find((sequence) => sequence.name === name)!;

describe('MPI-INF-3DHP from npz', () => {
  it('has eight cameras of each training sequence and six test sequences', () => {
    expect(dataset).toMatchObject({ inputLayout: '3dhp-17', outputLayout: '3dhp-17', rootJoint: 14 });
    expect(dataset.sequences).toHaveLength(3 * 8 + 6);
    expect(find(dataset, 'S1/Seq2/8')).toMatchObject({
      subject: 'S1',
      camera: '8',
      split: 'train',
      fps: 50,
      frames: 14,
    });
    expect(find(dataset, 'S8/Seq1/0').fps).toBe(25);
    expect(dataset.sequences.filter(({ split }) => split === 'test').map(({ name }) => name)).toEqual([
      'TS1',
      'TS2',
      'TS3',
      'TS4',
      'TS5',
      'TS6',
    ]);
  });

  it('knows that the last two test sequences are smaller images', () => {
    const size = (name: string) => [find(dataset, name).width, find(dataset, name).height];
    expect([size('S1/Seq1/4'), size('TS4'), size('TS5'), size('TS6')]).toEqual([
      [2048, 2048],
      [2048, 2048],
      [1920, 1080],
      [1920, 1080],
    ]);
  });

  it('gives metres relative to joint 14, which the keypoints agree with', () => {
    for (const { keypoints, poses, root, frames, width, height } of dataset.sequences) {
      for (let i = 0; i < frames * 17; i++) {
        const frame = Math.floor(i / 17);
        const [x, y, z] = [0, 1, 2].map((axis) => poses![3 * i + axis] + root![3 * frame + axis]);
        // The made-up cameras: focal length 0.75 widths, centre in the middle of the image.
        expect(keypoints[2 * i]).toBeCloseTo((1.5 * x) / z, 4);
        expect(keypoints[2 * i + 1]).toBeCloseTo((1.5 * y) / z, 4);
        if (i % 17 === 14) expect([...poses!.subarray(3 * i, 3 * i + 3)]).toEqual([0, 0, 0]);
      }
      expect(height).toBeLessThanOrEqual(width);
      // Head above hip: y points down.
      expect(poses![1]).toBeLessThan(-0.3);
    }
  });

  it('finds the cameras, which the files do not name', () => {
    for (const { intrinsics } of dataset.sequences) {
      expect(intrinsics!.fx).toBeCloseTo(1.5, 5);
      expect(intrinsics!.fy).toBeCloseTo(1.5, 5);
      expect(intrinsics!.cx).toBeCloseTo(0, 5);
      expect(intrinsics!.cy).toBeCloseTo(0, 5);
    }
  });

  it('marks the valid test frames', () => {
    expect([...find(dataset, 'TS2').valid!]).toEqual([1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1]);
    expect(find(dataset, 'S1/Seq1/0').valid).toBeUndefined();
  });

  it('holds out a validation split and chooses cameras', async () => {
    const chosen = await loadMpiInf3dhp({ train: paths.trainNpz, validation: ['S8', 'S1/Seq2'], cameras: ['0', '7'] });
    expect(chosen.sequences.map(({ name, split }) => `${name} ${split}`)).toEqual([
      'S1/Seq1/0 train',
      'S1/Seq1/7 train',
      'S1/Seq2/0 validation',
      'S1/Seq2/7 validation',
      'S8/Seq1/0 validation',
      'S8/Seq1/7 validation',
    ]);
  });
});

describe('MPI-INF-3DHP from raw .mat files', () => {
  it('fits the cameras to the body that was seen, not to the one of the common height', async () => {
    const test = await writeOneHeight(join(temporaryFolder(), 'tall'), FRAMES, 1.15);
    const [{ intrinsics }] = (await loadMpiInf3dhp({ test })).sequences;
    expect(intrinsics!.fx).toBeCloseTo(1.5, 5);
    expect(intrinsics!.cy).toBeCloseTo(0, 5);
  });

  it('gives what the npz of the same numbers gives, with the activities on top', async () => {
    const raw = await loadMpiInf3dhp({ train: paths.rawTrain, test: paths.rawTest });
    expect(raw.sequences.map(({ name }) => name)).toEqual([
      ...['0', '1', '2', '4', '5', '6', '7', '8'].map((camera) => `S1/Seq1/${camera}`),
      'TS1',
      'TS6',
    ]);
    for (const sequence of raw.sequences) {
      const { activity, ...rest } = sequence;
      expect(rest).toEqual(find(dataset, sequence.name));
      expect(activity?.length).toBe(sequence.split === 'test' ? FRAMES : undefined);
    }
    expect([...find(raw, 'TS6').activity!.subarray(0, 9)]).toEqual([7, 7, 7, 7, 1, 1, 1, 1, 2]);
  });
});

describe('what does not fit', () => {
  it.each<[string, () => MpiInf3dhpOptions & Record<string, unknown>, RegExp]>([
    ['nothing to read', () => ({}), /train, test, or both/],
    ['an unknown option', () => ({ test: paths.testNpz, split: 'test' }), /no option split/],
    ['the ceiling camera', () => ({ train: paths.trainNpz, cameras: ['3'] }), /camera 3/],
    ['a validation name of nobody', () => ({ train: paths.trainNpz, validation: ['S2'] }), /validation S2/],
    ['the test file as training', () => ({ train: paths.testNpz }), /such as "S1 Seq1"/],
    ['the training file as test', () => ({ test: paths.trainNpz }), /expected a dict, got a list of 2/],
    ['a missing file', () => ({ test: join(folder, 'none.npz') }), /none\.npz: cannot be read/],
    ['a folder without data', () => ({ test: paths.rawTrain }), /expected TS1\/annot_data\.mat/],
    ['a folder without training data', () => ({ train: paths.rawTest }), /expected S1\/Seq1\/annot\.mat/],
  ])('%s', async (_, options, message) => {
    const error = await loadMpiInf3dhp(options()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PoseError);
    expect((error as PoseError).message).toMatch(message);
  });

  it('arrays of other sizes', async () => {
    const path = join(folder, 'odd.npz');
    const array = (...shape: number[]) => ({ data: new Float32Array(shape.reduce((a, b) => a * b)), shape });
    writeObjectNpz(path, { data: { TS1: { data_2d: array(4, 17, 2), data_3d: array(5, 17, 3), valid: array(4) } } });
    await expect(loadMpiInf3dhp({ test: path })).rejects.toThrow(/TS1, data_3d: expected an array \(4, 17, 3\)/);
    writeObjectNpz(path, { data: { TS1: { data_2d: array(4, 17, 2), data_3d: array(4, 17, 3), valid: array(3) } } });
    await expect(loadMpiInf3dhp({ test: path })).rejects.toThrow(/TS1, valid: expected an array \(4\)/);
    mkdirSync(join(folder, 'odd', 'S2', 'Seq1'), { recursive: true });
    writeMat5(join(folder, 'odd', 'S2', 'Seq1', 'annot.mat'), { annot2: { data: [1, 2], rows: 1, columns: 2 } });
    await expect(loadMpiInf3dhp({ train: join(folder, 'odd') })).rejects.toThrow(
      /annot2 to hold an array \(frames, 56\)/,
    );
  });
});
