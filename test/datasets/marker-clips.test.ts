import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MocapOptions, prepareMocap } from '../../lib/datasets/mocap/mocap.js';
import type { PoseDataset } from '../../lib/datasets/pose-dataset.js';
import { writeC3d } from '../../lib/export/c3d.js';
import { writeTrc } from '../../lib/export/trc.js';
import type { CustomLayout } from '../../lib/keypoints/custom-layout.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { inByteOrderOf } from '../helpers/c3d-byte-orders.js';
import { runHere } from '../helpers/cli.js';
import { largestDifference } from '../helpers/difference.js';
import { walkingMotion } from '../helpers/motion.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const motion = walkingMotion('humanoid', 100);
const names = human36m17.joints.map((joint) => joint.replace(' ', '_'));
/** Every joint by one marker, but the knees by the middle of two. */
const layout: CustomLayout = {
  name: 'suit',
  joints: [...names.filter((name) => !name.endsWith('knee')), 'LKNE', 'LKNI', 'RKNE', 'RKNI'],
  map: {
    ...Object.fromEntries(human36m17.joints.map((joint, index) => [joint, names[index]])),
    'left knee': { LKNE: 0.5, LKNI: 0.5 },
    'right knee': { RKNE: 0.5, RKNI: 0.5 },
  },
};
const joints: CustomLayout = {
  name: 'joints',
  joints: names,
  map: Object.fromEntries(human36m17.joints.map((joint, i) => [joint, names[i]])),
};

type Change = (marker: string, frame: number, place: number[]) => number[] | undefined;

/** The motion by the suit's markers, as TRC: `change` moves a marker, or hides it (undefined: an empty cell). */
function suitTrc(change: Change = (_, __, place) => place, subject = ''): string {
  const markers = layout.joints;
  const rows = Array.from({ length: motion.frames }, (_, frame) => {
    const cells = markers.flatMap((marker) => {
      const side = marker.startsWith('L') ? 'left' : 'right';
      const joint = marker.includes('KN') ? `${side} knee` : marker.replace('_', ' ');
      const at = (frame * 17 + human36m17.joints.indexOf(joint)) * 3;
      const place = [...motion.positions.subarray(at, at + 3)];
      if (marker.includes('KN')) place[0] += marker.endsWith('E') ? 0.05 : -0.05;
      return (change(marker, frame, place)?.map((value) => (1000 * value).toFixed(3)) ?? ['', '', '']) as string[];
    });
    return [frame + 1, (frame / 50).toFixed(3), ...cells].join('\t');
  });
  return [
    'PathFileType\t4\t(X/Y/Z)\twalk.trc',
    'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames',
    `50\t50\t${motion.frames}\t${markers.length}\tmm\t50\t1\t${motion.frames}`,
    `Frame#\tTime\t${markers.map((marker) => subject + marker).join('\t\t\t')}\t\t`,
    `\t\t${markers.map((_, index) => `X${index + 1}\tY${index + 1}\tZ${index + 1}`).join('\t')}`,
    '',
    ...rows,
    '',
  ].join('\n');
}

async function prepare(files: Record<string, string | Uint8Array>, options: Partial<MocapOptions> = {}) {
  const folder = join(temporaryFolder(), 'studio');
  mkdirSync(join(folder, 'subject1'), { recursive: true });
  for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, 'subject1', name), body);
  const notices: string[] = [];
  const splits = { test: [], validation: [], drop: [] };
  const given = { folder, cameras: 1, splits, onNotice: (text: string) => notices.push(text), ...options };
  return { folder, notices, dataset: await prepareMocap(given) };
}

/** World places, about the hip, of a sequence. */
function world({ sequences }: PoseDataset, index = 0): Float32Array {
  const { poses, extrinsics } = sequences[index];
  const r = extrinsics!.rotation;
  return poses!.map((_, at) => {
    const [point, axis] = [at - (at % 3), at % 3];
    return r[axis] * poses![point] + r[3 + axis] * poses![point + 1] + r[6 + axis] * poses![point + 2];
  });
}

const truth = motion.positions.map((value, at) => value - motion.positions[at - (at % 51) + (at % 3)]);
/** z up: the motion as laboratories have it. */
const zUp = {
  ...motion,
  positions: motion.positions.map((_, at, all) => {
    const point = at - (at % 3);
    return [all[point], -all[point + 2], all[point + 1]][at % 3];
  }),
};

describe('markers as motion capture', () => {
  it('of TRC and C3D, in any byte order, become the motion they show', async () => {
    const c3d = writeC3d(motion);
    for (const [name, body] of [
      ['walk.trc', writeTrc(motion)],
      ['walk.c3d', c3d],
      ['dec.c3d', inByteOrderOf(85, c3d)],
      ['sgi.c3d', inByteOrderOf(86, c3d)],
    ] as const) {
      const { dataset, notices } = await prepare({ [name]: body }, { layout: joints });
      expect(dataset.sequences).toMatchObject([{ subject: 'subject1', frames: 100, fps: 50 }]);
      expect(largestDifference(world(dataset), truth), name).toBeLessThan(1e-4);
      expect(notices).toEqual(['To train on: subject1. To choose the epoch by: nobody. To test on: nobody.']);
    }
  });

  it('a joint may be the middle of two markers, in millimetres, with the name of the subject before them', async () => {
    const { dataset } = await prepare({ 'walk.trc': suitTrc(undefined, 'Subject1:') }, { layout });
    expect(largestDifference(world(dataset), truth)).toBeLessThan(1e-4);
  });

  it.each([
    ['no cell', undefined],
    ['the origin', [0, 0, 0]],
  ])('a short gap (%s) is bridged, and said', async (_, hidden) => {
    const gone: Change = (marker, frame, place) => (marker === 'LKNE' && frame >= 40 && frame < 48 ? hidden : place);
    const { dataset, notices } = await prepare({ 'walk.trc': suitTrc(gone) }, { layout });
    expect(dataset.sequences).toMatchObject([{ frames: 100 }]);
    expect(largestDifference(world(dataset), truth)).toBeLessThan(0.03);
    expect(notices[0]).toMatch(/walk\.trc: 8 places of joints were bridged over gaps of up to 0\.2 s\.$/);
  });

  it('a long gap is unknown: the clip is cut there, and said', async () => {
    const gone: Change = (marker, frame, place) => (marker === 'RKNI' && frame >= 30 && frame < 45 ? undefined : place);
    const { dataset, notices } = await prepare({ 'walk.trc': suitTrc(gone) }, { layout });
    expect(dataset.sequences.map(({ name, frames }) => [name, frames])).toEqual([
      ['subject1/walk part 1/0', 30],
      ['subject1/walk part 2/0', 55],
    ]);
    expect(largestDifference(world(dataset, 1), truth.subarray(45 * 51))).toBeLessThan(1e-4);
    expect(notices[0]).toMatch(/15 of 100 frames lack a joint and are left out, so that the clip is in 2 parts/);
  });

  it.each([
    ['z', zUp, ''],
    ['-y', { ...motion, positions: motion.positions.map((value, at) => (at % 3 === 0 ? value : -value)) }, ''],
  ])('with %s up are turned, never mirrored, and it is said', async (up, turned) => {
    const { dataset, notices } = await prepare({ 'walk.trc': writeTrc(turned) }, { layout: joints });
    expect(largestDifference(world(dataset), truth)).toBeLessThan(1e-4);
    expect(notices[0]).toContain(`heads are over feet along ${up}, which is taken as up.`);
    const told = await prepare({ 'walk.trc': writeTrc(turned) }, { layout: joints, up: up as 'z' });
    expect(told.dataset.sequences[0].poses).toEqual(dataset.sequences[0].poses);
  });

  it('without a layout are passed over and said, or nothing is there', async () => {
    const trc = writeTrc(motion);
    await expect(prepare({ 'walk.trc': trc })).rejects.toThrow(
      /No \.amc and no \.bvh.*1 \.c3d and \.trc file has markers.*layout/,
    );
    await expect(prepare({ 'walk.trc': trc }, { layout })).rejects.toThrow(
      /walk\.trc: expected joints called LKNE, LKNI/,
    );
  });
});

describe('prepare mocap on the command line', () => {
  let folder: string;
  beforeAll(async () => {
    folder = (await prepare({ 'walk.c3d': writeC3d(motion) }, { layout: joints })).folder;
    writeFileSync(join(folder, 'layout.json'), JSON.stringify(joints));
  });

  it('takes --layout, --units and --up, and always prints who went where', async () => {
    const out = join(folder, 'data.safetensors');
    const given = ['prepare', 'mocap', folder, '--layout', join(folder, 'layout.json'), '--cameras', '1', '--out', out];
    const done = await runHere(given);
    expect(done.code).toBe(0);
    expect(done.err).toContain('To train on: subject1. To choose the epoch by: nobody. To test on: nobody.');
    expect((await runHere([...given, '--test', 'subject9'])).err).toMatch(
      /test: expected subjects \(subject1\).*got subject9/,
    );
    expect((await runHere([...given, '--up', 'w'])).err).toMatch(/--up.*Allowed choices are x, y, z/);
    expect((await runHere([...given, '--units', 'furlong'])).err).toMatch(
      /--units.*Expected m, cm, mm, in, or how many metres/,
    );
  });
});
