import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { type BvhOptions, parseBvh } from '../../lib/datasets/mocap/bvh.js';
import { clipPositions } from '../../lib/datasets/mocap/mocap-clip.js';
import { bvhText } from '../helpers/writers/mocap-files.js';

/** One joint with an end 1 unit along x, whose channels the test chooses. */
function oneJoint(channels: string, values: string): string {
  return `HIERARCHY\nROOT a\n{\nOFFSET 5 6 7\nCHANNELS ${channels}\nEnd Site\n{\nOFFSET 1 0 0\n}\n}\nMOTION\nFrames: 1\nFrame Time: 0.02\n${values}\n`;
}

function places(text: string, options: BvhOptions = { units: 'm' }): number[] {
  return [...clipPositions(parseBvh(text, 'a.bvh', options))].map((value) => Math.round(value * 1e4) / 1e4 + 0);
}

function messageOf(text: string): string {
  try {
    parseBvh(text, 'a.bvh');
  } catch (error) {
    expect(error).toBeInstanceOf(PoseError);
    return (error as PoseError).message;
  }
  throw new Error('nothing was thrown');
}

describe('BVH', () => {
  it('applies rotations in the order of the channels, and positions instead of the offset', () => {
    // Z then X: x goes to y by the outer Z, the inner X leaves x alone. X then Z: Z takes x to y, X takes y to z.
    expect(places(oneJoint('2 Zrotation Xrotation', '90 90'))).toEqual([5, 6, 7, 5, 7, 7]);
    expect(places(oneJoint('2 Xrotation Zrotation', '90 90'))).toEqual([5, 6, 7, 5, 6, 8]);
    expect(places(oneJoint('2 Zposition Yrotation', '9 90'))).toEqual([5, 6, 9, 5, 6, 8]);
  });

  it('reads units as told, or guesses them from the height of the rest pose and says so', () => {
    expect(places(oneJoint('1 Xposition', '5'), { units: 'mm' })).toEqual([0.005, 0.006, 0.007, 0.006, 0.006, 0.007]);
    const notices: string[] = [];
    const clip = parseBvh(bvhText(3), 'a.bvh', { onNotice: (message) => notices.push(message) });
    expect(notices).toEqual([expect.stringMatching(/a\.bvh: the rest pose measures 1\d\d\.\d\d, so .* cm/)]);
    expect(clip.fps).toBe(120);
    const head = clip.joints.indexOf('head');
    expect(clipPositions(clip)[head * 3 + 1]).toBeCloseTo(0.85 + 0.61, 5);
  });

  it('names the file and the line of what is wrong', () => {
    expect(messageOf('')).toMatch(/a\.bvh, line 1: expected HIERARCHY, but found the end/);
    expect(messageOf(bvhText(2).replace('OFFSET 0 20 0', 'OFFSET 0 up 0'))).toMatch(/line 8: expected a number.*"up"/);
    expect(messageOf(bvhText(2).replace('Zrotation Xrotation', 'Zrotation Wrotation'))).toMatch(/a channel such as/);
    expect(messageOf(bvhText(2).replace('JOINT chest', 'JOINT hip'))).toMatch(/"hip" comes twice/);
    expect(messageOf(bvhText(2).replace('Frames: 2', 'Frames: 3'))).toMatch(/expected a number, but found the end/);
    expect(messageOf(bvhText(2).replace('Frames: 2', 'Frames: 1'))).toMatch(/expected the end after 1 frames/);
    expect(messageOf(bvhText(2).replace('Frames: 2', 'Frames: 9999999'))).toMatch(/cannot be in a file of/);
    expect(messageOf(bvhText(2).replace('0.008333', '0'))).toMatch(/frame time/);
    expect(messageOf(oneJoint('1 Xposition', '5').replace('1 0 0', '30 0 0'))).toMatch(/no unit can be guessed/);
  });
});
