import type { NativeConfig, NativeModel } from '../../binding.js';
import { createNativeModel } from '../../lib/binding.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { testDevice } from './cuda-device.js';
import { fill } from './pattern.js';

/** Which joint each takes when mirrored, of Human3.6M's 17. */
export function mirrorList(): Int32Array {
  const { joints, left, right } = human36m17;
  const mirror = Int32Array.from(joints, (_, joint) => joint);
  left.forEach((joint, i) => {
    mirror[joint] = right[i];
    mirror[right[i]] = joint;
  });
  return mirror;
}

/** A small network's configuration: dropout 0, 27 frames, width 64. */
export function nativeConfig(overrides: Partial<NativeConfig> = {}): NativeConfig {
  return {
    stage: 2,
    frames: 27,
    joints: 17,
    outputJoints: 17,
    layers: 3,
    decoderLayers: 2,
    width: 64,
    hidden: 128,
    heads: 8,
    backbone: 'mlp',
    mlpBlocks: 1,
    temporal: true,
    aggregate: true,
    dropout: 0,
    lossWeight: 1,
    semVisibleOnly: false,
    refine: false,
    rootJoint: 0,
    mirrorInput: mirrorList(),
    mirrorOutput: mirrorList(),
    ...overrides,
  };
}

/** A network with the deterministic weights of the goldens, on the device of the tests. */
export async function filledModel(overrides: Partial<NativeConfig> = {}, threads = 2): Promise<NativeModel> {
  const model = createNativeModel(nativeConfig(overrides), { device: testDevice(), precision: 'fp32', threads });
  for (const { name, shape } of model.tensors) {
    await model.write('value', name, fill(name, shape).data);
  }
  return model;
}

/** ||actual - expected|| / ||expected||. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) {
    throw new Error(`${actual.length} values came where ${expected.length} were expected.`);
  }
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    norm += expected[i] ** 2;
  }
  return Math.sqrt(difference / norm);
}

export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i] ** 2;
  }
  return Math.sqrt(sum);
}
