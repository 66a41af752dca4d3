import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { fitIntrinsics } from '../../lib/datasets/fit-camera.js';

const JOINTS = 17;
const FRAMES = 8;
const camera = { fx: 1.46, fy: 1.47, cx: 0.01, cy: -0.02 };

function seen(move: (values: { points: Float32Array; keypoints: Float32Array }) => void = () => {}) {
  const random = createRandom('fit-camera');
  const points = Float32Array.from({ length: FRAMES * JOINTS * 3 }, (_, i) =>
    i % 3 === 2 ? random.uniform(3, 5) : random.uniform(-1, 1),
  );
  const keypoints = Float32Array.from({ length: FRAMES * JOINTS * 2 }, (_, i) => {
    const [x, y, z] = points.subarray(3 * Math.floor(i / 2));
    return i % 2 === 0 ? (camera.fx * x) / z + camera.cx : (camera.fy * y) / z + camera.cy;
  });
  move({ points, keypoints });
  return { points, keypoints };
}

describe('a camera found from 2D and 3D', () => {
  it('is the one that projected them', () => {
    const { points, keypoints } = seen();
    const found = fitIntrinsics(keypoints, points, JOINTS)!;
    for (const name of ['fx', 'fy', 'cx', 'cy'] as const) expect(found[name]).toBeCloseTo(camera[name], 6);
  });

  it('does not look at frames that do not count', () => {
    const { points, keypoints } = seen((values) => values.points.fill(0, 0, JOINTS * 3));
    const valid = new Uint8Array(FRAMES).fill(1);
    valid[0] = 0;
    expect(fitIntrinsics(keypoints, points, JOINTS, valid)!.fx).toBeCloseTo(camera.fx, 6);
    expect(fitIntrinsics(keypoints, points, JOINTS)).toBeUndefined();
  });

  it.each<[string, Parameters<typeof seen>[0]]>([
    ['2D of something else', ({ keypoints }) => keypoints.reverse()],
    ['bodies of another size at the same place', ({ points }) => scaleAboutFirst(points, 0.9)],
    ['points behind the camera', ({ points }) => points.set(points.map((value) => -value))],
    [
      'one point again and again',
      ({ points, keypoints }) => {
        for (let i = 1; i < FRAMES * JOINTS; i++) {
          points.copyWithin(3 * i, 0, 3);
          keypoints.copyWithin(2 * i, 0, 2);
        }
      },
    ],
    ['points that are no numbers', ({ points }) => points.fill(Number.NaN)],
  ])('is not made up from %s', (_, move) => {
    const { points, keypoints } = seen(move);
    expect(fitIntrinsics(keypoints, points, JOINTS)).toBeUndefined();
  });
});

function scaleAboutFirst(points: Float32Array, by: number): void {
  for (let i = 0; i < points.length; i++) {
    const first = points[Math.floor(i / (JOINTS * 3)) * JOINTS * 3 + (i % 3)];
    if (i % (JOINTS * 3) >= 3) points[i] = first + by * (points[i] - first);
  }
}
