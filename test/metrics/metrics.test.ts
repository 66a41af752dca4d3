import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import type { Tensor } from '../../lib/base/tensor.js';
import { nMpjpeMm, pMpjpeMm, similarityAligned } from '../../lib/metrics/alignment.js';
import { jointErrorsMm, meanByJoint, mpjpeMm, mpjveMm } from '../../lib/metrics/joint-errors.js';
import { auc, pck } from '../../lib/metrics/pck.js';
import { loadGolden } from '../helpers/golden.js';
import { pattern } from '../helpers/pattern.js';

const predicted = pattern('pose', 5, 17, 3);
const truth = pattern('truth', 5, 17, 3);

function frame(poses: Tensor, index: number): Tensor {
  return { data: poses.data.slice(index * 51, index * 51 + 51), shape: [1, 17, 3] };
}

/** Rotation by axis angle, then scale and translation, of every point. */
function moved(poses: Tensor, scale: number, shift: readonly number[]): Tensor {
  const [c, s] = [Math.cos(2.3), Math.sin(2.3)];
  const data = poses.data.slice();
  for (let i = 0; i < data.length; i += 3) {
    const [x, y, z] = poses.data.subarray(i, i + 3);
    const [u, v] = [c * x - s * y, s * x + c * y];
    data[i] = scale * u + shift[0];
    data[i + 1] = scale * (c * v - s * z) + shift[1];
    data[i + 2] = scale * (s * v + c * z) + shift[2];
  }
  return { data, shape: poses.shape };
}

describe('errors against the golden', () => {
  const golden = loadGolden('metrics');

  it('mpjpe, mpjve, pck, auc', () => {
    expect(mpjpeMm(predicted, truth) / 1000).toBeCloseTo(Number(golden.get('mpjpe')!.data[0]), 6);
    expect(mpjveMm(predicted, truth) / 1000).toBeCloseTo(Number(golden.get('mpjve')!.data[0]), 6);
    const tenth = jointErrorsMm(predicted, truth).data.map((error) => error / 10);
    expect(pck(tenth)).toBeCloseTo(Number(golden.get('pck')!.data[0]), 12);
    expect(auc(tenth)).toBeCloseTo(Number(golden.get('auc')!.data[0]), 12);
  });

  it('p-mpjpe and n-mpjpe, frame by frame', () => {
    for (let i = 0; i < 5; i++) {
      const [p, t] = [frame(predicted, i), frame(truth, i)];
      expect(pMpjpeMm(p, t) / 1000).toBeCloseTo(Number(golden.get('p_mpjpe')!.data[i]), 6);
      expect(nMpjpeMm(p, t) / 1000).toBeCloseTo(Number(golden.get('n_mpjpe')!.data[i]), 6);
    }
  });
});

describe('alignment', () => {
  it('undoes any rotation, scale and translation', () => {
    expect(pMpjpeMm(moved(truth, 3.7, [4, -2, 9]), truth)).toBeLessThan(2e-3);
  });

  it('never reflects: a mirrored pose keeps an error', () => {
    const mirrored = { data: truth.data.map((value, i) => (i % 3 === 0 ? -value : value)), shape: truth.shape };
    expect(pMpjpeMm(mirrored, truth)).toBeGreaterThan(300);
  });

  it.each<[string, (joint: number) => readonly number[]]>([
    ['flat', (joint) => [Math.sin(joint), Math.cos(3 * joint), 0]],
    ['straight', (joint) => [0.1 * joint, -0.2 * joint, 0.05 * joint]],
  ])('aligns a %s pose', (_, point) => {
    const pose = { data: Float32Array.from(Array.from({ length: 17 }, (_, j) => point(j)).flat()), shape: [1, 17, 3] };
    expect(pMpjpeMm(moved(pose, 0.4, [1, 2, 3]), pose)).toBeLessThan(1e-3);
  });

  it('a pose of one point becomes the true centre', () => {
    const point = { data: new Float32Array(51).fill(0.5), shape: [1, 17, 3] };
    const aligned = similarityAligned(point, frame(truth, 0));
    const centre = [0, 1, 2].map((axis) => meanOfAxis(frame(truth, 0), axis));
    for (let i = 0; i < 51; i++) {
      expect(aligned.data[i]).toBeCloseTo(centre[i % 3], 6);
    }
    expect(nMpjpeMm({ data: new Float32Array(51), shape: [1, 17, 3] }, frame(truth, 0))).toBeGreaterThan(0);
  });

  it('is not worse than any nearby similarity', () => {
    const [p, t] = [frame(predicted, 2), frame(truth, 2)];
    const best = squared(similarityAligned(p, t), t);
    for (const wrong of [moved(similarityAligned(p, t), 1, [0, 0, 0.01]), moved(p, 1, [0, 0, 0])]) {
      expect(squared(wrong, t)).toBeGreaterThan(best);
    }
  });
});

function meanOfAxis(poses: Tensor, axis: number): number {
  return poses.data.reduce((sum, value, i) => (i % 3 === axis ? sum + value : sum), 0) / 17;
}

function squared(a: Tensor, b: Tensor): number {
  return a.data.reduce((sum, value, i) => sum + (value - b.data[i]) ** 2, 0);
}

describe('counting', () => {
  it('thresholds are strict', () => {
    expect(pck(Float32Array.of(149.99, 150, 150.01, 0))).toBe(0.5);
    // 0 mm is below 30 of the 31 thresholds, 5 mm below 29, 150 mm below none
    expect(auc(Float32Array.of(0, 5, 150))).toBeCloseTo((30 + 29) / 3 / 31, 12);
  });

  it('velocity error looks only at steps between valid frames', () => {
    const still = { data: new Float32Array(12), shape: [4, 1, 3] };
    const jump = { data: Float32Array.of(0, 0, 0, 0.003, 0.004, 0, 9, 9, 9, 0, 0, 0), shape: [4, 1, 3] };
    expect(mpjveMm(jump, still, Uint8Array.of(1, 1, 0, 1))).toBeCloseTo(5, 5);
    expect(mpjveMm(jump, still, Uint8Array.of(1, 0, 1, 0))).toBeNaN();
  });

  it('joint means', () => {
    expect(meanByJoint({ data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] })).toEqual([2, 3]);
  });

  it('refuses arrays that do not fit', () => {
    expect(() => mpjpeMm(predicted, frame(truth, 0))).toThrow(PoseError);
    expect(() => mpjpeMm({ data: new Float32Array(3), shape: [5, 17, 3] }, truth)).toThrow(/255 values, but 3/);
    expect(() => pck(new Float32Array(0))).toThrow(PoseError);
  });
});
