import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import {
  addNoise,
  bundledDetectorNoise,
  type DetectorNoise,
  type Noise,
  readDetectorNoise,
} from '../../lib/datasets/noise.js';
import type { PoseSequence } from '../../lib/datasets/pose-dataset.js';
import { skeletonByName } from '../../lib/skeletons/skeletons.js';
import { dataPath, itWithData } from '../helpers/data.js';
import { largestDifference } from '../helpers/difference.js';

const FRAMES = 20_000;

function still(joints: number, width = 1000): PoseSequence {
  return {
    name: 'still',
    subject: 'a',
    action: 'a',
    camera: '0',
    split: 'train',
    fps: 50,
    frames: FRAMES,
    width,
    height: 1000,
    keypoints: new Float32Array(FRAMES * joints * 2).fill(0.25),
  };
}

/** Errors of one coordinate over time, after `keypoints` of 0.25. */
function errorsOf(keypoints: Float32Array, joints: number, coordinate: number): number[] {
  return Array.from({ length: FRAMES }, (_, t) => keypoints[t * joints * 2 + coordinate] - 0.25);
}

function std(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe('2D noise', () => {
  it('is Gaussian in normalised units or pixels', () => {
    const sequence = still(1, 2000);
    const spread = (noise: Noise) => std(errorsOf(addNoise(sequence, noise, createRandom(1)), 1, 0));
    expect(spread({ kind: 'gaussian', sigma: 0.03, unit: 'normalised' })).toBeCloseTo(0.03, 3);
    expect(spread({ kind: 'gaussian', sigma: 5, unit: 'pixels' })).toBeCloseTo(0.005, 3);
    expect(spread({ kind: 'none' })).toBe(0);
    expect(sequence.keypoints.every((value) => value === 0.25)).toBe(true);
  });

  it('is the same for the same seed and another for another', () => {
    const sequence = still(17);
    for (const noise of [
      { kind: 'gaussian', sigma: 0.01, unit: 'normalised' },
      { kind: 'detector', scale: 1 },
    ] satisfies Noise[]) {
      const draw = (seed: number) => addNoise(sequence, noise, createRandom(seed, sequence.name));
      expect(largestDifference(draw(1), draw(1))).toBe(0);
      expect(largestDifference(draw(1), draw(2))).toBeGreaterThan(0.005);
    }
  });

  it("has a detector's mean, spread and share of lost joints, and drifts instead of jumping", () => {
    const table: DetectorNoise = {
      mean: Float32Array.of(0.02, 0, 0, 0),
      std: Float32Array.of(0.001, 0.001, 0.004, 0.002),
      weight: Float32Array.of(0.7, 1),
    };
    const noisy = addNoise(still(2), { kind: 'detector', scale: 2 }, createRandom(5), table);
    // Joint 1 is never lost: its spread is the table's, twice.
    const errors = errorsOf(noisy, 2, 2);
    expect(std(errors)).toBeGreaterThan(0.0075);
    expect(std(errors)).toBeLessThan(0.0085);
    expect(std(errorsOf(noisy, 2, 3))).toBeCloseTo(0.004, 3);
    const steps = errors.slice(1).map((value, t) => value - errors[t]);
    expect(std(steps)).toBeLessThan(0.6 * std(errors));
    // Joint 0 sits at its mean, 0.04, give or take 0.01, in 70% of the frames.
    const kept = errorsOf(noisy, 2, 0).filter((error) => Math.abs(error - 0.04) < 0.01).length / FRAMES;
    expect(Math.abs(kept - 0.75)).toBeLessThan(0.08);
  });

  it('has a table for every layout, worse for hands and feet than for the trunk', () => {
    for (const layout of ['h36m-17', 'coco-17', 'halpe-26', 'cmu']) {
      const skeleton = skeletonByName(layout);
      const table = bundledDetectorNoise(skeleton);
      expect(table.weight.length).toBe(skeleton.joints.length);
      const wrist = skeleton.joints.findIndex((joint) => joint.includes('wrist'));
      const hip = skeleton.joints.findIndex((joint) => joint.includes('hip'));
      expect(table.std[wrist * 2]).toBeGreaterThan(table.std[hip * 2]);
      expect(table.weight[wrist]).toBeLessThan(table.weight[hip]);
    }
    expect(() => addNoise(still(5), { kind: 'detector', scale: 1 }, createRandom(0))).toThrow(/5 joints .* 17/);
  });

  itWithData('reads a measured table from a .pth', 'checkpoints/motionbert-synthetic-noise.pth', (path) => {
    const table = readDetectorNoise(path);
    expect(table.std.length).toBe(34);
    expect(table.weight.length).toBe(17);
    expect(table.weight[0]).toBeCloseTo(0.9987, 3);
    expect(table.std[0]).toBeCloseTo(0.0037, 4);
    const other = dataPath('checkpoints/legacy-format.pth');
    if (other !== undefined) expect(() => readDetectorNoise(other)).toThrow(/expected a tensor/);
  });
});
