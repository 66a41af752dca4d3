import type { JobControl } from '../../binding.js';
import { createNativeModel } from '../binding.js';
import type { PoseDataset, PoseSequence } from '../datasets/pose-dataset.js';
import type { ModelConfig } from '../models/config.js';
import { resolveDevice } from '../models/device.js';
import { nativeConfig } from '../models/native-config.js';
import { loadWeights, readWeights } from '../models/weights.js';
import { PoseError } from '../pose-error.js';
import type { EvaluationOptions } from './evaluate.js';
import type { EvaluationReport } from './evaluation-report.js';
import { cameraRow } from './training-data.js';

interface LiftOptions {
  flip: boolean;
  signal: AbortSignal | undefined;
}

/** A trained network that lifts the sequences of a data set. */
export interface TestNetwork {
  config: ModelConfig;
  about: EvaluationReport['model'];
  /** Poses (T, J', 3), metres, of a sequence's keypoints (T, J, 2), normalised. A refining one takes the true root. */
  lift(sequence: PoseSequence, keypoints: Float32Array, options: LiftOptions): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens the model of an evaluation. Throws `ERR_CONFIG` when it is not made for the data set's layouts. */
export async function openTestNetwork(options: EvaluationOptions, dataset: PoseDataset): Promise<TestNetwork> {
  const weights = await readWeights(options.model);
  const { config } = weights;
  for (const notice of weights.notices) {
    options.onNotice?.(notice);
  }
  const { precision = 'fp32', threads = 0 } = options;
  if (config.stage !== 2) {
    throw new PoseError('ERR_CONFIG', `${options.model} is a Stage I model; only a Stage II model lifts.`);
  }
  for (const field of ['inputLayout', 'outputLayout'] as const) {
    if (config[field] !== dataset[field]) {
      throw new PoseError(
        'ERR_CONFIG',
        `${options.model} has ${field} ${config[field]}, but ${dataset.name} has ${dataset[field]}.`,
      );
    }
  }
  const native = createNativeModel(nativeConfig(config), {
    device: resolveDevice(options.device, options.onNotice),
    precision,
    threads,
  });
  try {
    await loadWeights(native, weights);
  } catch (error) {
    await native.close();
    throw error;
  }
  const lift: TestNetwork['lift'] = async (sequence, keypoints, { flip, signal }) => {
    const control: JobControl = new Int32Array(new SharedArrayBuffer(8));
    const stop = () => Atomics.store(control, 0, 1);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) {
      stop();
    }
    try {
      const poses = await native.lift(
        {
          keypoints,
          ...{ stride: config.stride, flip, first: 0, count: sequence.frames, batch: 0 },
          ...(config.refine && refineInputs(sequence)),
        },
        control,
      );
      return config.outputUnit === 'mm' ? poses.map((value) => value / 1000) : poses;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  };
  const about = { name: options.model, config, device: native.device, precision };
  return { config, about, lift, close: () => native.close() };
}

function refineInputs(sequence: PoseSequence): { root: Float32Array; camera: Float32Array } {
  if (!sequence.root || !sequence.intrinsics) {
    throw new PoseError(
      'ERR_DATASET',
      `Sequence ${sequence.name} lacks the root trajectory or the camera's intrinsics, which refining needs.`,
    );
  }
  return { root: sequence.root, camera: cameraRow(sequence.intrinsics) };
}
