import { describe, expect, it } from 'vitest';
import type { OpTensors } from '../../binding.js';
import { createNativeModel, runOp } from '../../lib/binding.js';
import { cpuDevice, itTrains } from '../helpers/cpu-device.js';
import { goldenTensor, loadGolden } from '../helpers/golden.js';
import { mirrorList, nativeConfig, norm, relativeError } from '../helpers/native-model.js';
import { fill, pattern } from '../helpers/pattern.js';
import { refinedClip, refinedMean } from '../helpers/refined-mean.js';

const HIDDEN = 1024;
const JOINTS = 17;
const device = { device: cpuDevice, precision: 'fp32', threads: 2, isa: 'auto' } as const;

/** The module's weights, as the goldens have them. */
const weights = {
  first: fill('post_refine.0.weight', [HIDDEN, 6 * JOINTS]).data,
  firstBias: fill('post_refine.0.bias', [HIDDEN]).data,
  second: fill('post_refine.3.weight', [2 * JOINTS, HIDDEN]).data,
  secondBias: fill('post_refine.3.bias', [2 * JOINTS]).data,
};

function op(name: string, tensors: OpTensors, attributes: Record<string, number>): void {
  runOp(device, name, tensors, attributes);
}

/** Refined poses (rows, J, 3), and what the way back needs. */
function refine(predicted: Float32Array, backProjected: Float32Array, rows: number) {
  const joined = new Float32Array(rows * 6 * JOINTS);
  op('concatForward', { a: predicted, b: backProjected, y: joined }, { rows: rows * JOINTS, left: 3, right: 3 });
  const hidden = new Float32Array(rows * HIDDEN);
  const first = { x: joined, weight: weights.first, bias: weights.firstBias, y: hidden };
  op('linearForward', first, { rows, in: 6 * JOINTS, out: HIDDEN, relu: 1 });
  const logits = new Float32Array(rows * 2 * JOINTS);
  const second = { x: hidden, weight: weights.second, bias: weights.secondBias, y: logits };
  op('linearForward', second, { rows, in: HIDDEN, out: 2 * JOINTS });
  const y = new Float32Array(rows * JOINTS * 3);
  op('refineBlendForward', { logits, predicted, backProjected, y }, { rows, joints: JOINTS });
  return { joined, hidden, logits, y };
}

/** [norm, sum, first 6] as the goldens give parameters' gradients. */
function summary(values: Float32Array): number[] {
  return [norm(values), values.reduce((sum, value) => sum + value, 0), ...values.subarray(0, 6)];
}

const scaled = (by: number, values: Float32Array) => values.map((value) => by * value);

describe('the refining module, op by op', () => {
  it('gives the refined poses of the oracle', () => {
    const { y } = refine(pattern('predicted', 3, 1, JOINTS, 3).data, pattern('back', 3, 1, JOINTS, 3).data, 3);
    expect(relativeError(y, goldenTensor(loadGolden('refine'), 'output').data)).toBeLessThan(1e-5);
  });

  it('gives the loss and every gradient of the oracle', () => {
    const golden = loadGolden('refine_step');
    const rows = 4;
    const shape = { rows, joints: JOINTS };
    const rooted = { ...shape, rootJoint: 0 };
    const single = scaled(0.3, pattern('single', rows, 1, JOINTS, 3).data);
    const keypoints = scaled(0.5, pattern('uv', rows, 1, JOINTS, 2).data);
    const root = pattern('root', rows, 3).data.map((value, i) => value + (i % 3 === 2 ? 4 : 0));
    const centre = [2.29, 2.287, 0.025, 0.029];
    const camera = pattern('camera', rows, 4).data.map((value, i) => centre[i % 4] + 0.01 * value);
    const target = scaled(0.3, pattern('truth', rows, 1, JOINTS, 3).data).map((value, i) => (i % 51 < 3 ? 0 : value));
    const back = new Float32Array(single.length);
    op('backProjectForward', { keypoints, predicted: single, root, camera, y: back }, rooted);
    expect(relativeError(back, goldenTensor(golden, 'back').data)).toBeLessThan(1e-5);

    const { joined, hidden, logits, y } = refine(single, back, rows);
    const loss = new Float32Array(1);
    const dY = new Float32Array(single.length);
    op('poseLoss', { predicted: y, target, loss, dPredicted: dY }, { ...shape, coordinates: 3, weight: 1 });
    expect(loss[0]).toBeCloseTo(Number(golden.get('loss')!.data[0]), 6);

    const dLogits = new Float32Array(logits.length);
    const dSingle = new Float32Array(single.length);
    const dBack = new Float32Array(single.length);
    const blend = {
      dY,
      logits,
      predicted: single,
      backProjected: back,
      dLogits,
      dPredicted: dSingle,
      dBackProjected: dBack,
    };
    op('refineBlendBackward', blend, shape);
    const gradients = {
      'post_refine.3.weight': new Float32Array(weights.second.length),
      'post_refine.3.bias': new Float32Array(weights.secondBias.length),
      'post_refine.0.weight': new Float32Array(weights.first.length),
      'post_refine.0.bias': new Float32Array(weights.firstBias.length),
    };
    const dHidden = new Float32Array(hidden.length);
    const second = { dZ: dLogits, x: hidden, weight: weights.second, dX: dHidden, reluOutput: hidden };
    const secondGradients = { dWeight: gradients['post_refine.3.weight'], dBias: gradients['post_refine.3.bias'] };
    op('linearBackward', { ...second, ...secondGradients }, { rows, in: HIDDEN, out: 2 * JOINTS });
    const dJoined = new Float32Array(joined.length);
    const first = { dZ: dHidden, x: joined, weight: weights.first, dX: dJoined };
    const firstGradients = { dWeight: gradients['post_refine.0.weight'], dBias: gradients['post_refine.0.bias'] };
    op('linearBackward', { ...first, ...firstGradients }, { rows, in: 6 * JOINTS, out: HIDDEN });
    op('concatBackward', { dY: dJoined, dA: dSingle, dB: dBack }, { rows: rows * JOINTS, left: 3, right: 3 });
    op('backProjectBackward', { dY: dBack, keypoints, camera, dPredicted: dSingle }, rooted);

    expect(relativeError(dSingle, goldenTensor(golden, 'grad_single').data)).toBeLessThan(1e-4);
    for (const [name, values] of Object.entries(gradients)) {
      const expected = golden.get(`grad.${name}`)!.data as Float64Array;
      expect(relativeError(summary(values), expected), name).toBeLessThan(1e-4);
    }
  });
});

describe('a network with the refining module', () => {
  const batch = 4;
  const keypoints = scaled(0.5, pattern('input', batch, 9, JOINTS, 2).data);
  const roots = pattern('root', batch, 3).data.map((value, i) => value + (i % 3 === 2 ? 4 : 0));
  const cameras = pattern('camera', batch, 4).data.map((value, i) => (i % 4 < 2 ? 2.3 : 0.03) + 0.01 * value);
  const targets = scaled(0.5, pattern('target', batch, 9, JOINTS, 3).data).map((value, i) => (i % 51 < 3 ? 0 : value));
  const input = { keypoints, batch, roots, cameras };

  async function model() {
    const config = nativeConfig({
      frames: 9,
      layers: 1,
      width: 32,
      hidden: 48,
      refine: true,
      mirrorInput: mirrorList(),
    });
    const made = createNativeModel(config, { device: cpuDevice, precision: 'fp32', threads: 2 });
    for (const { name, shape } of made.tensors) await made.write('value', name, fill(name, shape).data);
    return made;
  }

  it('refines the middle pose by the middle keypoints, the root and the camera', async () => {
    const network = await model();
    const { single, refined } = await network.forward(input);
    const middle = Float32Array.from({ length: batch * 34 }, (_, i) => {
      const window = Math.floor(i / 34);
      return keypoints[(window * 9 + 4) * 34 + (i % 34)];
    });
    const back = new Float32Array(single.length);
    const view = { keypoints: middle, predicted: single, root: roots, camera: cameras, y: back };
    op('backProjectForward', view, { rows: batch, joints: JOINTS, rootJoint: 0 });
    expect(relativeError(refined!, refine(single, back, batch).y)).toBeLessThan(1e-5);
    await network.close();
  });

  it.each(['auto', 'off'] as const)(
    'refines the mean of a mirrored test once, as the authors do, compiled %s',
    async (compiled) => {
      const config = nativeConfig({ frames: 9, layers: 1, width: 32, hidden: 48, refine: true });
      const network = createNativeModel(config, { device: cpuDevice, precision: 'fp32', threads: 1, compiled });
      await network.initialize(5);
      const clip = refinedClip(12);
      const request = { ...clip, flip: true, first: 0, count: 12, batch: 5 };
      const expected = await refinedMean(network, config, clip);
      expect(relativeError(await network.lift(request), expected)).toBeLessThan(1e-5);
      if (cpuDevice === 'wasm') return network.close();
      // Validation in training, too.
      await network.setSequences({
        ...{ keypoints: clip.keypoints, roots: clip.root, cameras: clip.camera },
        ...{ poses: Float32Array.from(expected), lengths: Int32Array.of(12) },
      });
      const samples = Int32Array.from({ length: 36 }, (_, i) => (i % 3 === 1 ? (i - 1) / 3 : 0));
      const fixed = { batch: 12, stride: clip.stride, shuffleFrames: false, learningRate: 0, seed: 0, firstStep: 0 };
      const losses = await network.train({ ...fixed, samples, update: false, flip: true });
      // A target's root is 0: what is left is how far each pose's own is from it.
      const roots = Array.from({ length: 12 }, (_, frame) => norm(expected.slice(frame * 51, frame * 51 + 3)));
      expect(losses[0]).toBeCloseTo(roots.reduce((sum, one) => sum + one, 0) / (12 * JOINTS), 5);
      await network.close();
    },
  );

  itTrains('learns jointly: along the gradients of all parameters the loss falls as they say', async () => {
    const network = await model();
    const parameters = network.tensors.filter(({ role }) => role === 'parameter');
    const loss = async () => (await network.gradients({ ...input, targets }, 3, 0))[0];
    await loss();
    const states = new Map<string, { value: Float32Array; gradient: Float32Array }>();
    let squared = 0;
    for (const { name } of parameters) {
      const state = { value: await network.read('value', name), gradient: await network.read('gradient', name) };
      states.set(name, state);
      squared += norm(state.gradient) ** 2;
    }
    const lossAt = async (step: number) => {
      for (const [name, { value, gradient }] of states) {
        await network.write(
          'value',
          name,
          value.map((one, i) => one + step * gradient[i]),
        );
      }
      return loss();
    };
    for (const part of ['post_refine.0.weight', 'Transformer.pos_embedding', 'encoder.fc_1.weight']) {
      expect(norm(states.get(part)!.gradient), part).toBeGreaterThan(1e-6);
    }
    const step = 1e-4 / Math.sqrt(squared);
    const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
    expect(slope / squared).toBeCloseTo(1, 1);
    await network.close();
  });
});
