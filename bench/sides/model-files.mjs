import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../dist/base/random.js';
import { createNativeModel } from '../../dist/binding.js';
import { parseModelConfig } from '../../dist/networks/config.js';
import { nativeConfig } from '../../dist/networks/native-config.js';
import { writeNamedNpz, writeWeights } from '../../dist/networks/weights.js';
import { stmoOnnx } from './onnx/stmo.mjs';

const JOINTS = 17;

/**
 * One network with random weights in the form that each side reads, written into `folder`: `weights` (safetensors), `npz` (the
 * published names) and `onnx`; `keypoints`, the input of `windows` windows, normalised, raw float32; and the pose that the network
 * gives op by op in fp32 for the first of them, which every side is held to.
 */
export async function modelFiles(folder, { frames, layers }, windows) {
  const config = parseModelConfig({ frames, layers });
  const native = createNativeModel(nativeConfig(config), { device: 'cpu', precision: 'fp32', threads: 0 });
  try {
    await native.initialize(0);
    const tensors = new Map();
    for (const { name, shape } of native.tensors) {
      tensors.set(name, { data: await native.read('value', name), shape });
    }
    const file = (kind) => join(folder, `${frames}-${layers}.${kind}`);
    const files = { weights: file('safetensors'), npz: file('npz'), onnx: file('onnx'), keypoints: file('f32') };
    writeWeights(files.weights, tensors, config);
    writeNamedNpz(files.npz, tensors);
    writeFileSync(files.onnx, stmoOnnx(config, tensors));
    const keypoints = randomKeypoints(windows * frames);
    writeFileSync(files.keypoints, Buffer.from(keypoints.buffer));
    const { single } = await native.forward({ keypoints: keypoints.slice(0, frames * JOINTS * 2), batch: 1 });
    return { frames, layers, config, files, pose: [...single] };
  } finally {
    await native.close();
  }
}

/** (frames, 17, 2) in [-1, 1), always the same. */
export function randomKeypoints(frames) {
  const random = createRandom(0, 'keypoints');
  return Float32Array.from({ length: frames * JOINTS * 2 }, () => 2 * random.uniform() - 1);
}

/** Largest distance of two poses' numbers, in parts of the expected pose's root mean square. */
export function poseDifference(pose, expected) {
  const rms = Math.sqrt(expected.reduce((sum, value) => sum + value * value, 0) / expected.length);
  return expected.reduce((largest, value, i) => Math.max(largest, Math.abs(pose[i] - value)), 0) / rms;
}
