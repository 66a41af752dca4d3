import { describe, expect, it } from 'vitest';
import { tensor } from '../../lib/base/tensor.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { mirrorPose } from '../../lib/skeletons/mirror.js';
import { skeletonByName } from '../../lib/skeletons/skeletons.js';
import { mappedLayouts, mapToHuman36m } from '../../lib/skeletons/to-human36m.js';
import { largestDifference } from '../helpers/difference.js';

/** A standing person seen from the front, metres times 100, y down; every joint that any detection layout has. */
const places: Record<string, [number, number]> = {
  nose: [0, -60],
  'left eye': [3, -64],
  'right eye': [-3, -64],
  'left ear': [7, -62],
  'right ear': [-7, -62],
  'left shoulder': [17, -45],
  'right shoulder': [-17, -45],
  'left elbow': [20, -17],
  'right elbow': [-20, -17],
  'left wrist': [21, 8],
  'right wrist': [-21, 8],
  'left hip': [9, 0],
  'right hip': [-9, 0],
  'left knee': [10, 42],
  'right knee': [-10, 42],
  'left ankle': [10, 84],
  'right ankle': [-10, 84],
  hip: [0, 0],
  neck: [0, -45],
  'upper neck': [0, -52],
  head: [0, -72],
  'head top': [0, -72],
};

function standing(layout: string, confidence: number): Float32Array {
  return Float32Array.from(
    skeletonByName(layout).joints.flatMap((joint) => [...(places[joint] ?? [0, 90]), confidence]),
  );
}

describe('mapToHuman36m', () => {
  it.each(['coco-17', 'halpe-26', 'body-25', 'body-25b'])('puts %s where Human3.6M has its joints', (layout) => {
    const joints = skeletonByName(layout).joints.length;
    const mapped = mapToHuman36m(layout, tensor(standing(layout, 0.5), [1, joints, 3]));
    expect(mapped.shape).toEqual([1, 17, 3]);
    const at = (joint: string) => mapped.data.subarray(human36m17.joints.indexOf(joint) * 3);
    for (const joint of human36m17.joints) {
      const [x, y, confidence] = at(joint);
      expect(confidence, joint).toBeCloseTo(0.5);
      if (/left|right/.test(joint)) {
        expect([x, y], joint).toEqual(places[joint].map(Math.fround));
      } else expect(Math.abs(x), joint).toBeLessThan(1e-5);
    }
    expect(at('hip')[1]).toBeCloseTo(0);
    expect(at('spine')[1]).toBeCloseTo(-22.5);
    expect(at('thorax')[1]).toBeCloseTo(-45);
    expect(at('neck')[1]).toBeCloseTo(-61);
    expect(Math.abs(at('head')[1] - -72)).toBeLessThan(2);
  });

  it.each(mappedLayouts)('maps a mirrored %s to the mirrored pose, and a moved one to the moved pose', (layout) => {
    const skeleton = skeletonByName(layout);
    const count = skeleton.joints.length;
    const points = Float32Array.from({ length: 2 * count * 2 }, (_, i) => Math.sin(i * 12.9898) * 3);
    const map = (data: Float32Array) => mapToHuman36m(layout, tensor(data, [2, count, 2])).data;
    const mirroredAfter = mirrorPose(human36m17, map(points), 2);
    expect(largestDifference(map(mirrorPose(skeleton, points, 2)), mirroredAfter)).toBeLessThan(1e-5);
    const moved = map(points.map((value) => value + 7));
    expect(
      largestDifference(
        map(points).map((value) => value + 7),
        moved,
      ),
    ).toBeLessThan(1e-5);
  });

  it('is as sure of a joint as of its least sure source', () => {
    const data = standing('coco-17', 0.9);
    data[11 * 3 + 2] = 0.2; // left hip
    const mapped = mapToHuman36m('coco-17', tensor(data, [1, 17, 3])).data;
    const confidence = (joint: string) => mapped[human36m17.joints.indexOf(joint) * 3 + 2];
    expect(confidence('hip')).toBeCloseTo(0.2);
    expect(confidence('spine')).toBeCloseTo(0.2);
    expect(confidence('left hip')).toBeCloseTo(0.2);
    expect(confidence('right hip')).toBeCloseTo(0.9);
    expect(confidence('thorax')).toBeCloseTo(0.9);
  });

  it('averages all three coordinates of 3D points', () => {
    const data = new Float32Array(31 * 3);
    const { joints } = skeletonByName('cmu');
    data.set([1, 2, 3], joints.indexOf('lhipjoint') * 3);
    data.set([3, 6, 9], joints.indexOf('rhipjoint') * 3);
    const mapped = mapToHuman36m('cmu', tensor(data, [1, 31, 3]), 'points').data;
    expect([...mapped.subarray(0, 3)]).toEqual([2, 4, 6]);
  });

  it('refuses keypoints that are not of the layout', () => {
    expect(() => mapToHuman36m('coco-17', tensor(new Float32Array(36), [1, 18, 2]))).toThrow(/coco-17 has 17 joints/);
  });
});
