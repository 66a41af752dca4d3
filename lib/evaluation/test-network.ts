import { PoseError } from '../base/pose-error.js';
import { createRandom } from '../base/random.js';
import { cameraRow } from '../datasets/camera-row.js';
import type { PoseDataset, PoseSequence } from '../datasets/pose-dataset.js';
import { runJob } from '../models/job.js';
import { LoadedNetwork } from '../models/loaded-network.js';
import { estimateRoot } from '../motion/root-trajectory.js';
import type { ModelConfig } from '../networks/config.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { EvaluationOptions } from './options.js';
import type { EvaluationReport, RootSource } from './report.js';

interface LiftOptions {
  flip: boolean;
  /** Where a refining model takes the root's depth from. */
  root: RootSource;
  /** The seed of a shuffled test. */
  shuffleFrames?: number | undefined;
  signal: AbortSignal | undefined;
}

/** A trained network that lifts the sequences of a data set. */
export interface TestNetwork {
  config: ModelConfig;
  about: EvaluationReport['model'];
  /** Poses (T, J', 3), metres, of a sequence's keypoints (T, J, 2), normalised. */
  lift(sequence: PoseSequence, keypoints: Float32Array, options: LiftOptions): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens the model of an evaluation. Throws `ERR_CONFIG` when it is not made for the data set's layouts. */
export async function openTestNetwork(options: EvaluationOptions, dataset: PoseDataset): Promise<TestNetwork> {
  const { model, device = 'auto', precision = 'fp32', threads = 0, matmul = 'auto', onNotice } = options;
  const where = { device, precision, threads, matmul };
  const network = await LoadedNetwork.load(model, 2, { ...where, ...(onNotice && { onNotice }) });
  const { config } = network;
  try {
    checkLayouts(model, config, dataset);
  } catch (error) {
    await network.close();
    throw error;
  }
  const scale = config.outputUnit === 'mm' ? 0.001 : 1;
  const plain = async (
    sequence: PoseSequence,
    keypoints: Float32Array,
    { flip, shuffleFrames, signal }: LiftOptions,
    view: { root?: Float32Array; camera?: Float32Array },
  ) => {
    // The stride of the training, as published tests do, whatever a sequence's frame rate.
    const whole = { keypoints, stride: config.stride, flip, first: 0, count: sequence.frames, batch: 0 };
    const random = shuffleFrames === undefined ? undefined : createRandom(shuffleFrames, 'shuffle', sequence.name);
    const request = { ...whole, shuffleSeed: random?.integer(2 ** 53), ...view };
    const poses = await network.run((native) =>
      runJob(sequence.frames, { signal }, (control) => native.lift(request, control)),
    );
    return scale === 1 ? poses : poses.map((value) => value * scale);
  };
  const lift: TestNetwork['lift'] = async (sequence, keypoints, how) => {
    if (!config.refine) {
      return plain(sequence, keypoints, how, {});
    }
    const { intrinsics } = sequence;
    if (!intrinsics) {
      throw new PoseError(
        'ERR_DATASET',
        `Sequence ${sequence.name} lacks the camera's intrinsics, which refining needs.`,
      );
    }
    const camera = cameraRow(intrinsics);
    if (how.root === 'estimated') {
      const joints = skeletonByName(config.outputLayout).joints.length;
      const poses = await plain(sequence, keypoints, how, {});
      return plain(sequence, keypoints, how, { camera, root: estimateRoot(poses, keypoints, joints, intrinsics) });
    }
    if (!sequence.root) {
      throw new PoseError(
        'ERR_DATASET',
        `Sequence ${sequence.name} does not say where the root is, which refining needs.`,
      );
    }
    return plain(sequence, keypoints, how, { camera, root: sequence.root });
  };
  const about = { name: model, config, device: network.device, precision };
  return { config, about, lift, close: () => network.close() };
}

function checkLayouts(model: string, config: ModelConfig, dataset: PoseDataset): void {
  for (const field of ['inputLayout', 'outputLayout'] as const) {
    if (config[field] !== dataset[field]) {
      throw new PoseError(
        'ERR_CONFIG',
        `${model} has ${field} ${config[field]}, but ${dataset.name} has ${dataset[field]}.`,
      );
    }
  }
}
