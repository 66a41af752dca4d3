import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tensor } from '../../lib/base/tensor.js';
import { motionOf } from '../../lib/export/lifted-motion.js';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { writeMotion } from '../../lib/export/write-motion.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import { pMpjpeMm } from '../../lib/metrics/alignment.js';
import { mpjpeMm } from '../../lib/metrics/joint-errors.js';
import { alignFrames } from '../../lib/viewer/align-frames.js';
import { buildScene } from '../../lib/viewer/build-scene.js';
import { groupResults } from '../../lib/viewer/group-results.js';
import { packArrays, unpackArrays } from '../../lib/viewer/packed-arrays.js';
import { readClip } from '../../lib/viewer/read-clip.js';
import { largestDifference } from '../helpers/difference.js';
import { liftedWalk } from '../helpers/lifted.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const path = (name: string) => join(folder, name);
const walk = liftedWalk('a', 20);
for (const ending of ['npz', 'npy', 'json', 'csv']) writePoses(path(`walk.${ending}`), walk);
const up = walk.poses.map((value, index) => (index % 3 === 0 ? value : 0 - value));

const positionsOf = (scene: ReturnType<typeof buildScene>['scene'], result = 0, person = 0) =>
  scene.arrays.get(`${result}/${person}/positions`) as Float32Array;

describe('a result', () => {
  it.each(['npz', 'npy', 'json', 'csv'])('of .%s is shown where it was, y up', (ending) => {
    const clip = readClip(path(`walk.${ending}`));
    expect(clip).toMatchObject({ frames: 20, axes: 'camera', root: 'relative', layout: 'h36m-17' });
    // JSON and CSV are rounded to a micrometre.
    expect(largestDifference(clip.positions, up)).toBeLessThan(1e-6);
    expect(clip.fps).toBe(ending === 'npy' ? undefined : 50);
    expect(clip.track?.layout).toBe(ending === 'npz' || ending === 'json' ? 'h36m-17' : undefined);
  });

  it.each(['npy', 'csv'])('of .%s in world axes is not turned over', (ending) => {
    const about = { frames: 20, layout: 'h36m-17', fps: 50, axes: 'world', root: 'estimated' } as const;
    const standing = { ...walk, motion: { ...about, notes: [], positions: up } };
    writePoses(path(`standing.${ending}`), standing);
    const clip = readClip(path(`standing.${ending}`));
    expect(clip).toMatchObject({ frames: 20, axes: 'world' });
    expect(largestDifference(clip.positions, up)).toBeLessThan(1e-6);
  });

  it('of .trc, .c3d and .bvh is shown too', async () => {
    await writeMotion(path('walk.trc'), motionOf(walk));
    const trc = readClip(path('walk.trc'));
    await writeMotion(path('walk.c3d'), motionOf(walk));
    const c3d = readClip(path('walk.c3d'));
    expect(c3d.skeleton).toEqual(trc.skeleton);
    expect(Math.max(...c3d.positions.map((value, i) => Math.abs(value - trc.positions[i])))).toBeLessThan(1e-6);
    expect(trc).toMatchObject({ frames: 20, fps: 50, layout: 'h36m-17', axes: 'world' });
    expect(largestDifference(trc.positions, up)).toBeLessThan(1e-6);
    const residual = await writeMotion(path('walk.bvh'), motionOf(walk));
    const bvh = readClip(path('walk.bvh'));
    expect(bvh).toMatchObject({ frames: 20, fps: 50, axes: 'world' });
    expect(bvh.skeleton.parents[0]).toBe(-1);
    const [joint, own] = [bvh.skeleton.joints.findIndex((name) => /left ?knee|leftleg/i.test(name)), 5];
    const distances = Array.from({ length: 20 }, (_, frame) =>
      Math.hypot(
        ...[0, 1, 2].map(
          (axis) =>
            bvh.positions[(frame * bvh.skeleton.joints.length + joint) * 3 + axis] - up[(frame * 17 + own) * 3 + axis],
        ),
      ),
    );
    expect(joint).toBeGreaterThan(0);
    expect(Math.max(...distances) * 1000).toBeLessThan(residual!.maxMm + 1);
  });

  it('of another kind, or broken, is refused by name', () => {
    writeFileSync(path('walk.gltf'), 'x');
    writeFileSync(path('broken.csv'), 'frame,hip_x_m\n0,1\n');
    writeFileSync(path('broken.trc'), 'PathFileType\t4\nDataRate\tUnits\n50\tmiles\n');
    writeNpz(path('empty.npz'), { other: tensor(Float32Array.of(1), [1]) });
    expect(() => readClip(path('walk.gltf'))).toThrow(/walk\.gltf: expected a lifted result \(\.npz.*got \.gltf/);
    expect(() => readClip(path('none.npz'))).toThrow(expect.objectContaining({ code: 'ERR_FILE' }));
    expect(() => readClip(path('broken.csv'))).toThrow(/broken\.csv: line 1: expected columns/);
    expect(() => readClip(path('broken.trc'))).toThrow(
      /broken\.trc: line 3: expected Units of m, cm or mm, got "miles"/,
    );
    expect(() => readClip(path('empty.npz'))).toThrow(/expected an array poses, got other/);
  });

  it('keeps the tracker\u2019s id of its person', () => {
    for (const ending of ['npz', 'json']) {
      writePoses(path(`person.${ending}`), liftedWalk('a', 4, { id: 'track 7' }));
      expect(readClip(path(`person.${ending}`)).track?.id).toBe('track 7');
    }
  });
});

describe('several files', () => {
  it('are people and clips of one result where lift named them so, in any order', () => {
    const names = ['b-person10-3d.npz', 'b-person2-clip1-3d.npz', 'b-person2-clip0-3d.npz', 'other.npz'];
    expect(groupResults(names)).toEqual([
      {
        name: 'b-3d.npz',
        people: [
          { name: 'Person 2', files: ['b-person2-clip0-3d.npz', 'b-person2-clip1-3d.npz'] },
          { name: 'Person 10', files: ['b-person10-3d.npz'] },
        ],
      },
      { name: 'other.npz', people: [{ name: undefined, files: ['other.npz'] }] },
    ]);
    expect(() => groupResults(['a.npz', 'b.npz', 'c.npz'])).toThrow(/one result or two to compare, got 3/);
    expect(groupResults(['x/b.npz', 'a.npz']).map(({ name }) => name)).toEqual(['b.npz', 'a.npz']);
  });

  it('share a timeline by the numbers of their frames', () => {
    const found = alignFrames([
      { frames: 2, names: ['8.jpg', '10.jpg'] },
      { frames: 2, names: ['4.jpg', '6.jpg'] },
    ]);
    expect(found).toEqual({
      frames: 4,
      frameOf: [
        [2, 3],
        [0, 1],
      ],
      names: ['4.jpg', '6.jpg', '8.jpg', '10.jpg'],
    });
    expect(alignFrames([{ frames: 3, names: ['a', 'b', 'c'] }, { frames: 2 }]).frameOf).toEqual([
      [0, 1, 2],
      [0, 1],
    ]);
    // Numbers that lie far apart count nothing.
    expect(
      alignFrames([
        { frames: 2, names: ['1', '2'] },
        { frames: 1, names: ['90000'] },
      ]).frames,
    ).toBe(2);
  });

  it('leave nobody where nobody was seen', () => {
    const later = { frameIds: ['12.jpg', '13.jpg', '14.jpg'], filled: Uint8Array.of(0, 1, 0), id: '<b>7</b>' };
    writePoses(path('two-person0-3d.npz'), walk);
    writePoses(path('two-person1-3d.npz'), liftedWalk('b', 3, later));
    const { scene, tracks } = buildScene([path('two-person1-3d.npz'), path('two-person0-3d.npz')]);
    expect(scene.value).toMatchObject({ frames: 20, fps: 50, fpsKnown: true });
    expect(scene.value.results[0].people.map(({ name }) => name)).toEqual(['Person 0', 'Person 1 (<b>7</b>)']);
    const state = Array.from(scene.arrays.get('0/1/state')!);
    expect(state.slice(10, 17)).toEqual([2, 2, 0, 1, 0, 2, 2]);
    const positions = positionsOf(scene, 0, 1);
    expect([11, 12, 14, 15].map((frame) => Number.isFinite(positions[frame * 51]))).toEqual([false, true, true, false]);
    expect(tracks[1].frameOf).toEqual([12, 13, 14]);
    expect(Array.from(scene.arrays.get('0/0/keypoints')!.subarray(0, 3))).toEqual([960, 540, Math.fround(0.9)]);
  });
});

describe('truth', () => {
  const other = liftedWalk('b', 20);
  writePoses(path('truth.npz'), other);
  const shape = [20, 17, 3];

  it('gives the errors of the metrics', () => {
    const { scene } = buildScene([path('walk.npz')], { truth: [path('truth.npz')] });
    const pair = [tensor(walk.poses, shape), tensor(other.poses, shape)] as const;
    const { error } = scene.value.results[0].people[0];
    expect(error?.rooted).toBeCloseTo(mpjpeMm(...pair), 3);
    expect(error?.aligned).toBeCloseTo(pMpjpeMm(...pair), 3);
    expect(scene.arrays.get('0/0/rooted')).toHaveLength(20 * 17);
  });

  it('is nothing for the truth itself, and lies on the person', () => {
    const { scene } = buildScene([path('walk.npz')], { truth: [path('walk.csv')] });
    expect(scene.value.results[0].people[0].error!.rooted).toBeLessThan(0.002);
    const truth = scene.arrays.get('0/0/truth') as Float32Array;
    expect(largestDifference(truth, positionsOf(scene))).toBeLessThan(3e-6);
  });

  it('in other axes is compared after the best rotation alone', async () => {
    await writeMotion(path('truth.trc'), motionOf(other));
    const { scene } = buildScene([path('walk.npz')], { truth: [path('truth.trc')] });
    const { error } = scene.value.results[0].people[0];
    expect(error).not.toHaveProperty('rooted');
    expect(error?.aligned).toBeCloseTo(pMpjpeMm(tensor(walk.poses, shape), tensor(other.poses, shape)), 2);
  });

  it('may be markers with names of joints', async () => {
    const names = ['Hip', 'RHip', 'RKnee', 'RAnkle', 'LHip', 'LKnee', 'LAnkle', 'V1', 'Neck', 'V2', 'Head'];
    const arms = ['LShoulder', 'LElbow', 'LWrist', 'RShoulder', 'RElbow', 'RWrist'];
    await writeMotion(path('markers.trc'), motionOf(other));
    const [all, rows] = [[...names, ...arms], readFileSync(path('markers.trc'), 'utf8').split('\n')];
    rows[3] = `Frame#\tTime\t${all.join('\t\t\t')}\t\t`;
    writeFileSync(path('markers.trc'), rows.join('\n'));
    const { scene } = buildScene([path('walk.npz')], { truth: [path('markers.trc')] });
    const used = [0, 1, 2, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15, 16];
    const pick = (poses: Float32Array) =>
      tensor(
        Float32Array.from(
          { length: 20 * 45 },
          (_, at) => poses[Math.floor(at / 45) * 51 + used[Math.floor((at % 45) / 3)] * 3 + (at % 3)],
        ),
        [20, 15, 3],
      );
    expect(scene.value.results[0].people[0].error!.aligned).toBeCloseTo(
      pMpjpeMm(pick(walk.poses), pick(other.poses)),
      2,
    );
    const shown = scene.arrays.get('0/0/truth') as Float32Array;
    expect([7, 9].every((joint) => Number.isNaN(shown[joint * 3]))).toBe(true);
    rows[3] = `Frame#\tTime\t${all.map((_, at) => `M${at}`).join('\t\t\t')}\t\t`;
    writeFileSync(path('unnamed.trc'), rows.join('\n'));
    expect(() => buildScene([path('walk.npz')], { truth: [path('unnamed.trc')] })).toThrow(
      /markers with names of at least 6/,
    );
  });

  it('of another length is refused with both lengths', () => {
    writeNpz(path('short.npz'), { poses: tensor(walk.poses.slice(0, 7 * 51), [7, 17, 3]) });
    const build = () => buildScene([path('walk.npz')], { truth: [path('short.npz')] });
    expect(build).toThrow(/short\.npz: expected the 20 frames of .*walk\.npz, got 7/);
  });
});

describe('the scene', () => {
  it('takes its 2D from another file where the result has none', () => {
    const { scene } = buildScene([path('walk.npy')], { keypoints: path('walk.npz'), fps: 25 });
    expect(scene.value).toMatchObject({ fps: 25, fpsKnown: true });
    expect(scene.arrays.get('0/0/keypoints')).toHaveLength(20 * 17 * 3);
    writePoses(path('long.npz'), liftedWalk('a', 21));
    const build = () => buildScene([path('walk.npy')], { keypoints: path('long.npz') });
    expect(build).toThrow(/long\.npz: expected the 20 frames of .*walk\.npy, got 21/);
  });

  it('stands upright whoever leans, and only where the axes are a camera\u2019s', () => {
    const tilt = (20 * Math.PI) / 180;
    const leaning = walk.poses.slice();
    for (let at = 0; at < leaning.length; at += 3) {
      const [, y, z] = walk.poses.subarray(at, at + 3);
      leaning[at + 1] = Math.cos(tilt) * y - Math.sin(tilt) * z;
      leaning[at + 2] = Math.sin(tilt) * y + Math.cos(tilt) * z;
    }
    writePoses(path('leaning.npz'), { ...walk, poses: leaning });
    const straight = buildScene([path('walk.npz')]).scene.value.results[0].upright!;
    const found = buildScene([path('leaning.npz')]).scene.value.results[0].upright!;
    expect(Math.abs(found.degrees - straight.degrees)).toBeLessThan(20.01);
    const [, , , x, y, z] = found.rotation;
    const [, , , p, q, r] = straight.rotation;
    // The leaning person's up, turned back, is the straight one's.
    const back = [x, Math.cos(tilt) * y + Math.sin(tilt) * z, Math.cos(tilt) * z - Math.sin(tilt) * y];
    expect(largestDifference(back, [p, q, r])).toBeLessThan(1e-4);
    expect(buildScene([path('walk.trc')]).scene.value.results[0]).not.toHaveProperty('upright');
  });

  it('survives packing, whatever texts are in it', () => {
    const value = { name: '</script><b>\u00e9\u{1f9cd}' };
    const arrays = new Map<string, Float32Array | Uint8Array>([
      ['bytes', Uint8Array.of(1, 2, 3)],
      ['floats', Float32Array.of(Number.NaN, -0.5)],
      ['none', new Uint8Array(0)],
    ]);
    const back = unpackArrays<typeof value>(packArrays({ value, arrays }));
    expect(back.value).toEqual(value);
    expect([...back.arrays]).toEqual([...arrays]);
    expect(() => unpackArrays(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))).toThrow('Expected packed arrays');
  });
});
