import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { fitRig, rigPositions } from '../../lib/export/fit-rig.js';
import { rigByName, rigNames } from '../../lib/export/rigs.js';
import { writeMotion } from '../../lib/export/write-motion.js';
import { pointAt } from '../../lib/motion/vector.js';
import { skeletonByName } from '../../lib/skeletons/skeletons.js';
import { inByteOrderOf } from '../helpers/c3d-byte-orders.js';
import { walkingMotion } from '../helpers/motion.js';

// A Python with opensim, trc-data-reader, ezc3d, c3d and bpy, or some of them; what it lacks is said.
const python = process.env.PSTMO_PYTHON;
const script = fileURLToPath(new URL('read-back.py', import.meta.url));
const frames = [0, 25, 49];

if (python === undefined) {
  it.skip('OpenSim, Blender, ezc3d and c3d read the files (skipped: PSTMO_PYTHON names no Python that has them)', () =>
    undefined);
} else {
  it('OpenSim, Blender, ezc3d and c3d read the files within 1 mm', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pstmo-read-back-'));
    const start = 60;
    const walk = walkingMotion('read-back', 50);
    // No coordinate is 0: ezc3d and c3d take a VAX's 0 for -1.7e38.
    const motion = { ...walk, positions: walk.positions.map((value) => value + 0.0625), start };
    const items: object[] = [];
    const joints = skeletonByName('h36m-17').joints;
    const places = Object.fromEntries(
      joints.map((name, joint) => [
        name.replaceAll(' ', '_'),
        frames.map((frame) => pointAt(motion.positions, frame * 17 + joint)),
      ]),
    );
    for (const kind of ['c3d', 'trc']) {
      const path = join(folder, `motion.${kind}`);
      await writeMotion(path, motion);
      items.push({ kind, path, frames, fps: 50, start, places });
      for (const processor of kind === 'c3d' ? [85, 86] : []) {
        const other = join(folder, `motion-${processor}.c3d`);
        writeFileSync(other, inByteOrderOf(processor, readFileSync(path)));
        items.push({ kind: `c3d of ${processor}`, path: other, frames, fps: 50, start, places });
      }
    }
    for (const name of rigNames) {
      const rig = rigByName(name);
      const fitted = fitRig(motion, rig);
      const rigPlaces = rig.joints.flatMap((joint, index) =>
        joint.end ? [] : [[joint.name, frames.map((frame) => rigPositions(fitted, frame)[index])]],
      );
      for (const kind of ['bvh', 'glb']) {
        const path = join(folder, `${name}.${kind}`);
        await writeMotion(path, motion, { rig: name });
        const scale = rig.units === 'cm' ? 0.01 : 1;
        items.push({ kind, rig: name, path, frames, fps: 50, start, scale, places: Object.fromEntries(rigPlaces) });
      }
    }
    writeFileSync(join(folder, 'truth.json'), JSON.stringify(items));
    const { stdout, stderr, status } = spawnSync(python, [script, join(folder, 'truth.json')], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect(status, stderr).toBe(0);
    const results = stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { kind: string; reader: string; worstMm?: number; skipped?: boolean });
    expect(results.length).toBeGreaterThanOrEqual(items.length);
    for (const result of results) {
      console.log(JSON.stringify(result));
      if (!result.skipped) expect(result.worstMm, `${result.kind} in ${result.reader}`).toBeLessThan(1);
    }
  }, 300_000);
}
