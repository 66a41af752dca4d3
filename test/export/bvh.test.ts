import { AnimationMixer, Vector3 } from 'three';
import { BVHLoader } from 'three/examples/jsm/loaders/BVHLoader.js';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { parseBvh } from '../../lib/datasets/mocap/bvh.js';
import { bvhOf, writeBvh } from '../../lib/export/bvh.js';
import { fitRig, rigPositions } from '../../lib/export/fit-rig.js';
import { rigByName, rigNames } from '../../lib/export/rigs.js';
import { twistsAlong } from '../../lib/export/twist.js';
import { rigidBones } from '../../lib/motion/bone-lengths.js';
import { angleBetween, rotate, shortestArc } from '../../lib/motion/quaternion.js';
import type { Vector } from '../../lib/motion/vector.js';
import { frameOf, furthestMm, walkingMotion } from '../helpers/motion.js';

const motion = walkingMotion('bvh');
/** The 17 joints by their names in a BVH of rig h36m. */
const names = [
  ...[
    'Hip',
    'RightHip',
    'RightKnee',
    'RightAnkle',
    'LeftHip',
    'LeftKnee',
    'LeftAnkle',
    'Spine',
    'Thorax',
    'Neck',
    'Head',
  ],
  ...['LeftShoulder', 'LeftElbow', 'LeftWrist', 'RightShoulder', 'RightElbow', 'RightWrist'],
];

describe('writeBvh', () => {
  it('is read back by our own reader, where the fitted rig is', () => {
    const fitted = fitRig(motion, rigByName('h36m'));
    const clip = parseBvh(bvhOf(fitted, 50), 'h36m.bvh', { units: 'm' });
    expect([clip.frames, clip.fps]).toEqual([120, 50]);
    const places = new Float64Array(clip.joints.length * 3);
    const at = names.map((name) => clip.joints.indexOf(name));
    expect(at).not.toContain(-1);
    let worst = 0;
    for (const frame of [0, 31, 77, 119]) {
      clip.pose(frame, places, new Float64Array(clip.joints.length * 9));
      const read = at.map((joint): Vector => [places[joint * 3], places[joint * 3 + 1], places[joint * 3 + 2]]);
      worst = Math.max(worst, furthestMm(read, frameOf(motion.positions, frame)));
      const rig = rigPositions(fitted, frame).filter((_, index) => !fitted.rig.joints[index].end);
      const order = clip.joints.flatMap((name, joint) =>
        name.endsWith('_end') ? [] : [[places[joint * 3], places[joint * 3 + 1], places[joint * 3 + 2]] as Vector],
      );
      expect(furthestMm(order, rig)).toBeLessThan(0.02);
    }
    expect(worst).toBeLessThanOrEqual(fitted.residual.maxMm + 0.02);
    // The walker's bones are all but constant.
    expect(fitted.residual.maxMm).toBeLessThan(5);
  });

  it.each(rigNames)('%s: is read back by three.js, where the fitted rig is', (name) => {
    const rig = rigByName(name);
    const fitted = fitRig(motion, rig);
    // three.js wants no colon in a name, Mixamo's have one.
    const text = writeBvh(motion, { rig: name })
      .replaceAll(':', '')
      .replace('Frames', 'Frames:')
      .replace('Time', 'Time:');
    const { skeleton, clip } = new BVHLoader().parse(text);
    expect(clip.duration).toBeCloseTo(119 / 50, 4);
    const mixer = new AnimationMixer(skeleton.bones[0]);
    mixer.clipAction(clip).play();
    const metres = rig.units === 'cm' ? 0.01 : 1;
    for (const frame of [0, 60, 118]) {
      mixer.setTime(frame / 50);
      skeleton.bones[0].updateMatrixWorld(true);
      const truth = rigPositions(fitted, frame);
      const read = rig.joints.flatMap((joint, index) => {
        if (joint.end) return [];
        const bone = skeleton.bones.find((one) => one.name === joint.name.replace(':', ''));
        const place = new Vector3().setFromMatrixPosition(bone?.matrixWorld ?? skeleton.bones[0].matrixWorld);
        return [[[place.x * metres, place.y * metres, place.z * metres], truth[index]] as [Vector, Vector]];
      });
      expect(
        furthestMm(
          read.map(([a]) => a),
          read.map(([, b]) => b),
        ),
      ).toBeLessThan(1);
    }
  });
});

describe('fitRig', () => {
  it.each(rigNames)('%s: nothing flips: joints turn from frame to frame little more than the limbs do', (name) => {
    for (const seed of ['a', 'b', 'c']) {
      const fitted = fitRig(rigidBones(walkingMotion(seed, 200)), rigByName(name));
      const steps = fitted.rotations.map((turns) =>
        Math.max(...[...turns].slice(1).map((turn, frame) => angleBetween(turns.at(frame), turn))),
      );
      expect(Math.max(...steps)).toBeLessThan(0.35);
    }
  });
});

describe('twistsAlong', () => {
  /** The largest turn from one frame to the next, in radians, of an arm whose direction in frame t is `direction(t)`. */
  function largestStep(direction: (frame: number) => Vector, bend: (frame: number) => Vector): number {
    const rest: Vector = [1, 0, 0];
    const directions = Array.from({ length: 200 }, (_, frame) => direction(frame));
    const evidence = directions.map((one, frame) => ({ bend: bend(frame), swung: shortestArc(rest, one) }));
    const turns = [...twistsAlong([0, -1, 0], directions, (frame) => evidence[frame])];
    turns.forEach((turn, frame) => {
      expect(furthestMm([rotate(turn, rest)], [directions[frame]])).toBeLessThan(1e-6);
    });
    return Math.max(...turns.slice(1).map((turn, frame) => angleBetween(turns[frame], turn)));
  }

  it('does not flip where a straight arm points opposite to its rest', () => {
    // Close past the opposite side, where the shortest way from the rest pose jumps by nearly a whole turn.
    const angle = (frame: number) => Math.PI + (frame - 99.5) / 100;
    const path = (frame: number): Vector => [
      Math.cos(angle(frame)) * Math.sqrt(1 - 2.5e-5),
      5e-3,
      Math.sin(angle(frame)) * Math.sqrt(1 - 2.5e-5),
    ];
    expect(angleBetween(shortestArc([1, 0, 0], path(99)), shortestArc([1, 0, 0], path(100)))).toBeGreaterThan(1);
    expect(largestStep(path, () => [0, 0, 0])).toBeLessThan(0.1);
  });

  it('does not follow a straight elbow whose axis is noise', () => {
    const noise = createRandom('twist', 'noise');
    const bend = (): Vector => [0, noise.uniform(-0.05, 0.05), noise.uniform(-0.05, 0.05)];
    expect(largestStep(() => [1, 0, 0], bend)).toBeLessThan(0.1);
  });

  it('follows an elbow that is bent', () => {
    const [turn] = twistsAlong([0, -1, 0], [[1, 0, 0]], () => ({ bend: [0, 0, 1], swung: [0, 0, 0, 1] }));
    expect(rotate(turn, [0, -1, 0])[2]).toBeGreaterThan(0.99);
  });
});
