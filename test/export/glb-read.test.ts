import { describe, expect, it } from 'vitest';
import { fitRig, rigPositions } from '../../lib/export/fit-rig.js';
import { glbOf } from '../../lib/export/glb.js';
import { parseGlb } from '../../lib/export/read-glb.js';
import { rigByName, rigNames } from '../../lib/export/rigs.js';
import { frameOf, furthestMm, walkingMotion } from '../helpers/motion.js';

describe('parseGlb', () => {
  it.each(rigNames)('reads what is written on the rig %s', async (name) => {
    const fitted = fitRig({ ...walkingMotion('glb', 40), start: 60 }, rigByName(name));
    const read = parseGlb(await glbOf(fitted, 50), 'walk.glb');
    expect(read).toMatchObject({ frames: 40, fps: 50, start: 60 });
    expect(read.joints).toEqual(fitted.rig.joints.map((joint) => joint.name));
    expect(read.parents).toEqual(fitted.rig.joints.map((joint) => joint.parent));
    for (const frame of [0, 21, 39]) {
      expect(furthestMm(frameOf(read.positions, frame, read.joints.length), rigPositions(fitted, frame))).toBeLessThan(
        0.1,
      );
    }
  });

  it('refuses what it cannot read', async () => {
    const bytes = await glbOf(fitRig(walkingMotion('glb', 5), rigByName('h36m')), 50);
    expect(() => parseGlb(new Uint8Array(40), 'a.glb')).toThrow('a.glb: expected a binary glTF file');
    expect(() => parseGlb(bytes.subarray(0, bytes.length - 3000), 'a.glb')).toThrow('a.glb: expected');
    const text = new TextDecoder('latin1').decode(bytes).replaceAll('LINEAR', 'STEP  ');
    const step = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    step.set(bytes.subarray(0, 20));
    expect(() => parseGlb(step, 'a.glb')).toThrow(/kind STEP|kind/);
  });
});
