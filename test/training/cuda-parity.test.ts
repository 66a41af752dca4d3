import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import type { Tensor } from '../../lib/base/tensor.js';
import { evaluate } from '../../lib/evaluation/evaluate.js';
import { readSafetensors } from '../../lib/formats/safetensors.js';
import type { ModelConfigInput } from '../../lib/networks/config.js';
import { readWeights, writeWeights } from '../../lib/networks/weights.js';
import { finetune } from '../../lib/training/finetune.js';
import type { TrainingOptions } from '../../lib/training/options.js';
import { pretrain } from '../../lib/training/pretrain.js';
import { chooseCudaDevice, testDevice } from '../helpers/cuda-device.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

// Both stages through the public API on the CUDA device, dropout and masks on, beside the CPU's weights.
const reason = chooseCudaDevice();
if (reason) console.log(`Trainings on the CUDA device are not tested: ${reason}`);

const folder = temporaryFolder();
const dataset = tinyDataset(12);
const common = { dataset, batch: 8, samplesPerEpoch: 16, validationFrames: 8, epochs: 2, threads: 1 };
const model: ModelConfigInput = { ...tinyModel, width: 16, hidden: 24, heads: 2, decoderLayers: 1 };
let runs = 0;

type Train = typeof finetune;

async function weightsOf(train: Train, options: Partial<TrainingOptions>): Promise<Map<string, Tensor>> {
  const { modelPath } = await train({ ...common, select: 'last', out: join(folder, `run${runs++}`), ...options });
  return (await readWeights(modelPath)).tensors;
}

/** Each weight moved to the next float32, up or down. */
async function nudged(path: string, seed: number): Promise<string> {
  const { tensors, config } = await readWeights(path);
  const random = createRandom(seed);
  for (const tensor of tensors.values()) {
    tensor.data = tensor.data.map((value) => {
      const [next] = new Float32Array(new Int32Array(new Float32Array([value]).buffer).map((bits) => bits + 1).buffer);
      return random.uniform() < 0.5 ? value : next;
    });
  }
  const out = join(folder, `nudged${seed}-${runs++}.safetensors`);
  writeWeights(out, tensors, config);
  return out;
}

function distances(a: Map<string, Tensor>, b: Map<string, Tensor>): Map<string, number> {
  expect([...a.keys()]).toEqual([...b.keys()]);
  return new Map([...a].map(([name, { data }]) => [name, Math.hypot(...data.map((x, i) => x - b.get(name)!.data[i]))]));
}

const NUDGES = 4;

/**
 * The tensors that one training, with `own` options on the CUDA device, leaves too far from the CPU's. The rule is that of the training
 * goldens: one float32 run is a draw from a lottery, so a tensor may stray three times as far as the CPU's own runs do whose first weights
 * differ in their last bit.
 */
async function strayed(
  train: Train,
  options: Partial<TrainingOptions> & { from: string },
  others: Partial<TrainingOptions>[] = [],
): Promise<string[][]> {
  const cpu = await weightsOf(train, { ...options, device: 'cpu' });
  const spread = new Map([...cpu.keys()].map((name) => [name, 0]));
  for (let seed = 1; seed <= NUDGES; seed++) {
    const other = await weightsOf(train, { ...options, device: 'cpu', from: await nudged(options.from, seed) });
    for (const [name, distance] of distances(cpu, other)) spread.set(name, Math.max(spread.get(name)!, distance));
  }
  const wrong: string[][] = [];
  for (const own of [{}, ...others]) {
    const found = distances(await weightsOf(train, { ...options, ...own, device: testDevice() }), cpu);
    wrong.push(
      [...found].filter(([name, distance]) => !(distance <= 3 * spread.get(name)! + 1e-5)).map(([name]) => name),
    );
  }
  return wrong;
}

describe.skipIf(reason !== undefined)('the trainings on the CUDA device', () => {
  const start = async (train: Train, own: ModelConfigInput, from?: string) => {
    const options = { device: 'cpu', epochs: 1, model: own, ...(from && { from }) } as const;
    return (await train({ ...common, ...options, out: join(folder, `start${runs++}`) })).modelPath;
  };

  it('Stage I gives the CPU weights, and would not with other masks or dropout', async () => {
    const options = { from: await start(pretrain, model), model };
    const [same, seed, dropout] = await strayed(pretrain, options, [
      { model: { ...model, seed: 1 } },
      { model: { ...model, dropout: 0 } },
    ]);
    expect(same).toEqual([]);
    expect(seed.length).toBeGreaterThan(10);
    expect(dropout.length).toBeGreaterThan(10);
  });

  it('Stage II gives the CPU weights, and would not with other dropout', async () => {
    const from = await start(finetune, model);
    const [same, dropout] = await strayed(finetune, { from, model }, [{ model: { ...model, dropout: 0 } }]);
    expect(same).toEqual([]);
    expect(dropout.length).toBeGreaterThan(10);
  });

  it('refining gives the CPU weights', async () => {
    const from = await start(finetune, model);
    expect(await strayed(finetune, { from, model: { refine: { root: 'truth' } } })).toEqual([[]]);
  });

  it('the whole way from nothing runs on it, and evaluate scores as on the CPU', async () => {
    const options = { ...common, device: testDevice(), epochs: 1, model };
    const first = await pretrain({ ...options, out: join(folder, 'one') });
    const second = await finetune({ ...options, out: join(folder, 'two'), from: first.modelPath });
    const training = JSON.parse(readSafetensors(second.modelPath).metadata['pstmo.training']);
    expect(training).toMatchObject({ kind: 'finetune', epoch: 1 });
    const [cpu, cuda] = await Promise.all(
      (['cpu', testDevice()] as const).map((device) =>
        evaluate({ dataset, model: second.modelPath, device, threads: 1, baselines: false }),
      ),
    );
    expect(cuda.model.device).toMatch(/^CUDA device 0, /);
    const scores = ({ conditions }: typeof cpu) => conditions[0].methods[0].overall;
    expect(scores(cuda).frames).toBe(scores(cpu).frames);
    expect(scores(cuda).mpjpeMm / scores(cpu).mpjpeMm).toBeCloseTo(1, 5);
    expect(scores(cuda).pMpjpeMm / scores(cpu).pMpjpeMm).toBeCloseTo(1, 5);
  });
});
