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

  it('takes the frames that are there, whatever the file says, and says so', () => {
    const read = (text: string) => {
      const notices: string[] = [];
      const { frames } = parseBvh(text, 'a.bvh', { units: 'cm', onNotice: (message) => notices.push(message) });
      return [frames, ...notices];
    };
    expect(read(bvhText(3))).toEqual([3]);
    expect(read(bvhText(3).replace('Frames: 3', 'Frames: 2'))).toEqual([3, 'a.bvh: says 2 frames and has 3.']);
    expect(read(bvhText(3).replace('Frames: 3', 'Frames: 9999999'))).toEqual([
      3,
      'a.bvh: says 9999999 frames and has 3.',
    ]);
    // A recorder that stopped within a row.
    expect(read(bvhText(3).replace(/( 0){7}\n$/, '\n'))).toEqual([
      2,
      expect.stringMatching(
        /^a\.bvh: says 3 frames and has 2, and \d+ of the \d+ numbers of another, which are left out\.$/,
      ),
    ]);
  });

  it('reads joints of three and six channels, and braces without blanks, beside one another', () => {
    const text =
      'HIERARCHY\nROOT a{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n' +
      'JOINT b c{\nOFFSET 0 1 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n' +
      'JOINT d{\nOFFSET 0 1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\nEnd Site{\nOFFSET 0 1 0}\nEnd Site{\nOFFSET 1 0 0}}}}\n' +
      'MOTION\nFrames: 1\nFrame Time: 0.02\n1 2 3 0 0 0 0 5 0 0 0 0 0 0 0\n';
    const clip = parseBvh(text, 'a.bvh', { units: 'm' });
    expect(clip.joints).toEqual(['a', 'b c', 'd', 'd_end', 'd_end2']);
    expect([...clipPositions(clip)]).toEqual([1, 2, 3, 1, 7, 3, 1, 8, 3, 1, 9, 3, 2, 8, 3]);
  });

  it('names the file and the line of what is wrong', () => {
    expect(messageOf('')).toMatch(/a\.bvh, line 1: expected HIERARCHY, but found the end/);
    expect(messageOf(bvhText(2).replace('OFFSET 0 20 0', 'OFFSET 0 up 0'))).toMatch(/line 8: expected a number.*"up"/);
    expect(messageOf(bvhText(2).replace('Zrotation Xrotation', 'Zrotation Wrotation'))).toMatch(/a channel such as/);
    expect(messageOf(bvhText(2).replace('JOINT chest', 'JOINT hip'))).toMatch(/"hip" comes twice/);
    expect(messageOf(bvhText(2).replace(/[^\n]*\n[^\n]*\n$/, '1 2 3\n'))).toMatch(
      /expected \d+ numbers a frame, but found 3/,
    );
    expect(messageOf(bvhText(2).replace('0.008333', '0'))).toMatch(/frame time/);
    expect(messageOf(oneJoint('1 Xposition', '5').replace('1 0 0', '30 0 0'))).toMatch(/no unit can be guessed/);
  });
});
