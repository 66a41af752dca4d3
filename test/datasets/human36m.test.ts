import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { human36mCameras } from '../../lib/datasets/cameras.js';
import { type Human36mOptions, loadHuman36m } from '../../lib/datasets/human36m/human36m.js';
import { actionOf, HUMAN36M_ACTIONS } from '../../lib/metrics/pooling.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { walker } from '../helpers/walker.js';
import { FAKE_HUMAN36M_ACTIONS, writeFakeHuman36m } from '../helpers/writers/fake-datasets.js';
import { writeObjectNpz } from '../helpers/writers/pickle-writer.js';

const folder = temporaryFolder();
const paths = writeFakeHuman36m(folder, { frames: 12 });
const dataset = loadHuman36m(paths);

const load = (options: Partial<Human36mOptions>) => loadHuman36m({ ...paths, ...options });

describe('Human3.6M from its npz files', () => {
  it('reads every subject, action and camera into its split', () => {
    expect(dataset).toMatchObject({ inputLayout: 'h36m-17', outputLayout: 'h36m-17', rootJoint: 0 });
    const expected = Object.entries(FAKE_HUMAN36M_ACTIONS).flatMap(([subject, actions]) =>
      actions.flatMap((action) => human36mCameras(subject).map(({ id }) => `${subject}/${action}/${id}`)),
    );
    expect(dataset.sequences.map(({ name }) => name).sort()).toEqual(expected.sort());
    for (const { split, subject } of dataset.sequences) {
      expect(split).toBe(subject === 'S9' || subject === 'S11' ? 'test' : 'train');
    }
    const tested = dataset.sequences.filter(({ split }) => split === 'test').map(({ action }) => actionOf(action));
    expect([...new Set(tested)].sort()).toEqual([...HUMAN36M_ACTIONS].sort());
  });

  it('cuts 2D beyond the last frame of the motion capture', () => {
    const sequence = dataset.sequences.find(({ name }) => name === 'S1/Sitting 2/54138969')!;
    expect(sequence.frames).toBe(12);
    expect(sequence.keypoints).toHaveLength(12 * 17 * 2);
    expect(sequence.poses).toHaveLength(12 * 17 * 3);
    expect(sequence.root).toHaveLength(12 * 3);
    expect(sequence.fps).toBe(50);
  });

  it('takes 17 of the 32 joints into camera axes, relative to the hip', () => {
    const sequence = dataset.sequences.find(({ name }) => name === 'S9/Eating 1/58860488')!;
    const world = walker('S9 Eating 1', 12, 50);
    const { rotation: r, translation: t } = human36mCameras('S9')[2].extrinsics;
    for (const [frame, joint] of [
      [0, 0],
      [3, 10],
      [11, 16],
    ]) {
      const at = 3 * (frame * 17 + joint);
      for (let axis = 0; axis < 3; axis++) {
        const inCamera = [0, 1, 2].reduce((sum, k) => sum + r[3 * axis + k] * world[at + k], t[axis]);
        expect(sequence.poses![at + axis] + sequence.root![3 * frame + axis]).toBeCloseTo(inCamera, 5);
      }
    }
    for (let frame = 0; frame < 12; frame++) {
      expect([...sequence.poses!.subarray(frame * 51, frame * 51 + 3)]).toEqual([0, 0, 0]);
    }
  });

  it('agrees with itself: normalised keypoints are the poses seen through the normalised intrinsics', () => {
    for (const { keypoints, poses, root, intrinsics, frames } of dataset.sequences) {
      const { fx, fy, cx, cy } = intrinsics!;
      for (let i = 0; i < frames * 17; i++) {
        const [x, y, z] = [0, 1, 2].map((axis) => poses![3 * i + axis] + root![3 * Math.floor(i / 17) + axis]);
        // Only the lens's distortion, at most 15 pixels of 1000, stands between the two.
        expect(Math.abs((fx * x) / z + cx - keypoints[2 * i])).toBeLessThan(0.03);
        expect(Math.abs((fy * y) / z + cy - keypoints[2 * i + 1])).toBeLessThan(0.03);
      }
    }
  });

  it('chooses subjects, actions, cameras and a validation split', () => {
    const chosen = load({
      trainSubjects: ['S1', 'S8'],
      testSubjects: ['S9'],
      validation: ['S8', 'S1/Walking'],
      actions: ['Walking', 'Phoning 1', 'Directions'],
      cameras: ['0', '60457274'],
    });
    expect(chosen.sequences.map(({ name, split }) => `${name} ${split}`)).toEqual([
      'S1/Directions 1/54138969 train',
      'S1/Directions 1/60457274 train',
      'S1/Walking 1/54138969 validation',
      'S1/Walking 1/60457274 validation',
      'S8/Phoning 1/54138969 validation',
      'S8/Phoning 1/60457274 validation',
      'S9/Directions 1/54138969 test',
      'S9/Directions 1/60457274 test',
      'S9/Phoning 1/54138969 test',
      'S9/Phoning 1/60457274 test',
    ]);
  });
});

describe('what does not fit', () => {
  const view = (frames: number, joints = 17) => ({
    data: new Float32Array(frames * joints * 2),
    shape: [frames, joints, 2],
  });
  const write = (name: string, views: unknown[], metadata: Record<string, string | number> = { num_joints: 17 }) => {
    const positions2d = join(folder, `${name}.npz`);
    const positions3d = join(folder, 'one.npz');
    writeObjectNpz(positions3d, {
      positions_3d: { S1: { Walking: { data: new Float32Array(480), shape: [5, 32, 3] } } },
    });
    writeObjectNpz(positions2d, { positions_2d: { S1: { Walking: views as never[], Extra: [] } }, metadata });
    return { positions2d, positions3d, trainSubjects: ['S1'], testSubjects: [] };
  };

  it.each<[string, Partial<Human36mOptions> & Record<string, unknown>, RegExp]>([
    ['an unknown subject', { trainSubjects: ['S2'] }, /no subject S2, only S1, S5/],
    ['a subject in both splits', { testSubjects: ['S1'] }, /S1 is asked for twice/],
    ['an unknown action', { actions: ['Jumping'] }, /action Jumping/],
    ['an unknown camera', { cameras: ['7'] }, /camera 7/],
    ['a validation name of nobody', { validation: ['S9'] }, /validation S9/],
    ['an unknown option', { subjects: ['S1'] }, /no option subjects/],
    ['a file of another kind', { positions3d: paths.positions2d }, /positions_3d/],
  ])('%s', (_, options, message) => {
    expect(() => load(options)).toThrow(message);
    expect(() => load(options)).toThrow(PoseError);
  });

  it('2D shorter than 3D, a missing camera, other joints', () => {
    expect(() => loadHuman36m(write('short', [view(5), view(5), view(4), view(5)]))).toThrow(
      /at least 5 frames.*\(4, 17, 2\)/,
    );
    expect(() => loadHuman36m(write('three', [view(5), view(5), view(5)]))).toThrow(/expected 4 cameras, got 3/);
    expect(() => loadHuman36m(write('coco', [view(5, 18), view(5), view(5), view(5)]))).toThrow(/\(any, 17, any\)/);
  });

  it('a camera without detections is left out, and so is an action without 3D', () => {
    const read = loadHuman36m(write('lost', [view(5), null, view(6), view(5)]));
    expect(read.sequences.map(({ camera }) => camera)).toEqual(['54138969', '58860488', '60457274']);
  });

  it('names the layout of other detectors', () => {
    const views = [view(5), view(5), view(5), view(5)];
    const layout = (metadata: Record<string, string | number>, joints = 17) =>
      loadHuman36m(write('layout', joints === 17 ? views : views.map(() => view(5, joints)), metadata)).inputLayout;
    expect(layout({ num_joints: 17, layout_name: 'coco' })).toBe('coco-17');
    expect(layout({ num_joints: 17 })).toBe('h36m-17');
    expect(layout({ num_joints: 16 }, 16)).toBe('mpii-16');
    const own = write('own', views);
    expect(loadHuman36m({ ...own, inputLayout: 'coco-17' }).inputLayout).toBe('coco-17');
    expect(() => loadHuman36m({ ...own, inputLayout: 'halpe-26' })).toThrow(/halpe-26 has 26 joints.* has 17/);
  });
});
