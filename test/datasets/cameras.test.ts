import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { human36mCameras, normalizeIntrinsics, projectPoints } from '../../lib/datasets/cameras.js';
import { worldToCamera } from '../../lib/datasets/mocap/virtual-camera.js';

const expectNumbers = (actual: ArrayLike<number>, expected: readonly number[], digits: number) => {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, digits);
  });
};

describe("Human3.6M's cameras", () => {
  it('has four for each of seven subjects, in one order', () => {
    for (const subject of ['S1', 'S5', 'S6', 'S7', 'S8', 'S9', 'S11']) {
      const cameras = human36mCameras(subject);
      expect(cameras.map(({ id }) => id)).toEqual(['54138969', '55011271', '58860488', '60457274']);
      expect(cameras.map(({ width, height }) => [width, height])).toEqual([
        [1000, 1002],
        [1000, 1000],
        [1000, 1000],
        [1000, 1002],
      ]);
    }
    expect(() => human36mCameras('S2')).toThrow(PoseError);
  });

  // The expected values were computed with SciPy's rotations and the distortion written out by hand.
  it.each([
    ['S1', 0, [-0.32375353, -0.68870971, 5.01342719], [438.88614933, 358.99468196]],
    ['S11', 3, [-0.05710129, -0.88734785, 4.31062965], [499.82555866, 268.06252436]],
  ] as const)('%s, camera %i: a world point in camera axes and in pixels', (subject, index, inCamera, pixels) => {
    const camera = human36mCameras(subject)[index];
    const point = worldToCamera(camera.extrinsics, Float32Array.of(0.1, 0.2, 1.3));
    expectNumbers(point, inCamera, 5);
    expectNumbers(projectPoints(point, camera), pixels, 3);
  });

  it('normalises intrinsics as it does keypoints', () => {
    const { fx, fy, cx, cy } = normalizeIntrinsics(human36mCameras('S1')[0]);
    expectNumbers([fx, fy, cx, cy], [2.2900988, 2.2875623, 0.0250830078, 0.0289029541], 6);
  });

  it('has rotations: rows of length 1, at right angles, right-handed', () => {
    for (const { extrinsics } of human36mCameras('S7')) {
      const [a, b, c, d, e, f, g, h, i] = extrinsics.rotation;
      expect(a * d + b * e + c * f).toBeCloseTo(0, 6);
      expect(Math.hypot(g, h, i)).toBeCloseTo(1, 6);
      expect(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)).toBeCloseTo(1, 6);
    }
  });
});
