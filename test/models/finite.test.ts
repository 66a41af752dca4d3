import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import type { Tensor } from '../../lib/base/tensor.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import { writeSafetensors } from '../../lib/formats/safetensors.js';
import { MaskedPoseModel } from '../../lib/models/masked-pose-model.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import type { ModelConfigInput } from '../../lib/networks/config.js';
import { CONFIG_KEY, writeNamedNpz, writeWeights } from '../../lib/networks/weights.js';
import { cpuDevice } from '../helpers/cpu-device.js';
import { pattern } from '../helpers/pattern.js';
import { randomNetwork, randomTensors, smallConfig } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const size = { width: 640, height: 480 };
const FIRST = 'encoder.fc_1.weight';
const VARIANCE = 'encoder.bn_1.running_var';

function video(frames: number): Tensor<Float32Array> {
  const { data, shape } = pattern('video', frames, 17, 2);
  return { data: data.map((value, i) => (value + 1) * (i % 2 === 0 ? 320 : 240)), shape };
}

/** A model file whose weights were changed after the check of {@link writeWeights}. */
async function damaged(change: Record<string, number>, as: 'safetensors' | 'npz', overrides: ModelConfigInput = {}) {
  const config = smallConfig(overrides);
  const tensors = await randomTensors(config);
  for (const [name, value] of Object.entries(change)) tensors.get(name)!.data[1] = value;
  const path = join(folder, `damaged.${as}`);
  if (as === 'safetensors') {
    writeSafetensors(path, tensors, { [CONFIG_KEY]: JSON.stringify(config) });
  } else {
    writeNpz(path, new Map([...tensors].map(([name, value]) => [`module.${name}`, value])));
  }
  return path;
}

async function errorOf(run: () => unknown): Promise<PoseError> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(PoseError);
    return error as PoseError;
  }
  throw new Error('No error came.');
}

describe('weights that are not finite', () => {
  const cases: [string, number, RegExp][] = [
    [FIRST, Number.NaN, /got NaN/],
    [FIRST, Infinity, /got Infinity/],
    [VARIANCE, -0.5, /not negative, got -0\.5/],
    // The compiled lifter reads neither of these.
    ['fcn.1.bias', -Infinity, /got -Infinity/],
    ['fcn_1.1.bias', Number.NaN, /got NaN/],
  ];
  it.each(cases)('are refused at load: %s %d', async (name, value, message) => {
    for (const as of ['safetensors', 'npz'] as const) {
      const path = await damaged({ [name]: value }, as);
      const preset = as === 'npz' ? { config: smallConfig() } : {};
      const error = await errorOf(() => PoseLifter.load(path, { device: cpuDevice, threads: 1, ...preset }));
      expect(error).toMatchObject({ code: 'ERR_MODEL', message: expect.stringMatching(message) });
      expect(error.message).toContain(path);
      expect(error.message).toContain(`${name}[1]`);
    }
  });

  it('are refused in a Stage I model too', async () => {
    const path = await damaged({ mask_token: Number.NaN }, 'safetensors', { stage: 1 });
    const error = await errorOf(() => MaskedPoseModel.load(path, { device: cpuDevice, threads: 1 }));
    expect(error).toMatchObject({ code: 'ERR_MODEL', message: expect.stringContaining('mask_token[1]') });
  });

  it('are not written', async () => {
    const config = smallConfig();
    const tensors = await randomTensors(config);
    const path = join(folder, 'never.safetensors');
    tensors.get(FIRST)!.data[5] = Number.NaN;
    const error = { code: 'ERR_MODEL', message: expect.stringContaining(`not written: ${FIRST}[5] is NaN`) };
    expect(await errorOf(() => writeWeights(path, tensors, config))).toMatchObject(error);
    expect(await errorOf(() => writeNamedNpz(path, tensors))).toMatchObject(error);
  });

  it('come out of a network in training as an error', async () => {
    const native = await randomNetwork(smallConfig());
    await native.setSequences({
      keypoints: new Float32Array(20 * 34).fill(0.1),
      poses: new Float32Array(20 * 51).fill(0.1),
      lengths: Int32Array.of(20),
    });
    const step = { batch: 2, stride: 1, shuffleFrames: false, learningRate: 1e6, seed: 0, update: true, flip: false };
    const samples = Int32Array.of(0, 3, 0, 0, 9, 0);
    let losses: Float64Array;
    let firstStep = 0;
    do losses = await native.train({ ...step, samples, firstStep: firstStep++ });
    while (losses.every(Number.isFinite) && firstStep < 200);
    expect(losses.every(Number.isFinite)).toBe(false);
    expect(await errorOf(() => native.read('value', FIRST))).toMatchObject({ code: 'ERR_MODEL' });
    await native.close();
  });
});

describe('inputs that no network can lift', () => {
  it('are refused by frame and joint: keypoints and image sizes', async () => {
    const config = smallConfig();
    const path = join(folder, 'sound.safetensors');
    writeWeights(path, await randomTensors(config), config);
    await using lifter = await PoseLifter.load(path, { device: cpuDevice, threads: 1 });
    const far = video(5);
    far.data[2 * 34 + 7] = 1e38;
    const message = /frame 2, joint 3 has y 9\.99.*e\+37 in an image of 640x480/;
    await using stream = await lifter.stream(size);
    const frame = { data: far.data.slice(68, 102), shape: [17, 2] };
    for (const call of [() => lifter.lift(far, size), () => lifter.attention(far, 2, size)]) {
      expect(await errorOf(call)).toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) });
    }
    expect((await errorOf(() => stream.push(frame))).message).toMatch(/frame 0, joint 3 has y/);
    for (const width of [1e-40, 5e-324, Number.NaN, Infinity, 0]) {
      const error = await errorOf(() => lifter.lift(video(5), { ...size, width }));
      expect(error, String(width)).toMatchObject({ code: 'ERR_ARGUMENT', message: expect.stringContaining('mage') });
    }
    expect(await errorOf(() => lifter.lift(video(5), { ...size, fps: 1e-300 }))).toMatchObject({
      ...{ code: 'ERR_ARGUMENT', message: expect.stringContaining('fps') },
    });
  });

  it('are refused by frame: roots and cameras of a refining model', async () => {
    const config = smallConfig({ refine: { root: 'given' } });
    const path = join(folder, 'refining.safetensors');
    writeWeights(path, await randomTensors(config), config);
    await using lifter = await PoseLifter.load(path, { device: cpuDevice, threads: 1 });
    const camera = { fx: 2, fy: 2, cx: 0, cy: 0 };
    const root = { data: new Float32Array(15).fill(4), shape: [5, 3] };
    const lift = (view: object) => errorOf(() => lifter.lift(video(5), { ...size, root, camera, ...view }));
    for (const value of [Number.NaN, Infinity]) {
      const data = root.data.slice();
      data[7] = value;
      expect(await lift({ root: { ...root, data } })).toMatchObject({
        ...{ code: 'ERR_ARGUMENT', message: expect.stringMatching(/root: frame 2 has y/) },
      });
      expect((await lift({ camera: { ...camera, cx: value } })).message).toMatch(/camera: expected finite/);
    }
    expect((await lift({ camera: { ...camera, fx: 0 } })).message).toMatch(/positive fx/);
  });

  it('are refused by native code itself', async () => {
    const native = await randomNetwork(smallConfig({ refine: { root: 'given' } }));
    const keypoints = video(5).data.map((value) => value / 1000);
    const request = { keypoints, stride: 1, flip: true, first: 0, count: 5, batch: 0 };
    const root = new Float32Array(15).fill(4);
    const camera = Float32Array.of(2, 2, 0, 0);
    for (const name of ['keypoints', 'root', 'camera'] as const) {
      const view = { ...request, root, camera };
      const bad = view[name].slice();
      bad[1] = Number.NaN;
      expect(await errorOf(() => native.lift({ ...view, [name]: bad }))).toMatchObject({
        ...{ code: 'ERR_ARGUMENT', message: `request.${name}[1]: expected a finite number, got NaN.` },
      });
    }
    await native.close();
  });
});

describe('a result that is not finite', () => {
  /** Finite weights whose products overflow. */
  async function overflowing(compiled: 'auto' | 'off', precision: 'fp32' | 'bf16' = 'fp32') {
    const path = await damaged({}, 'safetensors');
    const config = smallConfig();
    const tensors = await randomTensors(config);
    for (const name of ['fcn.1.weight', 'fcn_1.1.weight']) tensors.get(name)!.data.fill(3e38);
    writeWeights(path, tensors, config);
    return PoseLifter.load(path, { device: cpuDevice, threads: 1, compiled, precision });
  }

  it.each(['auto', 'off'] as const)(
    'is an error of lift, of liftMany and of streams, compiled %s',
    async (compiled) => {
      await using lifter = await overflowing(compiled);
      const error = { code: 'ERR_MODEL', message: expect.stringMatching(/not finite, first in pose 0/) };
      expect(await errorOf(() => lifter.lift(video(5), size))).toMatchObject(error);
      expect(
        await errorOf(async () => {
          for await (const poses of lifter.liftMany([{ keypoints: video(5), ...size }])) expect(poses).toBeUndefined();
        }),
      ).toMatchObject(error);
      const stream = await lifter.stream({ ...size, lookahead: 1 });
      const frame = { data: video(1).data, shape: [17, 2] };
      await stream.push(frame);
      expect(await errorOf(() => stream.push(frame))).toMatchObject(error);
      expect(await errorOf(() => stream.end())).toMatchObject(error);
    },
  );
});
