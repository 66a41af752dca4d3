import { describe, expect, it } from 'vitest';
import { parseAmc, parseAsf } from '../../lib/datasets/mocap/asf-amc.js';
import { parseBvh } from '../../lib/datasets/mocap/bvh.js';
import type { MocapClip } from '../../lib/datasets/mocap/mocap-clip.js';
import { clipToHuman36m, findMocapLayout, mocapLayouts } from '../../lib/datasets/mocap/mocap-layouts.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { largestDifference } from '../helpers/difference.js';
import { amcText, asfText, bvhText } from '../helpers/writers/mocap-files.js';

const clips: [string, MocapClip][] = [
  ['CMU ASF/AMC', parseAmc(amcText(60), 'a.amc', parseAsf(asfText(), 'a.asf'))],
  ['CMU BVH (cgspeed)', parseBvh(bvhText(60), 'a.bvh')],
];

/** A clip of one point that moves along x by one metre a frame, under every name that any layout asks for. */
function ruler(frames: number, fps: number, joints: readonly string[]): MocapClip {
  return {
    file: 'ruler',
    joints,
    frames,
    fps,
    pose(frame, positions, rotations) {
      rotations.fill(0);
      for (let joint = 0; joint < joints.length; joint++) positions.set([frame, 0, 0], joint * 3);
    },
  };
}

describe('motion capture into h36m-17', () => {
  it('mixes sources whose weights add up to one, left and right alike', () => {
    for (const layout of mocapLayouts) {
      expect(layout.sources.length).toBe(17);
      for (const list of layout.sources) {
        expect(list.reduce((sum, source) => sum + source.weight, 0)).toBeCloseTo(1);
      }
    }
  });

  it.each(clips)('finds %s by its joints and puts a standing person together', (name, clip) => {
    const layout = findMocapLayout(clip);
    expect(layout.name).toBe(name);
    const poses = clipToHuman36m(clip, layout, clip.fps);
    expect(poses.length).toBe((clip.frames - layout.skipFrames) * 17 * 3);
    const place = (joint: string) => {
      const at = human36m17.joints.indexOf(joint) * 3;
      return poses.subarray(at, at + 3);
    };
    const rise = (low: string, high: string) => place(high)[1] - place(low)[1];
    for (const side of ['left', 'right']) {
      expect(rise(`${side} ankle`, `${side} knee`)).toBeGreaterThan(0.3);
      expect(rise(`${side} knee`, `${side} hip`)).toBeGreaterThan(0.3);
    }
    expect(rise('hip', 'spine')).toBeGreaterThan(0.1);
    expect(rise('spine', 'thorax')).toBeGreaterThan(0.1);
    expect(rise('thorax', 'neck')).toBeGreaterThan(0.05);
    expect(rise('neck', 'head')).toBeCloseTo(0.11, 3);
    // The person faces +z: left is +x, and the nose is ahead.
    expect(place('left shoulder')[0] - place('right shoulder')[0]).toBeGreaterThan(0.25);
    expect(place('left hip')[0] - place('right hip')[0]).toBeGreaterThan(0.1);
    expect(place('neck')[2] - place('head')[2]).toBeCloseTo(0.06, 3);
    expect(place('hip')[0]).toBeCloseTo((place('left hip')[0] + place('right hip')[0]) / 2, 6);
  });

  it('resamples by time, linearly, up to the last frame', () => {
    const layout = { ...mocapLayouts[0], skipFrames: 0 };
    const joints = layout.sources.flat().map((source) => source.joint);
    const hipAt = (frames: number, from: number, to: number) => {
      const poses = clipToHuman36m(ruler(frames, from, joints), layout, to);
      return Array.from({ length: poses.length / 51 }, (_, t) => poses[t * 51]);
    };
    expect(largestDifference(hipAt(13, 120, 50), [0, 2.4, 4.8, 7.2, 9.6, 12])).toBeLessThan(1e-5);
    expect(hipAt(3, 25, 50)).toEqual([0, 0.5, 1, 1.5, 2]);
    expect(hipAt(4, 50, 50)).toEqual([0, 1, 2, 3]);
    expect(hipAt(1, 120, 50)).toEqual([0]);
    const skipping = { ...layout, skipFrames: 2 };
    expect(clipToHuman36m(ruler(5, 50, joints), skipping, 50)[0]).toBe(2);
    expect(clipToHuman36m(ruler(2, 50, joints), skipping, 50).length).toBe(0);
  });

  it('refuses a skeleton that it does not know and a motion that cannot be', () => {
    expect(() => findMocapLayout(ruler(3, 50, ['root', 'tail']))).toThrow(/ruler: no map .* has a joint "lhipjoint"/);
    const joints = mocapLayouts[0].sources.flat().map((source) => source.joint);
    expect(() => clipToHuman36m(ruler(1200, 50, joints), mocapLayouts[0], 50)).toThrow(
      /ruler: .* a joint is at 1000 m/,
    );
  });
});
