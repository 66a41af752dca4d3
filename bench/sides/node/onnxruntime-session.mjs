import { createRequire } from 'node:module';

/** A session of onnxruntime-node with all its graph optimisations, for one batch size; throws where the package is not installed. */
export async function openOnnxSession(path, { batch, threads }) {
  const require = createRequire(import.meta.url);
  let onnx;
  try {
    onnx = require('onnxruntime-node');
  } catch (cause) {
    throw new Error('onnxruntime-node is not installed: npm install --no-save onnxruntime-node', { cause });
  }
  const session = await onnx.InferenceSession.create(path, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    freeDimensionOverrides: { batch },
  });
  const tensor = (data, dims) => new onnx.Tensor('float32', data, dims);
  return { session, tensor, name: `onnxruntime-node ${onnx.env.versions.node}` };
}
