import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseBvh } from '../../lib/datasets/mocap/bvh.js';
import { prepareMocap } from '../../lib/datasets/mocap/mocap.js';
import { clipToHuman36m, findMocapLayout } from '../../lib/datasets/mocap/mocap-layouts.js';
import { writeBvh } from '../../lib/export/bvh.js';
import { type RigName, rigNames } from '../../lib/export/rigs.js';
import { length, pointAt, subtract } from '../../lib/motion/vector.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { walkingMotion } from '../helpers/motion.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const motion = walkingMotion('humanoid', 60);

/** How far each joint lies from where it was, mm on average. */
function distances(text: string, units: 'm' | 'cm'): number[] {
  const clip = parseBvh(text, 'walk.bvh', { units });
  const found = clipToHuman36m(clip, findMocapLayout(clip), 50);
  return human36m17.joints.map((_, joint) => {
    let sum = 0;
    for (let frame = 0; frame < 60; frame++) {
      const at = frame * 17 + joint;
      sum += length(subtract(pointAt(found, at), pointAt(motion.positions, at)));
    }
    return (1000 * sum) / 60;
  });
}

describe('BVH of other skeletons', () => {
  it.each(rigNames)('on our rig %s becomes what was written', (rig) => {
    const found = distances(writeBvh(motion, { rig, units: 'm' }), 'm');
    for (const [joint, mm] of found.entries()) {
      // Spine, thorax, neck and head are where a character has them, which is not where Human3.6M does.
      const torso = [7, 8, 9, 10].includes(joint);
      expect(mm, `${rig} ${human36m17.joints[joint]}`).toBeLessThan(torso ? 130 : 70);
    }
  });

  const renamed: [string, RigName, (name: string) => string][] = [
    ['Mixamo with its prefix', 'mixamo', (name) => `mixamorig:${name.replace(/^mixamorig:?/, '')}`],
    [
      'Rokoko',
      'mixamo',
      (name) =>
        name
          .replace(/^mixamorig:?/, '')
          .replace('UpLeg', 'Thigh')
          .replace(/^(Left|Right)Leg$/, '$1Shin'),
    ],
    [
      'Xsens',
      'mixamo',
      (name) =>
        name
          .replace(/^mixamorig:?/, '')
          .replace(/^(Left|Right)Shoulder$/, '$1Collar')
          .replace(/^(Left|Right)Arm$/, '$1Shoulder')
          .replace('ForeArm', 'Elbow')
          .replace('Hand', 'Wrist')
          .replace('UpLeg', 'Hip')
          .replace(/^(Left|Right)Leg$/, '$1Knee')
          .replace('Foot', 'Ankle'),
    ],
  ];
  it.each(renamed)('with the names of %s', (_, rig, rename) => {
    const text = writeBvh(motion, { rig, units: 'm' });
    const other = text.replaceAll(
      /(ROOT|JOINT) (\S+)/g,
      (_all, kind: string, name: string) => `${kind} ${rename(name)}`,
    );
    expect(distances(other, 'm')).toEqual(distances(text, 'm'));
  });

  it('that no names tell are refused', () => {
    let count = 0;
    const text = writeBvh(motion).replaceAll(/JOINT (\S+)/g, () => `JOINT part${count++}`);
    expect(() => distances(text, 'm')).toThrow(/walk\.bvh: no map from this skeleton/);
  });
});

describe('who goes where', () => {
  const folder = join(temporaryFolder(), 'studio');
  for (const subject of ['anna', 'ben']) {
    mkdirSync(join(folder, subject), { recursive: true });
    writeFileSync(join(folder, subject, 'walk.bvh'), writeBvh(motion));
  }
  const prepare = async (splits?: object) => {
    const notices: string[] = [];
    const options = { folder, cameras: 1, bvhUnits: 'm' as const, onNotice: (text: string) => notices.push(text) };
    const none = { test: [], validation: [], drop: [] };
    await prepareMocap({ ...options, ...(splits && { splits: { ...none, ...splits } }) });
    return notices;
  };

  it('is always said', async () => {
    expect(await prepare()).toContain('To train on: anna, ben. To choose the epoch by: nobody. To test on: nobody.');
    expect(await prepare({ test: ['ben'] })).toContain(
      'To train on: anna. To choose the epoch by: nobody. To test on: ben.',
    );
  });

  it('a name that matches nobody is an error', async () => {
    await expect(prepare({ test: ['carl'] })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: 'test: expected subjects (anna, ben) or clips of them (anna/walk), got carl.',
    });
    await expect(prepare({ validation: ['ben/run'] })).rejects.toThrow('validation: expected');
  });
});
