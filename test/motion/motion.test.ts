import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { walkingClip } from '../../lib/datasets/walking/walking-clip.js';
import { boneLengthSpread, medianBoneLengths, rigidBones } from '../../lib/motion/bone-lengths.js';
import { detectFootContacts, footSkate } from '../../lib/motion/foot-contact.js';
import { lockFeet } from '../../lib/motion/foot-lock.js';
import type { Motion } from '../../lib/motion/motion.js';
import { stanceAxes } from '../../lib/motion/stance.js';
import { estimateTrajectory } from '../../lib/motion/trajectory.js';
import { add, length, pointAt, subtract, type Vector } from '../../lib/motion/vector.js';
import { toWorld } from '../../lib/motion/world.js';
import { frameOf, furthestMm, walkingMotion } from '../helpers/motion.js';

const frames = 150;

/** The walker `away` metres before a level camera: camera axes, the root relative, and where the root and the keypoints are. */
function filmed(seed: string, away = 5) {
  const world = walkingMotion(seed, frames);
  const camera = { fx: 1500, fy: 1500, cx: 960, cy: 540 };
  const positions = world.positions.map((value, i) => (i % 3 === 0 ? value : i % 3 === 1 ? 1 - value : away - value));
  const root = new Float32Array(frames * 3);
  const relative = new Float32Array(positions.length);
  const keypoints = new Float32Array(frames * 17 * 2);
  for (let i = 0; i < frames * 17; i++) {
    const first = Math.floor(i / 17) * 51;
    const [x, y, z] = positions.subarray(3 * i, 3 * i + 3);
    keypoints.set([camera.cx + (camera.fx * x) / z, camera.cy + (camera.fy * y) / z], 2 * i);
    for (let axis = 0; axis < 3; axis++) relative[3 * i + axis] = positions[3 * i + axis] - positions[first + axis];
    if (i % 17 === 0) root.set([x, y, z], 3 * (i / 17));
  }
  const motion: Motion = { ...world, positions: relative, axes: 'camera', root: 'relative' };
  return { motion, world, positions, keypoints, camera, root };
}

function noisy(motion: Motion, sigma: number): Motion {
  const noise = createRandom('motion', 'noise');
  return { ...motion, positions: motion.positions.map((value) => value + sigma * noise.uniform(-1.7, 1.7)) };
}

describe('rigidBones', () => {
  it('makes bones constant, left like right, and keeps their directions', () => {
    const shaky = noisy(walkingMotion('rigid', frames), 0.02);
    const rigid = rigidBones(shaky);
    expect(boneLengthSpread(shaky).meanMm).toBeGreaterThan(10);
    expect(boneLengthSpread(rigid).worstMm).toBeLessThan(0.01);
    const lengths = medianBoneLengths(rigid);
    expect(lengths[5]).toBeCloseTo(lengths[2], 6);
    expect(rigid.notes.join()).toContain('constant');
  });
});

describe('estimateTrajectory', () => {
  it('finds the path exactly through the true camera', () => {
    const { motion, keypoints, camera, positions } = filmed('path');
    const found = estimateTrajectory(motion, { keypoints, width: 1920, height: 1080, camera });
    expect(found).toMatchObject({ focalSource: 'calibrated', focalUncertainty: 0 });
    for (const frame of [0, 70, 149]) {
      expect(furthestMm(frameOf(found.motion.positions, frame), frameOf(positions, frame))).toBeLessThan(2);
    }
    expect(found.reprojection).toBeLessThan(0.5);
    expect(found.motion.root).toBe('estimated');
  });

  it('says what it assumes, and depth scales with it', () => {
    const { motion, keypoints } = filmed('assumed');
    const size = { keypoints, width: 1920, height: 1080 };
    const assumed = estimateTrajectory(motion, size);
    const twice = estimateTrajectory(motion, { ...size, focal: 1.6 * Math.hypot(1920, 1080) });
    expect(assumed).toMatchObject({ focalSource: 'assumed', focalUncertainty: 0.3 });
    expect(assumed.motion.notes.at(-1)).toMatch(/focal length of 1762 pixels \(assumed: 0.8 of .* may be off by 30%/);
    expect(twice.focalSource).toBe('given');
    expect(twice.depth / assumed.depth).toBeGreaterThan(1.85);
    expect(twice.depth / assumed.depth).toBeLessThan(2.15);
  });

  it('states an uncertainty that holds for noisy keypoints', () => {
    const { motion, keypoints, camera, root } = filmed('noise');
    const noise = createRandom('motion', 'pixels');
    const blurred = keypoints.map((value) => value + noise.uniform(-8, 8));
    const input = { keypoints: blurred, width: 1920, height: 1080, camera };
    const { fps, ...timeless } = motion;
    const errorOf = ({ positions }: Motion) => {
      const errors = Array.from({ length: frames }, (_, frame) => positions[frame * 51 + 2] - root[frame * 3 + 2]);
      return Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / frames);
    };
    const alone = estimateTrajectory(timeless, input);
    expect(alone.depthDeviation / errorOf(alone.motion)).toBeGreaterThan(0.6);
    expect(alone.depthDeviation / errorOf(alone.motion)).toBeLessThan(1.7);
    // Frames that are joined over time err by half as much, and do not tremble.
    const joined = estimateTrajectory(motion, input);
    expect(joined.depthDeviation).toBe(alone.depthDeviation);
    expect(errorOf(joined.motion)).toBeLessThan(0.5 * errorOf(alone.motion));
    expect(largestJump(joined.motion)).toBeLessThan(0.1 * largestJump(alone.motion));
  });

  it('refuses another shape, and a motion that has its path', () => {
    const { motion, keypoints } = filmed('refused');
    const size = { width: 1920, height: 1080 };
    expect(() => estimateTrajectory(motion, { ...size, keypoints: keypoints.subarray(2) })).toThrow(
      'expected keypoints',
    );
    expect(() => estimateTrajectory({ ...motion, root: 'estimated' }, { ...size, keypoints })).toThrow('relative root');
  });
});

describe('toWorld', () => {
  it('finds up from the stance of a tilted camera, to the stated angle', () => {
    const { motion } = filmed('upright');
    const [sine, cosine] = [Math.sin(0.3), Math.cos(0.3)];
    const tilted = motion.positions.slice();
    for (let i = 0; i < tilted.length; i += 3) {
      const [, y, z] = motion.positions.subarray(i, i + 3);
      tilted.set([y * cosine - z * sine, y * sine + z * cosine], i + 1);
    }
    const level = toWorld(motion, { from: 'stance' });
    const found = toWorld({ ...motion, positions: tilted }, { from: 'stance' });
    expect(furthestMm(frameOf(found.positions, 10), frameOf(level.positions, 10))).toBeLessThan(1);
    expect(found.notes.at(-1)).toMatch(/gravity is assumed .* disagree by \d/);
    const heads = Array.from({ length: frames }, (_, frame) => found.positions[(frame * 17 + 10) * 3 + 1]);
    expect(Math.min(...heads)).toBeGreaterThan(0.8);
  });

  /** Somebody who walks along an arc before a camera that is tilted by `tilt` and rolled by a third of it: the path known, as are up and stands. */
  function walkBefore(tilt: number, noise = 0): { motion: Motion; up: Vector } {
    const clip = walkingClip();
    const random = createRandom('motion', 'floor');
    const turn = ([x, y, z]: Vector): Vector => {
      const [c, s, rc, rs] = [Math.cos(tilt), Math.sin(tilt), Math.cos(tilt / 3), Math.sin(tilt / 3)];
      const [ty, tz] = [y * c - z * s, y * s + z * c];
      return [x * rc - ty * rs, x * rs + ty * rc, tz];
    };
    const positions = new Float32Array(clip.poses.length);
    for (let frame = 0; frame < clip.frames; frame++) {
      const root = pointAt(clip.root, frame);
      const depth = 1 + (noise * random.normal()) / root[2];
      for (let i = frame * 17; i < (frame + 1) * 17; i++) {
        positions.set(turn(add(pointAt(clip.poses, i), root, depth)), 3 * i);
      }
    }
    // The clip's own camera stands 1.4 m high and looks 0.54 m down over 5.42 m.
    const down = Math.atan2(0.54, Math.hypot(0.5, 5.4));
    const shape = { frames: clip.frames, layout: 'h36m-17', fps: clip.fps, notes: [] };
    const up = turn([0, -Math.cos(down), -Math.sin(down)]);
    return { motion: { ...shape, positions, axes: 'camera', root: 'estimated' }, up };
  }
  const degreesBetween = (a: Vector, b: Vector) =>
    (180 / Math.PI) *
    Math.acos(
      Math.min(
        1,
        a.reduce((sum, v, i) => sum + v * b[i], 0),
      ),
    );

  it('finds the floor under a walk to half a degree, whatever the tilt', () => {
    for (const tilt of [0, 0.3, 0.6]) {
      const { motion, up } = walkBefore(tilt);
      const { axes, floor } = stanceAxes(motion);
      expect(degreesBetween(axes[1], up)).toBeLessThan(0.5);
      expect(floor?.residual).toBeLessThan(0.015);
      // The body leans into its walk: by itself it says another up.
      expect(degreesBetween(stanceAxes({ ...motion, root: 'relative' }).axes[1], up)).toBeGreaterThan(2);
      const { positions } = toWorld(motion, { from: 'stance' });
      const hips = Array.from({ length: motion.frames }, (_, frame) => positions[frame * 51 + 1]);
      expect(Math.max(...hips) - Math.min(...hips)).toBeLessThan(0.05);
    }
    const shaky = walkBefore(0.3, 0.1);
    expect(degreesBetween(stanceAxes(shaky.motion).axes[1], shaky.up)).toBeLessThan(1);
  });

  it('keeps the body upright where the feet climb', () => {
    const { motion, up } = walkBefore(0.3);
    const climbing = motion.positions.slice();
    const first = pointAt(climbing, 0);
    for (let frame = 0; frame < motion.frames; frame++) {
      const way = length(subtract(pointAt(motion.positions, frame * 17), first));
      for (let i = frame * 17; i < (frame + 1) * 17; i++) {
        climbing.set(add(pointAt(motion.positions, i), up, 0.6 * way), 3 * i);
      }
    }
    const { axes, floor } = stanceAxes({ ...motion, positions: climbing });
    expect(floor).toBeUndefined();
    expect(degreesBetween(axes[1], up)).toBeLessThan(4);
  });

  it('undoes given extrinsics', () => {
    const { motion, world, positions } = filmed('placed');
    // World with z up, as (x, -z, y) of ours; the camera stands 1 m high, 5 m before the origin.
    const extrinsics = { rotation: [1, 0, 0, 0, 0, -1, 0, 1, 0], translation: [0, 1, 5] };
    const placed = toWorld({ ...motion, positions, root: 'estimated' }, { from: 'extrinsics', extrinsics, up: 'z' });
    // (x, y, z) with z up becomes (y, z, x): our walker's -z, y, x.
    const truth = frameOf(world.positions, 33).map(([x, y, z]) => [-z, y, x] as const);
    expect(furthestMm(frameOf(placed.positions, 33), truth)).toBeLessThan(0.01);
    const mirrored = { rotation: [-1, 0, 0, 0, 0, -1, 0, 1, 0], translation: [0, 0, 0] };
    expect(() => toWorld(motion, { from: 'extrinsics', extrinsics: mirrored, up: 'z' })).toThrow(
      'Extrinsics: expected',
    );
  });
});

describe('lockFeet', () => {
  /** Steps in place: one foot up and down after the other, while the body sways and the estimated path trembles. */
  function stepping(): Motion {
    const motion = walkingMotion('steps', frames);
    const first = motion.positions.slice(0, 51);
    const noise = createRandom('motion', 'tremble');
    const positions = new Float32Array(motion.positions.length);
    for (let frame = 0; frame < frames; frame++) {
      const phase = (2 * Math.PI * frame) / 50;
      const [dx, dz] = [0.03 * Math.sin(phase / 3) + noise.uniform(-0.004, 0.004), 0.02 * Math.cos(phase / 4)];
      for (let i = 0; i < 51; i++) positions[frame * 51 + i] = first[i] + [dx, 0, dz][i % 3];
      const lifts = [6, 3].map((_, side) => Math.max(0, 0.25 * Math.sin(phase + side * Math.PI)));
      // Both feet at one height, 0.85 m under the hips.
      [6, 3].forEach((ankle, side) => {
        const hip = side === 0 ? 4 : 1;
        const at = (frame * 17 + ankle) * 3;
        const knee = (frame * 17 + (side === 0 ? 5 : 2)) * 3;
        const hipAt = (frame * 17 + hip) * 3;
        positions.set([positions[hipAt], 0.08 + lifts[side], positions[hipAt + 2]], at);
        positions.set(
          [positions[hipAt], (positions[hipAt + 1] + 0.08 + lifts[side]) / 2, positions[hipAt + 2] + 0.1],
          knee,
        );
      });
    }
    return { ...motion, positions };
  }

  it('finds the stands and holds the feet there, with no jump and no bone of legs changed', () => {
    const motion = stepping();
    const contacts = detectFootContacts(motion);
    const standing = contacts.reduce((sum, one) => sum + one, 0) / contacts.length;
    expect(standing).toBeGreaterThan(0.3);
    expect(standing).toBeLessThan(0.9);
    const locked = lockFeet(motion, contacts);
    const [before, after] = [footSkate(motion, contacts), footSkate(locked, contacts)];
    expect(before.meanMm).toBeGreaterThan(4);
    expect(after.meanMm).toBeLessThan(0.5);
    expect(after.stepMm).toBeLessThan(0.1);
    expect(largestJump(locked)).toBeLessThanOrEqual(1.1 * largestJump(motion));
    const [was, is] = [medianBoneLengths(motion), medianBoneLengths(locked)];
    is.forEach((length, joint) => {
      expect(Math.abs(length - was[joint])).toBeLessThan(0.002);
    });
  });

  it('finds the same stands on a floor that rises as the path goes on', () => {
    const motion = stepping();
    const risen = motion.positions.map((value, at) => (at % 3 === 1 ? value + 0.002 * Math.floor(at / 51) : value));
    const contacts = detectFootContacts(motion);
    const found = detectFootContacts({ ...motion, positions: risen });
    const differ = found.filter((one, at) => one !== contacts[at]).length;
    expect(differ / found.length).toBeLessThan(0.1);
  });

  it('finds the stands of a walk that goes towards the camera faster than its steps, as a wrong focal length makes it', () => {
    const clip = walkingClip();
    const standsAt = (stretch: number) => {
      const positions = clip.poses.map((value, i) => {
        const along = clip.root[3 * Math.floor(i / 51) + (i % 3)];
        return value + (i % 3 === 2 ? stretch * along : along);
      });
      const shape = { frames: clip.frames, layout: 'h36m-17', fps: clip.fps, notes: [] };
      const world = toWorld({ ...shape, positions, axes: 'camera', root: 'estimated' }, { from: 'stance' });
      return detectFootContacts(world);
    };
    const truth = standsAt(1);
    const standing = truth.reduce((sum, one) => sum + one, 0);
    expect(standing / truth.length).toBeGreaterThan(0.4);
    expect(standing / truth.length).toBeLessThan(0.6);
    const found = standsAt(1.7);
    expect(found.filter((one, i) => one === 1 && truth[i] === 1).length / standing).toBeGreaterThan(0.9);
    expect(found.filter((one, i) => one === 1 && truth[i] === 0).length / truth.length).toBeLessThan(0.02);
  });

  it('finds the same stands of a child half as tall', () => {
    const motion = stepping();
    const small = { ...motion, positions: motion.positions.map((value) => value / 2) };
    const contacts = detectFootContacts(motion);
    const differ = detectFootContacts(small).filter((one, at) => one !== contacts[at]).length;
    expect(differ / contacts.length).toBeLessThan(0.02);
  });

  it('says what may be wrong where no foot stands', () => {
    const { positions, ...rest } = stepping();
    const fast = positions.map((value, at) => (at % 3 === 0 ? value + 0.1 * Math.floor(at / 51) : value));
    expect(lockFeet({ ...rest, positions: fast }).notes.join(' ')).toMatch(/0 stands .* focal length decides that/);
  });

  it('wants a path and a world', () => {
    const motion = stepping();
    expect(() => detectFootContacts({ ...motion, root: 'relative' })).toThrow('with an estimated root');
    expect(() => lockFeet({ ...motion, axes: 'camera' })).toThrow('in world axes');
  });
});

describe('seams', () => {
  it('has no jump at the edges of a gap beyond those of the poses that came in', () => {
    // A gap of 20 frames, filled on a straight line, as short gaps in the keypoints are: the path is estimated across it.
    const { motion, keypoints, camera } = filmed('seams');
    for (const [data, width] of [
      [motion.positions, 51],
      [keypoints, 34],
    ] as const) {
      for (let step = 1; step < 20; step++) {
        for (let i = 0; i < width; i++) {
          const [a, b] = [data[60 * width + i], data[80 * width + i]];
          data[(60 + step) * width + i] = a + ((b - a) * step) / 20;
        }
      }
    }
    const found = estimateTrajectory(motion, { keypoints, width: 1920, height: 1080, camera }).motion;
    const world = toWorld(found, { from: 'stance' });
    const whole = lockFeet(rigidBones(world));
    expect(largestJump(world, 55, 85)).toBeLessThan(1.01 * largestJump(found, 55, 85));
    expect(largestJump(whole, 55, 85)).toBeLessThan(1.5 * largestJump(found, 55, 85) + 0.002);
  });
});

/** The largest change of a joint's step from frame to frame, metres. */
function largestJump({ positions }: Motion, from = 1, to = frames - 1): number {
  let most = 0;
  for (let i = from * 51; i < to * 51; i += 3) {
    const change = [0, 1, 2].map((axis) => {
      const at = i + axis;
      return positions[at + 51] - 2 * positions[at] + positions[at - 51];
    });
    most = Math.max(most, Math.hypot(...change));
  }
  return most;
}
