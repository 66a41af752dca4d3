import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDataset, readDatasetMetadata, writeDataset } from '../../lib/datasets/dataset-file.js';
import type { PoseDataset, PoseSequence, Split } from '../../lib/datasets/pose-dataset.js';
import { openSafetensors, readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js';
import { largestDifference } from '../helpers/difference.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const path = join(folder, 'data.safetensors');

function sequence(subject: string, camera: string, split: Split, frames: number): PoseSequence {
  const seed = subject.length + Number(camera) * 10;
  return {
    name: `${subject}/walk 1/${camera}`,
    subject,
    action: 'walk 1',
    camera,
    split,
    fps: 50,
    frames,
    width: 800,
    height: 600,
    keypoints: Float32Array.from({ length: frames * 34 }, (_, i) => Math.sin(seed + i)),
    poses: Float32Array.from({ length: frames * 51 }, (_, i) => Math.cos(seed + i)),
    root: Float32Array.from({ length: frames * 3 }, (_, i) => seed + i),
    intrinsics: { fx: 2.3, fy: 2.2, cx: 0.01, cy: -0.02 },
    extrinsics: { rotation: [1, 0, 0, 0, 1, 0, 0, 0, 1], translation: [0, 1, 5] },
  };
}

const dataset: PoseDataset = {
  name: 'two people',
  inputLayout: 'h36m-17',
  outputLayout: 'h36m-17',
  rootJoint: 0,
  source: 'Made by a test, CC0.',
  sequences: [
    sequence('anna', '0', 'train', 5),
    sequence('anna', '1', 'train', 5),
    { ...sequence('berta', '0', 'test', 7), valid: Uint8Array.of(1, 0, 1, 1, 1, 1, 0) },
  ],
};

function expectClose(actual: Float32Array | undefined, expected: Float32Array | undefined): void {
  expect(largestDifference(actual ?? [], expected ?? [])).toBeLessThan(1e-6);
  expect(actual?.length).toBe(expected?.length);
}

describe('the data set file', () => {
  it('gives back what was written', async () => {
    await writeDataset(path, dataset);
    const { sequences, ...rest } = await readDataset(path);
    const { sequences: written, ...restWritten } = dataset;
    expect(rest).toEqual(restWritten);
    expect(sequences.length).toBe(3);
    sequences.forEach((own, i) => {
      const { keypoints, poses, root, intrinsics, valid, ...others } = own;
      const { keypoints: k, poses: p, root: r, intrinsics: c, valid: v, ...expected } = written[i];
      expect(others).toEqual(expected);
      expectClose(keypoints, k);
      expectClose(poses, p);
      expectClose(root, r);
      expect(valid).toEqual(v ?? new Uint8Array(own.frames).fill(1));
      for (const key of ['fx', 'fy', 'cx', 'cy'] as const) expect(intrinsics?.[key]).toBeCloseTo(c?.[key] ?? 0, 10);
    });
  });

  it('holds pixels, metres and a description in plain safetensors', async () => {
    await writeDataset(path, dataset);
    const { tensors, metadata } = readSafetensors(path);
    expect(tensors.get('keypoints')?.shape).toEqual([17, 17, 2]);
    expect(tensors.get('poses')?.shape).toEqual([17, 17, 3]);
    const pixels = tensors.get('keypoints')?.data ?? [];
    const [x, y] = dataset.sequences[0].keypoints;
    expect(Number(pixels[0])).toBeCloseTo(((x + 1) * 800) / 2, 3);
    expect(Number(pixels[1])).toBeCloseTo(((y + 600 / 800) * 800) / 2, 3);
    const described = JSON.parse(metadata['pstmo.dataset']);
    expect(described.units.keypoints).toBe('pixels');
    expect(described.sequences[2]).toMatchObject({ name: 'berta/walk 1/0', start: 10, frames: 7, fps: 50 });
    expect(described.sequences[0].intrinsics.fx).toBeCloseTo(920);
    expect(readDatasetMetadata(path).sequences.length).toBe(3);
  });

  it('reads the sequences that are asked for alone', async () => {
    await writeDataset(path, dataset);
    const test = await readDataset(path, { splits: ['test'] });
    expect(test.sequences.map(({ name }) => name)).toEqual(['berta/walk 1/0']);
    expectClose(test.sequences[0].poses, dataset.sequences[2].poses);
    expectClose(test.sequences[0].keypoints, dataset.sequences[2].keypoints);
    expect(test.sequences[0].poses?.buffer.byteLength).toBe(7 * 51 * 4);
    const camera = await readDataset(path, { cameras: ['1'], subjects: ['anna'] });
    expect(camera.sequences.map(({ name }) => name)).toEqual(['anna/walk 1/1']);
    expectClose(camera.sequences[0].keypoints, dataset.sequences[1].keypoints);
    await expect(readDataset(path, { subjects: ['carla'] })).rejects.toThrow(/no subject carla; it has anna, berta/);
    await expect(readDataset(path, { subjects: ['berta'], splits: ['train'] })).rejects.toThrow(/no sequence has all/);
    await expect(readDataset(path, { joints: ['hip'] } as object)).rejects.toThrow(/not by joints/);
  });

  it('keeps data without 3D, and refuses a mixture', async () => {
    const flat = dataset.sequences.map(({ poses: _p, root: _r, ...rest }) => rest);
    await writeDataset(path, { ...dataset, sequences: flat });
    const read = await readDataset(path);
    expect(read.sequences[0].poses).toBeUndefined();
    expect([...openSafetensors(path).entries.keys()].sort()).toEqual(['keypoints', 'valid']);
    const mixed = [dataset.sequences[0], flat[1]];
    await expect(writeDataset(path, { ...dataset, sequences: mixed })).rejects.toThrow(/0 values of poses a frame/);
    await expect(writeDataset(path, { ...dataset, sequences: [] })).rejects.toThrow(/without sequences/);
  });

  it('says what is wrong with a file', async () => {
    await writeDataset(path, dataset);
    const { tensors, metadata } = readSafetensors(path);
    const bad = join(folder, 'bad.safetensors');
    const described = JSON.parse(metadata['pstmo.dataset']);
    const withDescription = async (change: (value: typeof described) => void) => {
      const value = structuredClone(described);
      change(value);
      writeSafetensors(bad, tensors, { 'pstmo.dataset': JSON.stringify(value) });
      await readDataset(bad);
    };
    await expect(withDescription((value) => (value.sequences[2].frames = 8))).rejects.toThrow(
      /bad\.safetensors: sequence berta.* takes frames 10 to 18, but the file holds 17/,
    );
    await expect(withDescription((value) => (value.sequences[0].fps = 'fast'))).rejects.toThrow(/sequences\.0\.fps/);
    await expect(withDescription((value) => (value.version = 9))).rejects.toThrow(/version 9/);
    await expect(withDescription((value) => (value.outputLayout = 'coco'))).rejects.toThrow(/called "coco"/);
    await expect(withDescription((value) => (value.outputLayout = 'halpe-26'))).rejects.toThrow(/has 26 joints/);
    const without = new Map([...tensors].filter(([name]) => name !== 'keypoints'));
    writeSafetensors(bad, without, metadata);
    await expect(readDataset(bad)).rejects.toThrow(/holds 0|expected a tensor keypoints/);
    writeSafetensors(bad, tensors, {});
    await expect(readDataset(bad)).rejects.toThrow(/no data set of this project/);
    writeFileSync(bad, 'rubbish, and long enough to have a header length');
    await expect(readDataset(bad)).rejects.toMatchObject({ name: 'PoseError', code: 'ERR_FORMAT' });
  });
});
