import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { type AugmentedSequence, augmentRecording } from '../../lib/datasets/augmentation/augment.js';
import { bodyReach, drawBody, resizeBody } from '../../lib/datasets/augmentation/body.js';
import { addDetectorErrors } from '../../lib/datasets/augmentation/detector.js';
import { type Recording, recordingsOf } from '../../lib/datasets/augmentation/recording.js';
import { type Augmentation, augmentationSchema } from '../../lib/datasets/augmentation/settings.js';
import { worldToCamera } from '../../lib/datasets/mocap/virtual-camera.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { walker } from '../helpers/walker.js';
import { tinyDataset } from '../training/tiny-dataset.js';

const SPAN = { fps: 50, reach: 12 };
const PARENTS = human36m17.parents;

/** A walking person, y up, at 50 frames a second. */
function recording(frames: number, name = 'A/walk'): Recording {
  const zUp = walker(name, frames, 50);
  const points = zUp.map((_, i) => (i % 3 === 0 ? zUp[i] : i % 3 === 1 ? zUp[i + 1] : -zUp[i - 1]));
  return { name, fps: 50, frames, points, reach: bodyReach(points) };
}

/** Without any change to body, speed, rate and 2D but for what is given. */
function plain(given: Parameters<typeof augmentationSchema.parse>[0] = {}): Augmentation {
  return augmentationSchema.parse({
    ...{ lively: 0, fewest: 1, speed: [1, 1], rates: [50], followed: 0 },
    ...{ body: { size: 0, limbs: 0, smallest: 0 }, detector: { clean: 1 } },
    ...(given as object),
  });
}

function boneLengths(points: ArrayLike<number>, frame: number): number[] {
  return PARENTS.map((parent, joint) => {
    if (parent < 0) return 0;
    const [a, b] = [(frame * 17 + joint) * 3, (frame * 17 + parent) * 3];
    return Math.hypot(points[a] - points[b], points[a + 1] - points[b + 1], points[a + 2] - points[b + 2]);
  });
}

const first = (sequences: AugmentedSequence[]) => sequences[0];

describe('augmentation', () => {
  const long = recording(700);

  it('gives the same for the same seed, epoch and recording, and something else otherwise', () => {
    const settings = augmentationSchema.parse({ fewest: 1 });
    const draw = (seed: number, epoch: number, name = long.name) =>
      augmentRecording({ ...long, name }, settings, SPAN, { seed, epoch });
    expect(draw(1, 3)).toEqual(draw(1, 3));
    const starts = [draw(1, 3), draw(1, 4), draw(2, 3), draw(1, 3, 'B/walk')].map((made) => first(made).keypoints[0]);
    expect(new Set(starts).size).toBe(4);
  });

  it('keeps people in their place where the camera goes along, in the same pose', () => {
    const still = { elevation: [0, 0] as [number, number], roll: 0, share: 1, aspect: 1 };
    const cameras = [{ ...still, focal: [1, 1] as [number, number], distance: [9, 9] as [number, number] }];
    // Metres that the hip goes across the view, at most, seen from ten sides.
    const across = (followed: number) => {
      const ways = Array.from({ length: 10 }, (_, seed) => {
        const made = first(augmentRecording(long, plain({ followed, cameras, seconds: 20 }), SPAN, { seed, epoch: 0 }));
        const hips = Array.from({ length: made.frames }, (_, frame) => made.keypoints[frame * 34] / made.camera.fx);
        return (Math.max(...hips) - Math.min(...hips)) * made.camera.extrinsics.translation[2];
      });
      return Math.max(...ways);
    };
    expect(across(0)).toBeGreaterThan(0.5);
    expect(across(1)).toBeLessThan(0.15);
    const made = first(augmentRecording(long, plain({ followed: 1, seconds: 20 }), SPAN, { seed: 1, epoch: 0 }));
    for (const bone of [1, 2, 3, 8]) {
      expect(boneLengths(made.poses, 40)[bone]).toBeCloseTo(boneLengths(long.points, 40)[bone], 4);
    }
  });

  it('projects the recorded points through the camera that it drew', () => {
    const short = recording(100);
    for (let seed = 0; seed < 20; seed++) {
      const made = augmentRecording(short, plain(), SPAN, { seed, epoch: 0 });
      expect(made).toHaveLength(1);
      const { camera, frames, keypoints, poses, valid } = first(made);
      expect(frames).toBe(100);
      expect(valid.every((flag) => flag === 1)).toBe(true);
      const seen = worldToCamera(camera.extrinsics, short.points);
      let [off2d, off3d, outside] = [0, 0, 0];
      for (let i = 0; i < frames * 17; i++) {
        const [x, y, z] = seen.subarray(3 * i, 3 * i + 3);
        const [u, v] = [(camera.fx * x) / z + camera.cx, (camera.fy * y) / z + camera.cy];
        off2d = Math.max(off2d, Math.abs(keypoints[2 * i] - u), Math.abs(keypoints[2 * i + 1] - v));
        outside = Math.max(outside, Math.abs(u) - 1, Math.abs(v) - camera.aspect);
        const root = 51 * Math.floor(i / 17);
        for (let axis = 0; axis < 3; axis++) {
          off3d = Math.max(off3d, Math.abs(poses[3 * i + axis] - (seen[3 * i + axis] - seen[root + axis])));
        }
      }
      expect(off2d).toBeLessThan(1e-4);
      expect(off3d).toBeLessThan(1e-4);
      expect(outside).toBeLessThan(0.02);
    }
  });

  it('draws cameras within their kinds, upright and never mirrored', () => {
    const kind = { share: 1, focal: [1.2, 1.4], aspect: 0.5625, distance: [3, 4], elevation: [5, 10], roll: 2 };
    const short = recording(60);
    for (let epoch = 0; epoch < 20; epoch++) {
      const { camera } = first(augmentRecording(short, plain({ cameras: [kind] }), SPAN, { seed: 1, epoch }));
      const { rotation: r, translation: t } = camera.extrinsics;
      const determinant =
        r[0] * (r[4] * r[8] - r[5] * r[7]) - r[1] * (r[3] * r[8] - r[5] * r[6]) + r[2] * (r[3] * r[7] - r[4] * r[6]);
      expect(determinant).toBeCloseTo(1, 10);
      expect(r[4]).toBeLessThan(-0.7);
      expect(camera.fx).toBeGreaterThan(1.19);
      expect(camera.fx).toBeLessThan(1.41);
      const height = -(r[1] * t[0] + r[4] * t[1] + r[7] * t[2]);
      // 5 to 10 degrees over the hip, which is about 0.9 m high, from 3 to 8 m away.
      expect(height).toBeGreaterThan(0.9);
      expect(height).toBeLessThan(2.8);
    }
  });

  it('keeps bones within the ranges, left like right, and directions as they are', () => {
    const { points, reach } = long;
    const settings = { size: 0.05, limbs: 0.1, smallest: 0 };
    for (let seed = 0; seed < 10; seed++) {
      const factors = drawBody(createRandom(seed), reach, settings);
      const pose = Float64Array.from(points.subarray(0, 51));
      const out = new Float64Array(51);
      resizeBody(out, pose, factors);
      const [before, after] = [boneLengths(pose, 0), boneLengths(out, 0)];
      for (let joint = 1; joint < 17; joint++) {
        const ratio = after[joint] / before[joint];
        expect(ratio).toBeGreaterThan(0.95 * 0.9 - 1e-9);
        expect(ratio).toBeLessThan(1.05 * 1.1 + 1e-9);
        expect(ratio).toBeCloseTo(factors[joint], 9);
      }
      human36m17.left.forEach((joint, i) => {
        expect(factors[joint]).toBe(factors[human36m17.right[i]]);
      });
    }
    const grown = drawBody(createRandom(0), reach, { size: 0, limbs: 0, smallest: 2 * reach });
    expect(grown[2]).toBeCloseTo(2, 9);
  });

  it('shows every recorded moment once, with a whole window around it', () => {
    for (const epoch of [0, 1]) {
      const made = augmentRecording(long, plain({ seconds: 4 }), SPAN, { seed: 1, epoch });
      const valid = made.map((one) => one.valid.reduce((sum, flag) => sum + flag, 0));
      expect(made.length).toBeGreaterThan(3);
      expect(Math.abs(valid.reduce((a, b) => a + b) - 700)).toBeLessThanOrEqual(made.length);
      for (const [i, one] of made.entries()) {
        const [from, to] = [one.valid.indexOf(1), one.valid.lastIndexOf(1)];
        if (i > 0) expect(from).toBeGreaterThanOrEqual(SPAN.reach - 1);
        if (i < made.length - 1) expect(one.frames - 1 - to).toBeGreaterThanOrEqual(SPAN.reach - 1);
        expect(one.frames).toBeLessThanOrEqual(4.1 * 50 + 1);
      }
    }
  });

  it('plays faster and slower, and keeps 2D and 3D in step whatever the rate of the film', () => {
    const short = recording(200);
    const twice = first(augmentRecording(short, plain({ speed: [2, 2] }), SPAN, { seed: 1, epoch: 0 }));
    expect(twice.frames).toBe(100);
    const { camera, keypoints, frames } = first(
      augmentRecording(short, plain({ rates: [25] }), SPAN, { seed: 1, epoch: 0 }),
    );
    const seen = worldToCamera(camera.extrinsics, short.points);
    let largest = 0;
    for (let i = 0; i < frames * 17; i++) {
      const error = Math.abs(keypoints[2 * i] - ((camera.fx * seen[3 * i]) / seen[3 * i + 2] + camera.cx));
      // At frames that the film has, nothing is interpolated.
      if (Math.floor(i / 17) % 2 === 0) expect(error).toBeLessThan(1e-4);
      largest = Math.max(largest, error);
    }
    expect(largest).toBeGreaterThan(1e-4);
    expect(largest).toBeLessThan(0.05);
  });

  it('leaves out most of what stands still', () => {
    const still = recording(3000);
    for (let frame = 1; frame < still.frames; frame++) still.points.copyWithin(frame * 51, 0, 51);
    const count = (settings: Augmentation) =>
      augmentRecording(still, settings, SPAN, { seed: 1, epoch: 0 }).reduce((sum, { frames }) => sum + frames, 0);
    const share = count(plain({ lively: 0.6, fewest: 0.2 })) / count(plain());
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(0.6);
  });
});

describe("a detector's errors", () => {
  const frames = 300;
  /** Joints on curves that no straight line follows. */
  const clean = Float32Array.from({ length: frames * 34 }, (_, i) => {
    const [frame, column] = [Math.floor(i / 34), i % 34];
    return 0.02 * column + 0.1 * Math.sin(0.05 * frame + column);
  });
  const stature = new Float32Array(frames).fill(0.8);
  const none = { clean: 0, strength: [1e-12, 1e-12], pixelShare: 0, mapped: 0, swaps: 0, hidden: 0, lost: 0 };
  const detect = (seed: number, given: object) => {
    const { detector } = augmentationSchema.parse({ detector: { ...none, ...given } });
    return addDetectorErrors(createRandom(seed), clean.slice(), stature, 50, detector);
  };

  it('are none, or as large as they are told', () => {
    expect(detect(1, { clean: 1 })).toEqual(clean);
    const rms = (noisy: Float32Array) =>
      Math.sqrt(noisy.reduce((sum, v, i) => sum + (v - clean[i]) ** 2, 0) / noisy.length);
    expect(rms(detect(1, {}))).toBeLessThan(1e-6);
    expect(rms(detect(1, { pixelShare: 1, pixels: [0.004, 0.004] }))).toBeCloseTo(0.004, 3);
    const [weak, strong] = [0.5, 1.5].map((strength) => rms(detect(1, { strength: [strength, strength] })));
    expect(weak).toBeGreaterThan(0.002);
    expect(strong).toBeGreaterThan(2 * weak);
    expect(strong).toBeLessThan(0.05);
  });

  it("bridge hidden joints and lost frames as a file's gaps are, by cubics at most", () => {
    for (const given of [{ hidden: 1 }, { lost: 1 }, { hidden: 1, lost: 1 }]) {
      let [bridged, bend] = [0, 0];
      for (let seed = 0; seed < 5; seed++) {
        const noisy = detect(seed, given);
        expect(noisy.every((value) => Number.isFinite(value))).toBe(true);
        const off = noisy.map((value, i) => (Math.abs(value - clean[i]) > 1e-4 ? 1 : 0));
        for (let i = 68; i < noisy.length - 68; i++) {
          if ([-68, -34, 0, 34, 68].every((step) => off[i + step])) {
            // The fourth difference of a cubic is 0.
            const fourth = noisy[i - 68] - 4 * noisy[i - 34] + 6 * noisy[i] - 4 * noisy[i + 34] + noisy[i + 68];
            bend = Math.max(bend, Math.abs(fourth));
            bridged++;
          }
        }
      }
      expect(bridged).toBeGreaterThan(0);
      expect(bend).toBeLessThan(1e-5);
    }
  });

  it('change left and right for moments, whole pairs at a time', () => {
    const noisy = detect(3, { swaps: 1 });
    let swapped = 0;
    for (let frame = 0; frame < frames; frame++) {
      human36m17.left.forEach((left, i) => {
        const [a, b] = [left, human36m17.right[i]].map((joint) => (frame * 17 + joint) * 2);
        if (Math.abs(noisy[a] - clean[a]) > 1e-4) {
          expect(noisy[a]).toBeCloseTo(clean[b], 5);
          expect(noisy[b]).toBeCloseTo(clean[a], 5);
          swapped++;
        }
      });
    }
    expect(swapped).toBeGreaterThan(0);
    expect(swapped).toBeLessThan(frames * 6 * 0.5);
  });

  it('put hip, thorax and spine where a mapped layout has them', () => {
    const mapped = detect(1, { mapped: 1, strength: [1, 1] });
    for (let frame = 0; frame < frames; frame++) {
      const x = (joint: number) => mapped[(frame * 17 + joint) * 2];
      expect(x(0)).toBeCloseTo((x(1) + x(4)) / 2, 5);
      expect(x(8)).toBeCloseTo((x(11) + x(14)) / 2, 5);
      expect(x(7)).toBeCloseTo((x(0) + x(8)) / 2, 5);
    }
  });
});

describe('recordings', () => {
  it('are found once behind all their cameras, in a world with y up', () => {
    const { sequences } = tinyDataset();
    const found = recordingsOf(sequences, 'z');
    expect(found.map(({ name }) => name)).toEqual(['A', 'B', 'C', 'D'].map((subject) => `${subject}/Walking 1`));
    const world = walker('A', 40, 50);
    for (let i = 0; i < world.length; i += 3) {
      const [x, y, z] = found[0].points.subarray(i, i + 3);
      expect(x).toBeCloseTo(world[i], 5);
      expect(y).toBeCloseTo(world[i + 2], 5);
      expect(z).toBeCloseTo(-world[i + 1], 5);
    }
    const { extrinsics: _, ...unplaced } = sequences[0];
    expect(() => recordingsOf([unplaced], 'y')).toThrow(/A\/Walking 1\/0.*camera's place/);
  });
});
