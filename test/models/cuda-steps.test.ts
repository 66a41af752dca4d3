import { describe, expect, it } from 'vitest';
import type { NativeConfig, NativeModel, PrecisionName, TrainRequest } from '../../binding.js';
import { createNativeModel } from '../../lib/binding.js';
import { chooseCudaDevice, emulatedCublasLt, isEmulated } from '../helpers/cuda-device.js';
import { emulationLog, withEnvironment } from '../helpers/emulation-log.js';
import { nativeConfig } from '../helpers/native-model.js';
import { fill, pattern } from '../helpers/pattern.js';

// What the host does for the GPU: recorded steps, copies, memory. Counted and provoked on the emulated device.
const reason = chooseCudaDevice() ?? (isEmulated() ? undefined : 'the device is not the emulated one');
if (reason) console.log(`The CUDA backend's host side is not tested: ${reason}`);

const small = { frames: 9, layers: 1, decoderLayers: 1, width: 32, hidden: 32, heads: 2, dropout: 0.25 } as const;
const LENGTHS = [21, 13];
const FRAMES = 34;

async function smallModel(
  overrides: Partial<NativeConfig>,
  matmul = 'own',
  precision: PrecisionName = 'fp32',
): Promise<NativeModel> {
  const config = nativeConfig({ ...small, ...overrides });
  const options = { device: 'cuda:0', precision, threads: 1, matmul, compiled: 'off' } as const;
  const model = createNativeModel(config, options);
  for (const { name, shape } of model.tensors) {
    await model.write('value', name, fill(name, shape).data);
  }
  await model.setSequences({
    keypoints: pattern('keypoints', FRAMES, 17, 2).data,
    poses: pattern('poses', FRAMES, 17, 3).data,
    lengths: Int32Array.from(LENGTHS),
    ...(config.refine && {
      roots: Float32Array.from(pattern('roots', FRAMES, 3).data, (value, i) => value + (i % 3 === 2 ? 5 : 0)),
      cameras: Float32Array.from([2.2, 2.1, 0.02, -0.01, 2.3, 2.4, -0.03, 0.02]),
    }),
  });
  return model;
}

/** Windows of both sequences, mirrored ones too. */
function samples(count: number, from = 0): Int32Array {
  const rows = Array.from({ length: count }, (_, i) => [(i + from) % 2, (3 * i + from) % 13, i % 3 === 0 ? 1 : 0]);
  return Int32Array.from(rows.flat());
}

function request(stage: number, count: number, batch: number, over: Partial<TrainRequest> = {}): TrainRequest {
  const steps = Math.ceil(count / batch);
  const masked = Uint8Array.from({ length: steps * 9 }, (_, i) => (((i % 9) * 7 + Math.floor(i / 9)) % 9 < 4 ? 1 : 0));
  const jointMask = Uint8Array.from({ length: steps * 9 * 17 }, (_, i) =>
    ((i % 17) + Math.floor(i / 153)) % 17 < 2 ? 1 : 0,
  );
  return {
    ...{ samples: samples(count), batch, stride: 1, shuffleFrames: false, learningRate: 1e-3 },
    ...{ seed: 7, firstStep: 0, update: true, flip: false },
    ...(stage === 1 && { masked, jointMask }),
    ...over,
  };
}

async function weightsOf(model: NativeModel): Promise<Record<string, Float32Array>> {
  const weights: Record<string, Float32Array> = {};
  for (const { name } of model.tensors) weights[name] = await model.read('value', name);
  return weights;
}

const count = (log: string[], word: string) => log.filter((line) => line.startsWith(word)).length;

/** Two calls of training, of which the first ends with a smaller batch, an evaluation between them; losses and weights. */
async function trained(
  overrides: Partial<NativeConfig>,
  matmul: string,
  graphs: string,
  precision: PrecisionName = 'fp32',
) {
  const stage = overrides.stage ?? 2;
  return withEnvironment({ PSTMO_CUDA_GRAPHS: graphs }, async () => {
    const model = await smallModel(overrides, matmul, precision);
    const [losses, log] = await emulationLog(async () => [
      await model.train(request(stage, 7, 2)),
      await model.train(request(stage, 2, 2, { update: false, flip: stage === 2 })),
      await model.train(request(stage, 6, 2, { firstStep: 4, learningRate: 5e-4, samples: samples(6, 5) })),
    ]);
    const weights = await weightsOf(model);
    await model.close();
    return { losses, weights, log };
  });
}

describe.skipIf(reason !== undefined)('recorded steps', () => {
  it.each([
    ['of Stage II', { stage: 2 }, 'own', 'fp32'],
    ['of Stage I', { stage: 1 }, 'own', 'fp32'],
    ['of Stage II that refines', { stage: 2, refine: true }, 'own', 'fp32'],
    ['of Stage II, matmul by cuBLASLt', { stage: 2 }, emulatedCublasLt, 'fp32'],
    ['of Stage II in bf16', { stage: 2 }, 'own', 'bf16'],
    ['of Stage I in bf16, matmul by cuBLASLt', { stage: 1, width: 64, hidden: 64 }, emulatedCublasLt, 'bf16'],
  ] as const)('%s give the bits that steps give which are not recorded', async (_, overrides, matmul, precision) => {
    const plain = await trained(overrides, matmul, 'off', precision);
    const recorded = await trained(overrides, matmul, 'on', precision);
    expect(count(plain.log, 'replayed')).toBe(0);
    expect(count(recorded.log, 'recorded')).toBe(1);
    // Six steps of the same batch: the first runs as it is, the others are done again from a recording.
    expect(count(recorded.log, 'replayed')).toBe(5);
    expect(recorded.losses).toEqual(plain.losses);
    expect(recorded.weights).toEqual(plain.weights);
    expect(plain.losses.every((losses) => losses.every(Number.isFinite))).toBe(true);
  });

  it('lift as steps do that are not recorded', async () => {
    const lifted = (graphs: string) =>
      withEnvironment({ PSTMO_CUDA_GRAPHS: graphs }, async () => {
        const model = await smallModel({});
        const keypoints = pattern('video', 17, 17, 2).data;
        const [poses, log] = await emulationLog(() =>
          model.lift({ keypoints, stride: 1, flip: true, first: 0, count: 17, batch: 3 }),
        );
        await model.close();
        return { poses, log };
      });
    const [plain, recorded] = [await lifted('off'), await lifted('on')];
    expect(count(recorded.log, 'replayed')).toBeGreaterThanOrEqual(3);
    expect(recorded.poses).toEqual(plain.poses);
  });

  it('are dropped where there are more shapes than are kept, and recorded anew', async () => {
    const model = await smallModel({ width: 16, hidden: 16 });
    const keypoints = pattern('video', 17, 17, 2).data;
    const lift = (batch: number) => model.lift({ keypoints, stride: 1, flip: false, first: 0, count: batch, batch });
    const first: Float32Array[] = [];
    for (let batch = 17; batch > 0; batch--) first.push(await lift(batch));
    const [again, log] = await emulationLog(() => lift(17));
    expect(count(log, 'replayed')).toBe(0);
    const [thrice, later] = await emulationLog(() => lift(17));
    expect([count(later, 'recorded'), count(later, 'replayed')]).toEqual([1, 1]);
    expect([again, thrice]).toEqual([first[0], first[0]]);
    await model.close();
  });
});

describe.skipIf(reason !== undefined)('training on the device', () => {
  it('copies to the host only the scalars for the log', async () => {
    for (const stage of [1, 2] as const) {
      const model = await smallModel({ stage });
      const [losses, log] = await emulationLog(() => model.train(request(stage, 20, 2)));
      expect(losses).toHaveLength(30);
      expect(log.filter((line) => line.startsWith('toHost'))).toEqual([`toHost ${10 * 3 * 8}`]);
      await model.close();
    }
  });
});

describe.skipIf(reason !== undefined)('memory of the GPU', () => {
  const MEGABYTE = 1 << 20;

  it('that is not enough is told with what was asked, what was free and the batch that fits', async () => {
    const model = await smallModel({});
    const used = model.memoryBytes;
    await withEnvironment({ PSTMO_EMULATION_MEMORY: String(used + 6 * MEGABYTE) }, async () => {
      const error = await model.train(request(2, 600, 600)).then(
        () => undefined,
        (cause: unknown) => cause as { code: string; message: string },
      );
      expect(error?.code).toBe('ERR_CUDA_OOM');
      expect(error?.message).toMatch(/could not give \d+ bytes \(\d+ MB\): \d+ MB of its \d+ MB are free\./);
      const fits = Number(/batch of 600 windows; a batch of (\d+) would fit/.exec(`${error?.message}`)?.[1]);
      expect(fits).toBeGreaterThan(1);
      expect(await model.train(request(2, fits, fits))).toHaveLength(3);
      // And it is not much too careful.
      await expect(model.train(request(2, 2 * fits, 2 * fits))).rejects.toMatchObject({ code: 'ERR_CUDA_OOM' });
      // The model lives on.
      expect(await model.train(request(2, 2, 2))).toHaveLength(3);
    });
    await model.close();
  });

  it('that does not hold a single window says so', async () => {
    const model = await smallModel({ frames: 243, width: 128, hidden: 256 });
    await withEnvironment({ PSTMO_EMULATION_MEMORY: String(model.memoryBytes) }, async () => {
      const keypoints = pattern('video', 3, 17, 2).data;
      const call = { keypoints, stride: 1, flip: false, first: 0, count: 3, batch: 3 };
      await expect(model.lift(call)).rejects.toMatchObject({ code: 'ERR_CUDA_OOM' });
    });
    await model.close();
  });
});
