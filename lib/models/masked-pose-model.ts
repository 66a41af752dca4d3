import { isArrayOf } from '../base/array-kind.js';
import { checkArguments } from '../base/check-arguments.js';
import { checkKnownOptions } from '../base/known-options.js';
import { PoseError } from '../base/pose-error.js';
import { createRandom } from '../base/random.js';
import type { Tensor } from '../base/tensor.js';
import { valueText } from '../base/value-text.js';
import { denormalizeKeypoints } from '../keypoints/normalize.js';
import { type AttentionMap, type AttentionOptions, attentionMaps } from './attention-maps.js';
import { LoadedModel } from './loaded-model.js';
import { LoadedNetwork, type LoadOptions } from './loaded-network.js';
import { drawMasks, type Masks } from './masks.js';
import { type ImageOptions, networkInput } from './network-input.js';

const WINDOW_OPTIONS = ['width', 'height', 'layout'];

/** Fills in hidden frames and joints of 2D poses (Stage I). */
export class MaskedPoseModel extends LoadedModel {
  /** Loads a Stage I model; see `PoseLifter.load`. */
  static async load(pathOrName: string, options: LoadOptions = {}): Promise<MaskedPoseModel> {
    checkArguments('load', { pathOrName, options }, 'text', 'object?');
    return new MaskedPoseModel(await LoadedNetwork.load(pathOrName, 1, options));
  }

  /** Masks as the model was trained with, drawn from a seed. */
  masks(seed: number): Masks {
    checkArguments('masks', { seed }, 'number');
    return drawMasks(this.config, createRandom(seed, 'masks'));
  }

  /**
   * Reconstructs one window, (N, J, 2) in pixels with N frames that already are `stride` apart, from what the masks leave
   * visible. The result is in pixels and in the order of time, in the model's input layout.
   */
  async reconstruct(keypoints: Tensor, masks: Masks, options: ImageOptions): Promise<Tensor> {
    checkArguments('reconstruct', { keypoints, masks, options }, 'object', 'object', 'object');
    checkKnownOptions('reconstruct', options, WINDOW_OPTIONS);
    const input = this.#window(keypoints, options);
    const own = copied(masks);
    const { width, height } = options;
    const shape = [...input.shape];
    const output = await this.network.run((native) => native.reconstruct({ keypoints: input.data, batch: 1, ...own }));
    const ordered = inTimeOrder(output, own.masked);
    return { data: denormalizeKeypoints(ordered, width, height), shape };
  }

  /**
   * Attention weights of TEM, whose tokens are the visible frames in the order of time, or of the decoder
   * (`module: 'decoder'`), whose tokens are the visible frames first and the hidden ones after them.
   */
  async attention(keypoints: Tensor, masks: Masks, options: ImageOptions & AttentionOptions): Promise<AttentionMap[]> {
    checkArguments('attention', { keypoints, masks, options }, 'object', 'object', 'object');
    checkKnownOptions('attention', options, [...WINDOW_OPTIONS, 'module', 'layer']);
    const input = { keypoints: this.#window(keypoints, options).data, batch: 1, ...copied(masks) };
    return this.network.run((native) => attentionMaps(native, this.config, input, options));
  }

  #window(keypoints: Tensor, options: ImageOptions): Tensor {
    const input = networkInput(keypoints, options, this.config);
    if (input.shape[0] !== this.config.frames) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `keypoints: this model takes windows of ${this.config.frames} frames, got ${input.shape[0]}.`,
      );
    }
    return input;
  }
}

/** Masks that the caller cannot change while they are read. Throws `ERR_ARGUMENT` for something else. */
function copied(masks: Masks): Masks {
  const { masked, jointMask } = masks ?? {};
  if (!(isArrayOf('Uint8Array', masked) && isArrayOf('Uint8Array', jointMask))) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `masks: expected Uint8Arrays masked and jointMask, got ${valueText(masked)} and ${valueText(jointMask)}.`,
    );
  }
  return { masked: masked.slice(), jointMask: jointMask.slice() };
}

/** Frames of (N, ...) that come visible first and hidden after, put back in the order of time. */
function inTimeOrder(output: Float32Array, masked: Uint8Array): Float32Array {
  const frames = Array.from(masked, (_, frame) => frame);
  const order = [...frames.filter((frame) => !masked[frame]), ...frames.filter((frame) => masked[frame])];
  const size = output.length / masked.length;
  const ordered = new Float32Array(output.length);
  order.forEach((frame, i) => {
    ordered.set(output.subarray(i * size, (i + 1) * size), frame * size);
  });
  return ordered;
}
