import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { loadHuman36m } from '../../lib/datasets/human36m/human36m.js';
import type { PoseDataset, PoseSequence } from '../../lib/datasets/pose-dataset.js';
import { fitLinear, fitMeanPose, predictLinear, predictMeanPose } from '../../lib/evaluation/baselines.js';
import { solvePositive } from '../../lib/evaluation/solve-positive.js';
import { mpjpeMm } from '../../lib/metrics/joint-errors.js';
import { mirroredJoints } from '../../lib/skeletons/mirror.js';
import { skeletonByName } from '../../lib/skeletons/skeletons.js';
import { pattern } from '../helpers/pattern.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeFakeHuman36m } from '../helpers/writers/fake-datasets.js';

const partner = mirroredJoints(skeletonByName('h36m-17'));

function mirror(values: Float32Array, axes: number): Float32Array {
  return values.map((_, i) => {
    const frame = i - (i % (17 * axes));
    const joint = Math.floor((i % (17 * axes)) / axes);
    return (i % axes === 0 ? -1 : 1) * values[frame + partner[joint] * axes + (i % axes)];
  });
}

function dataset(
  sequences: { keypoints: Float32Array; poses: Float32Array; split?: PoseSequence['split'] }[],
): PoseDataset {
  return {
    name: 'made up',
    inputLayout: 'h36m-17',
    outputLayout: 'h36m-17',
    rootJoint: 0,
    source: '',
    sequences: sequences.map(({ keypoints, poses, split = 'train' }, i) => ({
      ...{ name: `${i}`, subject: 'S', action: 'A', camera: 'C', fps: 50, width: 1000, height: 1000 },
      ...{ split, frames: poses.length / 51, keypoints, poses },
    })),
  };
}

const keypoints = pattern('2d', 200, 17, 2).data;
const poses = pattern('3d', 200, 17, 3).data;
const random = dataset([{ keypoints, poses }]);

describe('mean pose', () => {
  it('is the mean of the training poses and of their mirror images', () => {
    const expected = new Float64Array(51);
    for (const data of [poses, mirror(poses, 3)]) {
      for (let i = 0; i < data.length; i++) expected[i % 51] += data[i] / 400;
    }
    const { pose } = fitMeanPose(random);
    for (let i = 0; i < 51; i++) expect(pose[i]).toBeCloseTo(expected[i], 6);
    expect(pose[0]).toBeCloseTo(0, 6);
    expect(predictMeanPose({ pose }, 2)).toEqual(Float32Array.of(...pose, ...pose));
  });
});

describe('per-frame linear regression', () => {
  it('gives the same as a fit on plain and mirrored frames written out', () => {
    const both = dataset([
      { keypoints, poses },
      { keypoints: mirror(keypoints, 2), poses: mirror(poses, 3) },
    ]);
    const [a, b] = [fitLinear(random), fitLinear(both)];
    a.weights.forEach((weight, i) => {
      expect(weight).toBeCloseTo(b.weights[i], 9);
    });
  });

  it('leaves residuals at right angles to the inputs', () => {
    const model = fitLinear(random);
    const residuals = [[keypoints, poses] as const, [mirror(keypoints, 2), mirror(poses, 3)] as const].map(
      ([x, y]) => ({ x, r: predictLinear(model, x).map((value, i) => y[i] - value) }),
    );
    for (const [input, output] of [
      [0, 0],
      [7, 50],
      [33, 20],
    ]) {
      const product = residuals.reduce((sum, { x, r }) => {
        for (let t = 0; t < 200; t++) sum += x[34 * t + input] * r[51 * t + output];
        return sum;
      }, 0);
      expect(Math.abs(product)).toBeLessThan(1e-3);
    }
  });

  it('finds a linear map with intercept again', () => {
    // y = A x + b that commutes with mirroring: depth from the second coordinate, x from x.
    const made = new Float32Array(poses.length);
    for (let i = 0; i < 200 * 17; i++) {
      made.set([1.5 * keypoints[2 * i], -0.5 * keypoints[2 * i + 1] + 0.2, 2 * keypoints[2 * i + 1] - 0.1], 3 * i);
    }
    const model = fitLinear(dataset([{ keypoints, poses: made }]));
    const fresh = pattern('fresh', 3, 17, 2).data;
    const predicted = predictLinear(model, fresh);
    for (let i = 0; i < 3 * 17; i++) {
      expect(predicted[3 * i]).toBeCloseTo(1.5 * fresh[2 * i], 5);
      expect(predicted[3 * i + 2]).toBeCloseTo(2 * fresh[2 * i + 1] - 0.1, 5);
    }
  });

  it('bears joints that never move', () => {
    const still = keypoints.map((value, i) => (i % 34 < 4 ? 0.25 : value));
    const predicted = predictLinear(fitLinear(dataset([{ keypoints: still, poses }])), still);
    expect(predicted.every(Number.isFinite)).toBe(true);
  });

  it('beats the mean pose on walkers seen by cameras, of people it never saw', () => {
    const data = loadHuman36m(writeFakeHuman36m(temporaryFolder(), { frames: 80 }));
    const [mean, linear] = [fitMeanPose(data), fitLinear(data)];
    const tests = data.sequences.filter(({ split }) => split === 'test');
    const error = (predict: (sequence: PoseSequence) => Float32Array) =>
      tests.reduce((sum, sequence) => {
        const shape = [sequence.frames, 17, 3];
        return sum + mpjpeMm({ data: predict(sequence), shape }, { data: sequence.poses!, shape }) / tests.length;
      }, 0);
    const ofMean = error(({ frames }) => predictMeanPose(mean, frames));
    expect(error((sequence) => predictLinear(linear, sequence.keypoints))).toBeLessThan(0.8 * ofMean);
  });

  it('looks at the training split alone', () => {
    const mixed = dataset([
      { keypoints, poses },
      { keypoints: poses.slice(0, 34), poses: poses.slice(0, 51), split: 'test' },
    ]);
    expect(fitLinear(mixed).weights).toEqual(fitLinear(random).weights);
    expect(() => fitLinear(dataset([{ keypoints, poses, split: 'test' }]))).toThrow(PoseError);
    expect(() => predictLinear(fitLinear(random), new Float32Array(35))).toThrow(/\(T, 17, 2\)/);
  });
});

describe('solvePositive', () => {
  it('solves a small system and refuses one that is not positive', () => {
    const x = solvePositive(Float64Array.of(4, 2, 2, 3), Float64Array.of(8, 0, 8, 4), 2, 2);
    [1, -1, 2, 2].forEach((value, i) => {
      expect(x[i]).toBeCloseTo(value, 12);
    });
    expect(() => solvePositive(Float64Array.of(1, 2, 2, 1), new Float64Array(2), 2, 1)).toThrow(PoseError);
  });
});
