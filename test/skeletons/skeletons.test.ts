import { describe, expect, it } from 'vitest';
import { human36m17, human36m17Of32, human36m32 } from '../../lib/skeletons/human36m.js';
import { mirroredJoints, mirrorPose } from '../../lib/skeletons/mirror.js';
import { mpiInf3dhp17, mpiInf3dhp17Of28, mpiInf3dhp28 } from '../../lib/skeletons/mpi-inf-3dhp.js';
import { skeletonByName, skeletons } from '../../lib/skeletons/skeletons.js';

/** The same joint on the other side, by its name. */
function otherSide(name: string): string {
  if (name.includes('left')) return name.replace('left', 'right');
  if (name.includes('right')) return name.replace('right', 'left');
  return name;
}

describe.each(skeletons.map((skeleton) => [skeleton.name, skeleton] as const))('%s', (name, skeleton) => {
  it('has as many joints as its name says, each once', () => {
    expect(new Set(skeleton.joints).size).toBe(skeleton.joints.length);
    expect(skeleton.parents.length).toBe(skeleton.joints.length);
    const count = /\d+$/.exec(name.replace(/b$/, ''));
    if (count !== null) expect(skeleton.joints.length).toBe(Number(count[0]));
  });

  it('hangs every joint on a root without a circle', () => {
    skeleton.parents.forEach((_, joint) => {
      let steps = 0;
      for (let at = joint; at >= 0; at = skeleton.parents[at]) expect(steps++).toBeLessThan(skeleton.joints.length);
    });
    if (skeleton.root >= 0) expect(skeleton.parents[skeleton.root]).toBe(-1);
  });

  it('pairs left joints with their right partners', () => {
    const partner = mirroredJoints(skeleton);
    skeleton.joints.forEach((joint, index) => {
      const expected =
        name === 'cmu' ? joint.replace(/^[lr](?!o)/, (side) => (side === 'l' ? 'r' : 'l')) : otherSide(joint);
      expect(skeleton.joints[partner[index]], joint).toBe(expected);
    });
    // A parent's mirror image is the parent of the mirror image, so mirrored skeletons have the same bones.
    skeleton.parents.forEach((parent, joint) => {
      expect(skeleton.parents[partner[joint]]).toBe(parent < 0 ? -1 : partner[parent]);
    });
  });
});

describe('skeletons', () => {
  it('takes the same joints out of the 32 and the 28 as the data sets do', () => {
    expect(human36m17Of32).toEqual([0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]);
    expect(human36m17Of32.map((joint) => human36m32.joints[joint])).toEqual(human36m17.joints);
    expect(mpiInf3dhp17Of28).toEqual([7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6]);
    expect(mpiInf3dhp17Of28.map((joint) => mpiInf3dhp28.joints[joint])).toEqual(mpiInf3dhp17.joints);
    expect(human36m17.left).toEqual([4, 5, 6, 11, 12, 13]);
    expect(mpiInf3dhp17.left).toEqual([5, 6, 7, 11, 12, 13]);
    expect(mpiInf3dhp17.root).toBe(14);
  });

  it('finds a layout by name, or names the nearest', () => {
    expect(skeletonByName('halpe-26').joints[18]).toBe('neck');
    expect(() => skeletonByName('coco17')).toThrow(/"coco17"; did you mean coco-17\?/);
    expect(() => skeletonByName('H36M-16')).toThrow(/did you mean h36m-17\?/);
  });

  it('mirrors a pose: x changes sign, sides change places, twice is nothing', () => {
    const pose = Float32Array.from({ length: 2 * 17 * 3 }, (_, i) => i + 1);
    const mirrored = mirrorPose(human36m17, pose, 3);
    // Joint 1 (right hip) of frame 1 takes joint 4's (left hip).
    expect([...mirrored.subarray((17 + 1) * 3, (17 + 2) * 3)]).toEqual([
      -pose[(17 + 4) * 3],
      pose[(17 + 4) * 3 + 1],
      pose[(17 + 4) * 3 + 2],
    ]);
    expect(mirrorPose(human36m17, mirrored, 3)).toEqual(pose);
  });
});
