import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import {
  defaultCameraRanges,
  placeCameras,
  projectToPixels,
  shareOutside,
  type VirtualCamera,
  worldToCamera,
} from '../../lib/datasets/mocap/virtual-camera.js';

/** Two joints, hip and head, of somebody who walks `metres` along x in 50 frames: (50, 2, 3). */
function walk(metres: number): Float32Array {
  const at = (t: number) => (t / 49) * metres;
  return Float32Array.from(Array.from({ length: 50 }, (_, t) => [at(t), 1, 0, at(t), 1.7, 0]).flat());
}

describe('virtual cameras', () => {
  const poses = walk(1);

  it('stand upright around the person, look at it, and turn without mirroring', () => {
    const cameras = placeCameras(createRandom(1), poses, 2, 8);
    const azimuths = cameras.map(({ extrinsics: { rotation: r, translation: t } }) => {
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 3; j++) {
          const dot = r[i * 3] * r[j * 3] + r[i * 3 + 1] * r[j * 3 + 1] + r[i * 3 + 2] * r[j * 3 + 2];
          expect(dot).toBeCloseTo(i === j ? 1 : 0, 10);
        }
      }
      const determinant =
        r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) + r[2] * (r[3] * r[7] - r[4] * r[6]);
      expect(determinant).toBeCloseTo(1, 10);
      // The second row is the camera's "down".
      expect(r[4]).toBeLessThan(-0.85);
      const place = [0, 1, 2].map((axis) => -(r[axis] * t[0] + r[3 + axis] * t[1] + r[6 + axis] * t[2]));
      const distance = Math.hypot(place[0] - 0.5, place[1] - 1, place[2]);
      expect(distance).toBeGreaterThan(3);
      expect(distance).toBeLessThan(7);
      return Math.atan2(place[0] - 0.5, place[2]);
    });
    for (const quarter of [-Math.PI, -Math.PI / 2, 0, Math.PI / 2]) {
      expect(azimuths.some((azimuth) => azimuth >= quarter && azimuth < quarter + Math.PI / 2)).toBe(true);
    }
    for (const camera of cameras) expect(shareOutside(camera, poses)).toBe(0);
    const heads = cameras.map((camera) => projectToPixels(camera, worldToCamera(camera.extrinsics, poses)));
    for (const pixels of heads) expect(pixels[3]).toBeLessThan(pixels[1] - 50);
  });

  it('are the same for the same source of random numbers alone', () => {
    const draw = (seed: number) => placeCameras(createRandom(seed), poses, 2, 4);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    for (const { fx, width, height } of draw(3)) {
      expect([width, height]).toEqual([1000, 1000]);
      expect(fx).toBeGreaterThanOrEqual(defaultCameraRanges.focal[0]);
      expect(fx).toBeLessThan(defaultCameraRanges.focal[1]);
    }
  });

  it('step back from somebody who moves about, but no further than they may', () => {
    const far = walk(6);
    const distanceOf = ({ extrinsics }: VirtualCamera) => worldToCamera(extrinsics, Float32Array.of(3, 1, 0))[2];
    for (const camera of placeCameras(createRandom(4), far, 2, 6)) {
      expect(distanceOf(camera)).toBeGreaterThan(4);
      expect(distanceOf(camera)).toBeLessThan(defaultCameraRanges.farthest + 0.5);
    }
  });

  it('project through focal length and centre, x to the right and y down', () => {
    const camera: VirtualCamera = {
      width: 100,
      height: 80,
      fx: 50,
      fy: 60,
      cx: 48,
      cy: 41,
      extrinsics: { rotation: [1, 0, 0, 0, -1, 0, 0, 0, -1], translation: [0, 1, 5] },
    };
    const points = worldToCamera(camera.extrinsics, Float32Array.of(1, 2, 0, 0, 1, 4.8, 20, 1, 0));
    expect([...points.subarray(0, 3)]).toEqual([1, -1, 5]);
    expect([...projectToPixels(camera, points).subarray(0, 2)]).toEqual([58, 29]);
    // The second point is nearer than half a metre, the third beside the image.
    expect(shareOutside(camera, Float32Array.of(1, 2, 0, 0, 1, 4.8, 20, 1, 0))).toBeCloseTo(2 / 3);
  });
});
