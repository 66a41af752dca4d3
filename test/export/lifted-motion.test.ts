import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type MotionFlags, motionSettings, writeLifted } from '../../lib/cli/motion-flags.js';
import { motionOf, workMotion } from '../../lib/export/lifted-motion.js';
import type { LiftedPoses } from '../../lib/export/poses/lifted-poses.js';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { walkingMotion } from '../helpers/motion.js';

const frames = 60;
const folder = mkdtempSync(join(tmpdir(), 'pstmo-motion-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A person 5 m before a camera of 1500 pixels, lifted without error. */
function lifted(): LiftedPoses {
  const { positions } = walkingMotion('lifted', frames);
  const poses = new Float32Array(positions.length);
  const keypoints = new Float32Array(frames * 34);
  for (let i = 0; i < frames * 17; i++) {
    const root = Math.floor(i / 17) * 51;
    const [x, y, z] = positions.subarray(3 * i, 3 * i + 3);
    keypoints.set([960 + (1500 * x) / (5 - z), 540 + (1500 * (1 - y)) / (5 - z)], 2 * i);
    poses.set([x - positions[root], positions[root + 1] - y, positions[root + 2] - z], 3 * i);
  }
  const track = {
    ...{ keypoints, confidence: new Float32Array(frames * 17).fill(1), frames, joints: 17, layout: 'h36m-17' },
    ...{ width: 1920, height: 1080, fps: 50, frameIds: Array.from({ length: frames }, (_, frame) => `${frame}`) },
    ...{ filled: new Uint8Array(frames), people: 1, notices: [] },
  };
  return { poses, layout: 'h36m-17', model: 'none', track };
}

describe('workMotion', () => {
  const steps = { rigid: true, trajectory: { focal: 1500 }, world: { from: 'stance' }, lockFeet: true } as const;

  it('leaves the poses, says what it did and measures it', () => {
    const before = lifted();
    const { result, report } = workMotion(before, steps);
    expect(Array.from(result.poses)).toEqual(Array.from(lifted().poses));
    expect(result.motion).toMatchObject({ axes: 'world', root: 'estimated', fps: 50, frames });
    expect(result.motion?.notes).toHaveLength(4);
    expect(report.trajectory?.depth).toBeGreaterThan(3);
    expect(report.trajectory?.depth).toBeLessThan(7);
    expect(report.bonesAfter.meanMm).toBeLessThan(report.bonesBefore.meanMm + 0.01);
    expect(report.skateAfter?.meanMm).toBeLessThanOrEqual(report.skateBefore?.meanMm ?? 0);
  });

  it('invents no path that was not asked for', () => {
    const { result } = workMotion(lifted(), { world: { from: 'stance' } });
    const { positions, root } = motionOf(result);
    expect(root).toBe('relative');
    const hips = Array.from({ length: frames }, (_, frame) =>
      Array.from(positions.subarray(frame * 51, frame * 51 + 3)),
    );
    for (const hip of hips) {
      hip.forEach((value, axis) => {
        expect(value).toBeCloseTo(hips[0][axis], 5);
      });
    }
    expect(() => workMotion(lifted(), { lockFeet: true })).toThrow('expected a trajectory and a world too');
  });

  it.each(['npz', 'json'])('%s: is written and read back', (ending) => {
    const { result } = workMotion(lifted(), steps);
    const path = join(folder, `worked.${ending}`);
    writePoses(path, result);
    const back = readPoses(path);
    const { positions, ...rest } = motionOf(back);
    const { positions: truth, ...said } = motionOf(result);
    expect(rest).toEqual(said);
    expect(Math.max(...positions.map((value, i) => Math.abs(value - truth[i])))).toBeLessThan(1e-6);
  });
});

describe('the flags of lift', () => {
  it('give everybody before one camera the same up', async () => {
    const plan = { world: { from: 'stance' } } as const;
    const { stance } = await writeLifted(join(folder, 'first.npz'), lifted(), plan);
    const leaning = lifted();
    leaning.poses.forEach((value, at) => {
      if (at % 3 === 0) leaning.poses[at] += 0.4 * leaning.poses[at + 1];
      else leaning.poses[at] = value;
    });
    const alone = await writeLifted(join(folder, 'alone.npz'), leaning, plan);
    expect(alone.stance?.axes[1]).not.toEqual(stance?.axes[1]);
    const second = await writeLifted(join(folder, 'second.npz'), leaning, {
      world: { from: 'stance', found: stance! },
    });
    expect(second.stance).toEqual(stance);
    expect(second.notices.join()).toContain('as it was found for the first person of the video');
    const { motion, poses } = readPoses(join(folder, 'second.npz'));
    for (const [row, axis] of stance!.axes.entries()) {
      const [x, y, z] = [...poses.subarray(30, 33)];
      const [hip, head] = [motion!.positions[row], motion!.positions[30 + row]];
      expect(head - hip).toBeCloseTo(axis[0] * x + axis[1] * y + axis[2] * z, 5);
    }
  });

  it('write a rig and say the residual', async () => {
    const { notices } = await writeLifted(join(folder, 'a.bvh'), lifted(), { rig: 'mixamo', rigid: true });
    expect(notices.join('\n')).toMatch(/Bone lengths spread by .* mm from the lifted ones .* stay at rest/s);
  });

  it.each<[MotionFlags & { camera?: unknown }, string[], string]>([
    [{ rig: 'vrm' }, ['a.npz'], '--rig vrm: expected --out with a .bvh or .glb file'],
    [{ rig: 'vrm' }, ['a.trc'], 'got a.trc'],
    [{ rig: 'h36m' }, ['b.c3d', 'c.npz'], 'got b.c3d'],
    [{ focal: 900 }, ['a.bvh'], '--focal: expected --trajectory'],
    [{ focal: 900, trajectory: true, camera: {} }, ['a.bvh'], 'in --camera already'],
    [{ lockFeet: true }, ['a.bvh'], '--lock-feet: expected --trajectory and --world with it'],
    [{ lockFeet: true, trajectory: true }, ['a.bvh'], '--lock-feet: expected --world with it'],
    [{ lockFeet: true, world: 'stance' }, ['a.npz'], '--lock-feet: expected --trajectory with it'],
    [{ world: join('no', 'such.json') }, ['a.bvh'], 'expected "stance" or a JSON file'],
  ])('refuse %j for %j', (flags, outputs, message) => {
    expect(() => motionSettings(outputs, flags)).toThrow(message);
  });

  it('go together as they say', () => {
    const flags = { rig: 'vrm', rigid: true, trajectory: true, focal: 900, world: 'stance', lockFeet: true } as const;
    expect(motionSettings(['a.bvh', 'b.glb'], flags)).toEqual({ ...flags, world: { from: 'stance' } });
    expect(motionSettings(['a.npz', 'b.csv'], {})).toEqual({});
  });
});
