import { PoseError } from '../base/pose-error.js';
import { createRandom } from '../base/random.js';
import { tensor } from '../base/tensor.js';
import { cameraRow } from '../datasets/camera-row.js';
import type { PoseDataset, PoseSequence } from '../datasets/pose-dataset.js';
import { LoadedNetwork } from '../models/loaded-network.js';
import { estimateRoot } from '../motion/root-trajectory.js';
import type { ModelConfig } from '../networks/config.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { mapFromHuman36m, mapToHuman36m } from '../skeletons/to-human36m.js';
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
  /** Which joints are mapped between skeletons, in a sentence, or nothing. */
  mapped: string[];
  /** Poses (T, J', 3), metres, of a sequence's keypoints (T, J, 2), normalised. */
  lift(sequence: PoseSequence, keypoints: Float32Array, options: LiftOptions): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Opens the model of an evaluation. A model of `h36m-17` takes other layouts as lifting does: the 2D is mapped into its joints,
 * and its poses into the data set's. Throws `ERR_CONFIG` where there is no such map.
 */
export async function openTestNetwork(options: EvaluationOptions, dataset: PoseDataset): Promise<TestNetwork> {
  const { model, device = 'auto', precision = 'fp32', threads = 0, matmul = 'auto', onNotice } = options;
  const where = { device, precision, threads, matmul };
  const network = await LoadedNetwork.load(model, 2, { ...where, ...(onNotice && { onNotice }) });
  const { config } = network;
  let layouts: LayoutMaps;
  try {
    layouts = mapsBetween(model, config, dataset);
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
    const poses = await network.lift(request, { signal });
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
  const own: TestNetwork['lift'] = async (sequence, keypoints, how) =>
    layouts.poses(await lift(sequence, layouts.keypoints(keypoints, sequence.frames), how), sequence.frames);
  const about = { name: model, config, device: network.device, precision };
  return { config, about, mapped: mapsSaid(config, dataset), lift: own, close: () => network.close() };
}

function mapsSaid(config: ModelConfig, { inputLayout, outputLayout }: PoseDataset): string[] {
  const maps = [
    ...(config.inputLayout === inputLayout ? [] : [`the 2D from ${inputLayout} to ${config.inputLayout}`]),
    ...(config.outputLayout === outputLayout ? [] : [`poses from ${config.outputLayout} to ${outputLayout}`]),
  ];
  const why = 'where skeletons define a joint at different places, that counts as error';
  return maps.length === 0 ? [] : [`Joints are mapped, ${maps.join(' and ')}: ${why}.`];
}

/** From a data set's joints to a network's, and back. */
interface LayoutMaps {
  keypoints(values: Float32Array, frames: number): Float32Array;
  poses(values: Float32Array, frames: number): Float32Array;
}

function mapsBetween(model: string, config: ModelConfig, dataset: PoseDataset): LayoutMaps {
  const other = (['inputLayout', 'outputLayout'] as const).filter((field) => config[field] !== dataset[field]);
  const wrong = (field: 'inputLayout' | 'outputLayout', why: string) =>
    new PoseError(
      'ERR_CONFIG',
      `${model} has ${field} ${config[field]}, but ${dataset.name} has ${dataset[field]}${why}`,
    );
  const stranger = other.find((field) => config[field] !== 'h36m-17');
  if (stranger) throw wrong(stranger, '; joints are mapped between skeletons for models of h36m-17 alone.');
  const joints = (layout: string) => skeletonByName(layout).joints.length;
  const { inputLayout, outputLayout } = dataset;
  const maps: LayoutMaps = {
    keypoints: (values, frames) =>
      other.includes('inputLayout')
        ? mapToHuman36m(inputLayout, tensor(values, [frames, joints(inputLayout), 2])).data
        : values,
    poses: (values, frames) =>
      other.includes('outputLayout')
        ? mapFromHuman36m(outputLayout, tensor(values, [frames, joints('h36m-17'), 3])).data
        : values,
  };
  for (const field of other) {
    try {
      if (field === 'inputLayout') maps.keypoints(new Float32Array(joints(inputLayout) * 2), 1);
      else maps.poses(new Float32Array(joints('h36m-17') * 3), 1);
    } catch (error) {
      throw wrong(field, `. ${(error as Error).message}`);
    }
  }
  return maps;
}
