import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createNativeModel, runOp } from '../../lib/binding.js';
import { narrowed, narrowFields, toBrainFloat, widened } from '../../tools/emulation/narrow.mjs';
import { chooseCudaDevice, testDevice } from '../helpers/cuda-device.js';
import { nativeConfig, relativeError } from '../helpers/native-model.js';
import { fill, pattern } from '../helpers/pattern.js';
import { errorOf, type OpCase } from './op-case.js';
import { opCases } from './op-cases.js';

// Training and the graph's evaluation in bf16 on the CUDA device, beside what PyTorch's autocast makes of the same numbers
// (fixtures/bf16/make.py).
const reason = chooseCudaDevice();
if (reason) console.log(`bf16 on the CUDA device is not tested: ${reason}`);

interface Network {
  frames: number;
  layers: number;
  width: number;
  batch: number;
  loss: number;
  total: number;
  tensors: Record<string, number>;
}
const fixture = new URL('../fixtures/bf16/bf16-errors.json', import.meta.url);
const torch: { ops: Record<string, Record<string, number>>; network: Network } = JSON.parse(
  readFileSync(fixture, 'utf8'),
);

/** The operation case of the same shape and without dropout, where there is one. */
const CASES: Record<string, RegExp> = {
  linearForward: /^150 x 70 -> 96$/,
  linearBackward: /^150 x 70 -> 96$/,
  layerNormForward: /^300 x 64$/,
  layerNormBackward: /^300 x 64$/,
  attentionForward: /^2 x 27 tokens, 2 heads of 32$/,
  attentionBackward: /^2 x 27 tokens, 2 heads of 32$/,
  spatialBlockForward: /^150 x 70 -> 96, training/,
  spatialBlockBackward: /^150 x 70 -> 96/,
  stridedConvForward: /^3 x 9 tokens, stride 3, 66 -> 64/,
  stridedConvBackward: /^3 x 9 tokens, stride 3, 66 -> 64/,
};

describe.skipIf(reason !== undefined)('operations on arrays in bf16', () => {
  it.each(Object.keys(torch.ops))("%s errs at most twice as much as PyTorch's", (op) => {
    const opCase = opCases.find((one) => one.op === op && CASES[op].test(one.about)) as OpCase;
    const arrays = narrowed(opCase.arrays(), narrowFields(op));
    runOp({ device: testDevice(), isa: 'auto', threads: 1, precision: 'bf16' }, op, arrays, opCase.attributes);
    const expected = opCase.expected();
    for (const [name, error] of Object.entries(torch.ops[op])) {
      expect(errorOf(widened(arrays)[name], expected[name]), name).toBeLessThan(2 * error);
    }
  });

  it('are refused where the device keeps none', () => {
    const arrays = { dY: new Float32Array(4), dX: toBrainFloat(new Float32Array(4)) };
    for (const settings of [
      { device: testDevice(), precision: 'fp32' },
      { device: testDevice(), precision: 'tf32' },
      { device: 'cpu', precision: 'fp32' },
    ] as const) {
      const call = () => runOp({ ...settings, isa: 'auto', threads: 1 }, 'dropoutBackward', arrays, SMALL);
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(/dX.*bf/) }));
    }
  });
});

const SMALL = { rows: 2, channels: 2 };

/** Loss and gradients of the network that the fixture measures. */
async function gradientsOf(device: ReturnType<typeof testDevice>, precision: 'fp32' | 'bf16') {
  const { frames, layers, width, batch } = torch.network;
  const model = createNativeModel(nativeConfig({ frames, layers, width, hidden: 2 * width }), {
    ...{ device, precision, threads: 2 },
  });
  for (const { name, shape } of model.tensors) await model.write('value', name, fill(name, shape).data);
  const keypoints = pattern('input', batch, frames, 17, 2).data;
  const targets = pattern('target', batch, frames, 17, 3).data.map((value, i) => (i % 51 < 3 ? 0 : 0.5 * value));
  const [loss] = await model.gradients({ keypoints, batch, targets }, 0, 0);
  const gradients = new Map<string, Float32Array>();
  for (const name of Object.keys(torch.network.tensors)) gradients.set(name, await model.read('gradient', name));
  await model.close();
  return { loss, gradients };
}

describe.skipIf(reason !== undefined)('a training step in bf16', () => {
  it("has gradients that err at most twice as much as PyTorch's", async () => {
    const exact = await gradientsOf('cpu', 'fp32');
    const own = await gradientsOf(testDevice(), 'bf16');
    const { tensors, total, loss } = torch.network;
    expect(Math.abs(own.loss / exact.loss - 1)).toBeLessThan(2 * loss);
    const names = Object.keys(tensors);
    const wrong = names
      .map(
        (name) => [name, relativeError(own.gradients.get(name)!, exact.gradients.get(name)!), tensors[name]] as const,
      )
      .filter(([, error, theirs]) => !(error < 2 * theirs));
    expect(wrong).toEqual([]);
    const joined = ({ gradients }: typeof own) => names.flatMap((name) => [...gradients.get(name)!]);
    const error = relativeError(joined(own), joined(exact));
    console.log(`Gradients in bf16 err by ${error.toFixed(4)}, PyTorch's by ${total.toFixed(4)}`);
    expect(error).toBeLessThan(2 * total);
    expect(error, 'bf16 must not be fp32').toBeGreaterThan(1e-4);
  });

  it('keeps what it may in half the memory', async () => {
    const bytesOfTwoWindows = async (precision: 'fp32' | 'bf16') => {
      const model = createNativeModel(nativeConfig({ frames: 9, layers: 1, width: 64, hidden: 128, dropout: 0.25 }), {
        ...{ device: testDevice(), precision, threads: 1, matmul: 'own' },
      });
      const [keypoints, poses] = [pattern('keypoints', 20, 17, 2).data, pattern('poses', 20, 17, 3).data];
      await model.setSequences({ keypoints, poses, lengths: Int32Array.of(20) });
      const bytesAt = async (batch: number) => {
        const samples = Int32Array.from({ length: 3 * batch }, (_, i) => [0, 4 + Math.floor(i / 3), 0][i % 3]);
        const [loss] = await model.train({
          ...{ samples, batch, stride: 1, shuffleFrames: false, learningRate: 1e-3, seed: 7, firstStep: 0 },
          ...{ update: true, flip: false },
        });
        expect(loss).toBeGreaterThan(0);
        return model.memoryBytes;
      };
      const two = await bytesAt(2);
      const four = await bytesAt(4);
      await model.close();
      return four - two;
    };
    const [wide, narrow] = [await bytesOfTwoWindows('fp32'), await bytesOfTwoWindows('bf16')];
    console.log(`Two windows more take ${wide} bytes in fp32, ${narrow} in bf16`);
    expect(narrow).toBeLessThan(0.75 * wide);
  });
});
