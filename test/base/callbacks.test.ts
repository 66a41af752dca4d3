import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseBvh, readBvh } from '../../lib/datasets/mocap/bvh.js';
import { prepareMocap } from '../../lib/datasets/mocap/mocap.js';
import { evaluate } from '../../lib/evaluation/evaluate.js';
import { evaluateOcclusion } from '../../lib/evaluation/occlusion.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { finetune } from '../../lib/training/finetune.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { bvhText } from '../helpers/writers/mocap-files.js';
import { tinyDataset, tinyModel } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const model = join(folder, 'model.safetensors');
const motions = join(folder, 'motions');
const bvh = join(motions, 'subject1', 'walk.bvh');
const dataset = tinyDataset();
const device = { device: 'cpu', threads: 1 } as const;
const keypoints = (frames: number) => ({ data: new Float32Array(frames * 34).fill(50), shape: [frames, 17, 2] });
let lifter: PoseLifter;
let trainings = 0;

beforeAll(async () => {
  await writeSmallModel(model, { outputUnit: 'm' });
  lifter = await PoseLifter.load(model, device);
  mkdirSync(join(motions, 'subject1'), { recursive: true });
  writeFileSync(bvh, bvhText(100));
  return () => lifter.close();
});

/** Every call that takes a callback, given to the one of that name. */
const CALLS: [string, (callback: () => unknown) => Promise<unknown>][] = [
  ['load, onNotice', (onNotice) => PoseLifter.load(model, { threads: 1, onNotice: onNotice as () => void })],
  [
    'lift',
    (onProgress) => lifter.lift(keypoints(20), { width: 100, height: 100, onProgress: onProgress as () => void }),
  ],
  [
    'liftMany',
    async (onProgress) => {
      const options = { width: 100, height: 100, onProgress: onProgress as () => void };
      for await (const _ of lifter.liftMany([{ keypoints: keypoints(20) }], options));
    },
  ],
  ...(['onProgress', 'onEpoch', 'onNotice'] as const).map(
    (name): [string, (callback: () => unknown) => Promise<unknown>] => [
      `finetune, ${name}`,
      (callback) => {
        const common = { dataset, model: tinyModel, batch: 32, epochs: 1, threads: 1, [name]: callback };
        return finetune({ ...common, out: join(folder, `training-${trainings++}`) });
      },
    ],
  ),
  ['evaluate', (onProgress) => evaluate({ ...device, model, dataset, onProgress: onProgress as () => void })],
  [
    'evaluateOcclusion',
    (onProgress) =>
      evaluateOcclusion({ ...device, model, dataset, shares: [0.1], onProgress: onProgress as () => void }),
  ],
  ['prepareMocap', (onProgress) => prepareMocap({ folder: motions, onProgress: onProgress as () => void })],
  ['prepareMocap, onNotice', (onNotice) => prepareMocap({ folder: motions, onNotice: onNotice as () => void })],
  ['readBvh, onNotice', (onNotice) => readBvh(bvh, { onNotice: onNotice as () => void })],
];

// A rejection that nobody handles fails this file: vitest reports it.
describe.each(CALLS)('a callback of %s', (_, call) => {
  it('that throws is what the call throws', async () => {
    const error = new Error('thrown by the program');
    await expect(
      call(() => {
        throw error;
      }),
    ).rejects.toBe(error);
  });

  it('whose promise is rejected is what the call rejects with', async () => {
    const error = new Error('rejected by the program');
    await expect(call(() => Promise.reject(error))).rejects.toBe(error);
    await expect(call(async () => Promise.reject(undefined))).rejects.toBeUndefined();
  });

  it('is not waited for', async () => {
    await call(() => new Promise(() => {}));
  });
});

it('a rejection after the end is ignored, and a callback may wait for the call or close its model', async () => {
  const own = await PoseLifter.load(model, device);
  const late: Promise<unknown>[] = [];
  const options = { width: 100, height: 100 };
  const onProgress = () => {
    late.push(own.close());
    return new Promise<void>((_, reject) => {
      setTimeout(() => reject(new Error('late')), 50);
    });
  };
  await own.lift(keypoints(20), { ...options, onProgress });
  await Promise.all(late);
  await new Promise((done) => {
    setTimeout(done, 100);
  });
});

it('a training that a callback stops keeps its checkpoint and frees its folder', async () => {
  const out = join(folder, 'stopped');
  const common = { dataset, model: tinyModel, batch: 32, epochs: 50, threads: 1, out };
  const error = new Error('enough');
  await expect(finetune({ ...common, onEpoch: async () => Promise.reject(error) })).rejects.toBe(error);
  expect(readdirSync(out).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl', 'model.safetensors', 'run.json']);
  expect(await finetune({ ...common, resume: true, epochs: 2 })).toMatchObject({ epochs: 2 });
});

it('parseBvh, which ends before any promise, ignores what one rejects with', () => {
  const onNotice = (() => Promise.reject(new Error('ignored'))) as unknown as () => void;
  expect(parseBvh(bvhText(100), 'walk.bvh', { onNotice }).frames).toBe(100);
});
