import { describe, expect, it } from 'vitest';
import { parseBvh } from '../../lib/datasets/mocap/bvh.js';
import { clipPoses } from '../../lib/datasets/mocap/clip-poses.js';
import { findMocapLayout } from '../../lib/datasets/mocap/mocap-layouts.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { bvhOfSkeleton, bvhSkeletons, standing } from '../helpers/writers/bvh-skeletons.js';

function poseOf(text: string, options: object = {}) {
  const clip = parseBvh(text, 'walk.bvh', options);
  const { parts, notices } = clipPoses(clip, findMocapLayout(clip), 50);
  const place = (joint: string) => {
    const at = human36m17.joints.indexOf(joint) * 3;
    return [...parts[0].subarray(at, at + 3)];
  };
  return { place, notices: notices.map(({ text }) => text) };
}

describe("exporters' skeletons", () => {
  it.each(bvhSkeletons.map((one) => [one.name, one] as const))(
    '%s: each joint is where the person has it',
    (_, one) => {
      const { place, notices } = poseOf(bvhOfSkeleton(one));
      for (const [joint, [left, up, ahead]] of Object.entries(standing)) {
        const found = place(joint);
        expect(found[0], joint).toBeCloseTo(left / 100, 4);
        expect(found[1], joint).toBeCloseTo(up / 100, 4);
        expect(found[2], joint).toBeCloseTo(ahead / 100, 4);
      }
      expect(place('head')[1]).toBeCloseTo(1.7, 3);
      expect(place('head')[2]).toBeCloseTo(0, 4);
      // The middle of the head, and a little before it.
      expect(place('neck')[2]).toBeCloseTo(0.07, 4);
      expect(place('neck')[1]).toBeGreaterThan(1.58);
      expect(place('neck')[1]).toBeLessThan(1.62);
      expect(notices).toEqual(one.axes[2][2] === 1 ? [] : [expect.stringMatching(/heads are over feet along z/)]);
    },
  );

  it('bones along x, as in the files of LaFAN, have their heads ahead of them', () => {
    // Each joint's x goes along its bone: at rest the person is folded up, and the first rotations unfold it.
    const joint = (name: string, offset: string, inside: string) =>
      `JOINT ${name} { OFFSET ${offset} CHANNELS 3 Zrotation Yrotation Xrotation ${inside} }`;
    const end = 'End Site { OFFSET 0 0 0 }';
    const leg = (side: string, z: number) =>
      joint(
        `${side}UpLeg`,
        `0 2 ${z}`,
        joint(`${side}Leg`, '43 0 0', joint(`${side}Foot`, '42 0 0', joint(`${side}Toe`, '17 0 0', end))),
      );
    const arm = (side: string, z: number) =>
      joint(
        `${side}Shoulder`,
        `20 0 ${z}`,
        joint(`${side}Arm`, '12 0 0', joint(`${side}ForeArm`, '28 0 0', joint(`${side}Hand`, '25 0 0', end))),
      );
    const trunk = joint(
      'Spine',
      '10 0 0',
      `${joint('Neck', '40 0 0', joint('Head', '11 0 0', end))}${arm('Left', 4)}${arm('Right', -4)}`,
    );
    const turned = {
      ...{ Hips: [0, 92, 0, 90, 0, 90], LeftUpLeg: [180, 0, 180], RightUpLeg: [180, 0, 180] },
      ...{ LeftShoulder: [0, -90, 0], RightShoulder: [0, 90, 0] },
    } as Record<string, number[]>;
    const hierarchy = `ROOT Hips { OFFSET 0 0 0 CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation ${leg('Left', 9)}${leg('Right', -9)}${trunk} }`;
    const row = [...hierarchy.matchAll(/(?:ROOT|JOINT) (\S+)/g)]
      .flatMap(([, name]) => turned[name] ?? [0, 0, 0])
      .join(' ');
    const { place } = poseOf(`HIERARCHY\n${hierarchy}\nMOTION\nFrames: 2\nFrame Time: 0.033333\n${row}\n${row}\n`, {
      units: 'cm',
    });
    expect(place('left ankle')[1]).toBeCloseTo(0.92 - 0.85, 4);
    expect(place('left hip')[0]).toBeCloseTo(0.09, 4);
    expect(place('left wrist')[0]).toBeCloseTo(0.04 + 0.65, 4);
    expect(place('head')[1]).toBeCloseTo(0.92 + 0.61 + 0.18, 4);
    expect(place('neck')[2]).toBeCloseTo(0.07, 4);
  });

  it('are not turned on a doubt, and say so', () => {
    // Stands along z in motion, but along y at rest: the root is turned over.
    const lying = bvhOfSkeleton(bvhSkeletons[0]).replaceAll(/\n(0 95 0) 0 0 0/g, '\n$1 0 90 0');
    const { place, notices } = poseOf(lying);
    expect(place('head')[1]).toBeLessThan(1);
    expect(notices).toEqual([
      expect.stringMatching(/along z, but the rest pose stands otherwise: y is taken as up \(the option up/),
    ]);
    const clip = parseBvh(lying, 'walk.bvh');
    const { parts } = clipPoses(clip, findMocapLayout(clip), 50, 'z');
    expect(parts[0][human36m17.joints.indexOf('head') * 3 + 1]).toBeGreaterThan(0.7);
  });

  it('a unit that makes no body is said', () => {
    const { notices } = poseOf(bvhOfSkeleton(bvhSkeletons[0]), { units: 'in' });
    expect(notices).toEqual([expect.stringMatching(/bodies measure 4\.\d\d m .* is the unit right/)]);
    expect(poseOf(bvhOfSkeleton({ ...bvhSkeletons[0], unit: 1 / 2.54 }), { units: 'in' }).notices).toEqual([]);
    expect(poseOf(bvhOfSkeleton({ ...bvhSkeletons[0], unit: 7 }), { units: 0.01 / 7 }).notices).toEqual([]);
  });

  it('one joint is not two: a leg without a thigh fits nobody', () => {
    const text = bvhOfSkeleton(bvhSkeletons[0]).replaceAll('UpLeg', 'Something');
    expect(() => poseOf(text)).toThrow(/no map from this skeleton.*it has mixamorig:Hips.*give the option layout/);
  });
});
