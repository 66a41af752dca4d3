import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LiftRequest, NativeConfig, NativeModel } from '../../binding.js';
import { createNativeModel, machine } from '../../lib/binding.js';
import { PoseLifter } from '../../lib/models/pose-lifter.js';
import { bundledModels } from '../../lib/networks/bundled.js';
import { finetune } from '../../lib/training/finetune.js';
import { cutLift } from '../../lib/wasm/pieces.js';
import { closeAll, randomKeypoints } from '../helpers/lifter-twins.js';
import { nativeConfig, relativeError } from '../helpers/native-model.js';
import { pattern } from '../helpers/pattern.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { wasmBuilt } from '../helpers/wasm-built.js';

const folder = temporaryFolder();
const small = { frames: 27, layers: 1, width: 32, hidden: 48 };
const TOLERANCE = 1e-5;

async function modelOn(
  device: 'cpu' | 'wasm',
  threads: number,
  overrides: Partial<NativeConfig> = {},
): Promise<NativeModel> {
  const model = createNativeModel(nativeConfig({ ...small, ...overrides }), { device, precision: 'fp32', threads });
  await model.initialize(3);
  return model;
}

const whole = (frames: number): LiftRequest => ({
  keypoints: randomKeypoints(frames),
  ...{ stride: 2, flip: true, first: 0, count: frames, batch: 0 },
});

/** Requests that are cut into pieces, each in its own way. */
const cut: Record<string, LiftRequest> = {
  'a long clip': whole(300),
  'a part of a clip': { ...whole(300), first: 70, count: 150 },
  'clips of all lengths': { ...whole(420), lengths: Int32Array.of(40, 1, 200, 7, 30, 2, 140) },
};

describe.skipIf(!wasmBuilt)('WebAssembly', () => {
  it.each(Object.keys(cut))(
    'lifts %s as the native build, with the same bits for any number of workers',
    async (name) => {
      const request = cut[name];
      expect(cutLift(request, nativeConfig(small))!.length).toBeGreaterThan(2);
      const native = await modelOn('cpu', 1);
      const expected = await native.lift(request);
      const results: Float32Array[] = [];
      for (const threads of [1, 2, 3]) {
        const model = await modelOn('wasm', threads);
        results.push(await model.lift(request));
        await model.close();
      }
      await native.close();
      expect(relativeError(results[0], expected)).toBeLessThan(TOLERANCE);
      for (const other of results.slice(1)) expect(other).toEqual(results[0]);
    },
  );

  it('shares the windows of a network that runs op by op, and of one that refines', async () => {
    for (const overrides of [{ backbone: 'fc' as const }, { refine: true }]) {
      const [native, model] = [await modelOn('cpu', 1, overrides), await modelOn('wasm', 2, overrides)];
      const view = {
        root: pattern('roots', 150, 3).data.map((value) => value + 4),
        camera: Float32Array.of(1, 1, 0, 0),
      };
      const request = { ...whole(150), ...('refine' in overrides ? view : {}) };
      expect(relativeError(await model.lift(request), await native.lift(request))).toBeLessThan(TOLERANCE);
      await closeAll(native, model);
    }
  });

  it('hands the weights to every worker: written, initialized, read from a file', async () => {
    const [one, two] = [await modelOn('wasm', 1), await modelOn('wasm', 2)];
    const request = whole(200);
    const first = await two.lift(request);
    for (const model of [one, two]) {
      await model.initialize(8);
      await model.write('value', 'fcn.1.bias', new Float32Array(51).fill(0.25));
    }
    const second = await two.lift(request);
    expect(second).not.toEqual(first);
    expect(second).toEqual(await one.lift(request));
    await closeAll(one, two);
  });

  it('lifts with the bundled model as the native build, whole and as a stream', async () => {
    const [{ name }] = bundledModels();
    const { data, shape } = pattern('video', 90, 17, 2);
    const keypoints = { data: data.map((value, i) => (value + 1) * (i % 2 === 0 ? 320 : 240)), shape };
    const options = { width: 640, height: 480 };
    await using native = await PoseLifter.load(name, { device: 'cpu' });
    await using lifter = await PoseLifter.load(name, { device: 'wasm', threads: 2 });
    expect(lifter.device).toBe('WebAssembly SIMD128, 2 workers');
    const poses = await lifter.lift(keypoints, options);
    expect(relativeError(poses.data, (await native.lift(keypoints, options)).data)).toBeLessThan(TOLERANCE);
    expect(lifter.memoryBytes).toBeGreaterThan(1e6);
    const streamed: number[][] = [];
    for (const model of [lifter, native]) {
      const stream = await model.stream(options);
      const numbers: number[] = [];
      for (let frame = 0; frame < 90; frame++) {
        const pose = await stream.push({ data: keypoints.data.slice(34 * frame, 34 * (frame + 1)), shape: [17, 2] });
        if (pose) numbers.push(...pose.data);
      }
      numbers.push(...(await stream.end()).data);
      streamed.push(numbers);
    }
    expect(streamed[0]).toHaveLength(90 * 51);
    expect(relativeError(streamed[0], streamed[1])).toBeLessThan(TOLERANCE);
  });

  it('counts what is done, stops when control says so, and ends what runs with close()', async () => {
    const model = await modelOn('wasm', 2);
    const control = new Int32Array(new SharedArrayBuffer(8));
    await model.lift(whole(300), control);
    expect(control[1]).toBe(300);
    const stopped = model.lift(whole(40_000), control);
    while (Atomics.load(control, 1) === 300) await new Promise((resolve) => setTimeout(resolve, 1));
    Atomics.store(control, 0, 1);
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(control[1]).toBeLessThan(40_000);
    const running = model.lift(whole(40_000));
    const waiting = model.read('value', 'fcn.1.bias');
    const ends = Promise.allSettled([running, waiting]);
    await Promise.all([model.close(), model.close()]);
    for (const end of await ends) expect(end).toMatchObject({ reason: { code: 'ERR_CLOSED' } });
    expect(model.memoryBytes).toBe(0);
    await expect(model.lift(whole(10))).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  });

  it('says what is wrong in the words of the native build, of a request that is cut too', async () => {
    const models = [await modelOn('cpu', 1), await modelOn('wasm', 2)];
    const keypoints = randomKeypoints(300);
    keypoints[34 * 200] = Number.NaN;
    const wrong: object[] = [
      { ...whole(300), keypoints },
      { ...whole(300), keypoints: new Float64Array(300 * 34) },
      { ...whole(300), stride: 0 },
      { ...whole(300), count: 301 },
      { ...whole(300), lengths: Int32Array.of(299) },
      { ...whole(300), colour: 1 },
      { ...whole(300), root: new Float32Array(900).fill(Number.NaN, 700), camera: Float32Array.of(1, 1, 0, 0) },
    ];
    const messageOf = async (model: NativeModel, request: object): Promise<string> => {
      const error = await model.lift(request as LiftRequest).catch((reason: Error) => reason);
      return (error as Error).message;
    };
    for (const request of wrong) {
      const [native, wasm] = await Promise.all(models.map((model) => messageOf(model, request)));
      expect(wasm).toBe(native);
    }
    await Promise.all(models.map((model) => model.write('value', 'fcn.1.bias', new Float32Array(51).fill(3e38))));
    await Promise.all(models.map((model) => model.write('value', 'fcn.0.weight', new Float32Array(32).fill(3e38))));
    const [native, wasm] = await Promise.all(models.map((model) => messageOf(model, whole(300))));
    expect(wasm).toMatch(/not finite, first in pose \d+/);
    expect(wasm).toBe(native);
    await closeAll(...models);
  });

  it('refuses training, GPUs and other precisions by their codes', async () => {
    const model = await modelOn('wasm', 1);
    const windows = { keypoints: randomKeypoints(27), batch: 1 };
    for (const call of [model.adamStep(1, 1), model.gradients(windows, 0, 0)]) {
      await expect(call).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringMatching(/WebAssembly/),
      });
    }
    await model.close();
    const out = join(folder, 'trained');
    const training = finetune({ dataset: join(folder, 'nothing.npz'), out, device: 'wasm' });
    await expect(training).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/WebAssembly does not train/),
    });
    expect(existsSync(out)).toBe(false);
    const options = { device: 'wasm', threads: 1 } as const;
    for (const precision of ['bf16', 'tf32'] as const) {
      expect(() => createNativeModel(nativeConfig(small), { ...options, precision })).toThrow(
        expect.objectContaining({ code: 'ERR_UNSUPPORTED' }),
      );
    }
    const { cuda, isas, threads } = machine('wasm');
    expect(cuda).toMatchObject({ built: false, found: false, code: 'ERR_NO_CUDA' });
    expect(isas).toEqual(['portable']);
    expect(threads).toBeGreaterThan(0);
  });
});
