import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from 'vitest';
import { readAmc, readAsf } from '../../lib/datasets/mocap/asf-amc.js';
import { readBvh } from '../../lib/datasets/mocap/bvh.js';
import type { MocapClip } from '../../lib/datasets/mocap/mocap-clip.js';
import { dataPath, itWithData } from '../helpers/data.js';
import { withArchive } from '../helpers/writers/archive.js';

interface Reference {
  frames: number;
  at: number[];
  frameTime?: number;
  metres?: Record<string, number[][]>;
  fileUnits?: Record<string, number[][]>;
}

const referencePath = dataPath('mocap/forward-kinematics.json');
const references: Record<string, Reference> =
  referencePath === undefined ? {} : JSON.parse(readFileSync(referencePath, 'utf8'));

/** Largest distance between a clip's joints and the reference's, in the reference's unit. */
function largestError(clip: MocapClip, reference: Reference): number {
  expect(clip.frames).toBe(reference.frames);
  const expected = reference.metres ?? reference.fileUnits ?? {};
  const positions = new Float64Array(clip.joints.length * 3);
  const rotations = new Float64Array(clip.joints.length * 9);
  let largest = 0;
  let compared = 0;
  reference.at.forEach((frame, row) => {
    clip.pose(frame, positions, rotations);
    for (const [name, rows] of Object.entries(expected)) {
      const joint = clip.joints.indexOf(name);
      if (joint < 0) throw new Error(`no joint ${name}`);
      const distance = Math.hypot(...rows[row].map((value, axis) => value - positions[joint * 3 + axis]));
      largest = Math.max(largest, distance);
      compared++;
    }
  });
  expect(compared).toBe(3 * clip.joints.length);
  return largest;
}

describe('forward kinematics against an independent reader', () => {
  itWithData('agrees on ASF and AMC to 0.01 mm', 'mocap/cmu-asfamc.tar.xz', async (archive) => {
    const names = Object.keys(references).filter((name) => name.endsWith('.amc'));
    expect(names.length).toBeGreaterThan(3);
    const asf = (name: string) => `${dirname(name)}/${name.split('/')[1]}.asf`;
    await withArchive(archive, [...names, ...names.map(asf)], async (folder) => {
      for (const name of names) {
        const clip = await readAmc(join(folder, name), await readAsf(join(folder, asf(name))));
        expect(largestError(clip, references[name]), name).toBeLessThan(1e-5);
      }
    });
  });

  itWithData('agrees on BVH to 0.01 mm', 'mocap/cmu-bvh.tar.xz', async () => {
    const names = Object.keys(references).filter((name) => name.endsWith('.bvh'));
    expect(names.length).toBeGreaterThan(2);
    for (const source of new Set(names.map((name) => name.split('/')[0]))) {
      const archive = dataPath(`mocap/${source}.tar.xz`);
      if (archive === undefined) throw new Error(`no archive for ${source}`);
      const own = names.filter((name) => name.startsWith(`${source}/`));
      await withArchive(archive, own, async (folder) => {
        for (const name of own) {
          // Units as they stand in the file: read as metres, nothing is scaled. Centimetres get their own bound.
          const clip = await readBvh(join(folder, name), { units: 'm' });
          expect(largestError(clip, references[name]), name).toBeLessThan(source === 'cmu-bvh' ? 1e-3 : 1e-5);
          expect(1 / clip.fps).toBeCloseTo(references[name].frameTime ?? 0, 5);
        }
      });
    }
  });
});
