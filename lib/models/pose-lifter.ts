import { PoseError } from '../pose-error.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { Tensor } from '../tensor.js';
import { type AttentionMap, type AttentionOptions, attentionMaps } from './attention-maps.js';
import { type JobOptions, runJob } from './job.js';
import { checkKnownOptions } from './known-options.js';
import { LoadedModel } from './loaded-model.js';
import { LoadedNetwork, type LoadOptions } from './loaded-network.js';
import { type ImageOptions, networkInput, windowOf, windowStride } from './network-input.js';

/** A camera's focal lengths and centre, in normalised image units: fx / width * 2, (cx / width * 2 - 1, ...). */
export interface NormalizedCamera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
}

/** Options of {@link PoseLifter.lift}. */
export interface LiftOptions extends ImageOptions, JobOptions {
  /** Mean with the un-mirrored prediction for the mirrored input; default true. */
  flip?: boolean;
  /** Frame rate of the video: the window's stride is then fitted to the model's. Default: the model's stride as it is. */
  fps?: number | undefined;
  /** Windows a batch; 0, the default: chosen. */
  batch?: number;
  /** (T, 3), metres, camera axes: where the root joint is. With `camera`, a model that has the refining module uses it. */
  root?: Tensor | undefined;
  camera?: NormalizedCamera | undefined;
}

/** One video of {@link PoseLifter.liftMany}: its keypoints and what differs from the common options. */
export interface LiftInput extends Partial<LiftOptions> {
  keypoints: Tensor;
}

const IMAGE_OPTIONS = ['width', 'height', 'layout', 'fps'];
const LIFT_OPTIONS = [...IMAGE_OPTIONS, 'flip', 'batch', 'root', 'camera', 'signal', 'onProgress'];
const MILLIMETRES = 1000;

/** Lifts 2D keypoints of a video to 3D poses (Stage II). */
export class PoseLifter extends LoadedModel {
  /**
   * Loads a model: a `.safetensors` file of this project, a published `.pth` (or its `.npz`), or a bundled model's name.
   * Throws `ERR_FILE`, `ERR_FORMAT`, `ERR_MODEL`, `ERR_CONFIG`, `ERR_NO_CUDA` or `ERR_UNSUPPORTED`.
   */
  static async load(pathOrName: string, options: LoadOptions = {}): Promise<PoseLifter> {
    return new PoseLifter(await LoadedNetwork.load(pathOrName, 2, options));
  }

  /**
   * Lifts a video: keypoints (T, J, 2) in pixels to poses (T, J', 3) in metres, camera axes, relative to the root joint,
   * whose row is 0. Throws `ERR_ARGUMENT`, `ERR_UNSUPPORTED` (a layout without a map), `ERR_ABORTED` or `ERR_CLOSED`.
   */
  async lift(keypoints: Tensor, options: LiftOptions): Promise<Tensor> {
    checkKnownOptions('lift', options, LIFT_OPTIONS);
    const input = networkInput(keypoints, options, this.config);
    const [frames] = input.shape;
    const request = {
      keypoints: input.data,
      stride: windowStride(this.config, options.fps),
      flip: options.flip ?? true,
      first: 0,
      count: frames,
      batch: options.batch ?? 0,
      ...this.#view(frames, options),
    };
    const data = await this.network.run((native) =>
      runJob(frames, options, (control) => native.lift(request, control)),
    );
    return { data: this.#finish(data), shape: [frames, this.#joints, 3] };
  }

  /**
   * Lifts one video after the other and yields the poses in the same order; what a video says wins over `options`.
   * An error ends the iteration.
   */
  async *liftMany(
    inputs: Iterable<LiftInput> | AsyncIterable<LiftInput>,
    options: Partial<LiftOptions> = {},
  ): AsyncGenerator<Tensor, void, undefined> {
    for await (const { keypoints, ...own } of inputs) {
      yield await this.lift(keypoints, { ...options, ...own } as LiftOptions);
    }
  }

  /**
   * Attention weights in the window around one frame of a video, keypoints (T, J, 2) in pixels: of TEM, of MOFA
   * (`module: 'mofa'`, where the tokens grow fewer from layer to layer) or of the transformer backbone (`'joints'`).
   */
  async attention(
    keypoints: Tensor,
    frame: number,
    options: ImageOptions & AttentionOptions & { fps?: number },
  ): Promise<AttentionMap[]> {
    checkKnownOptions('attention', options, [...IMAGE_OPTIONS, 'module', 'layer']);
    const input = networkInput(keypoints, options, this.config);
    const window = windowOf(input, frame, this.config.frames, windowStride(this.config, options.fps));
    return this.network.run((native) => attentionMaps(native, this.config, { keypoints: window, batch: 1 }, options));
  }

  get #joints(): number {
    return skeletonByName(this.config.outputLayout).joints.length;
  }

  /** What the refining module needs. */
  #view(frames: number, { root, camera }: LiftOptions): { root?: Float32Array; camera?: Float32Array } {
    if (root === undefined && camera === undefined) {
      return {};
    }
    if (this.config.refine === null) {
      throw new PoseError('ERR_ARGUMENT', 'root, camera: this model has no refining module that would use them.');
    }
    const fits = root?.shape.length === 2 && root.shape[0] === frames && root.shape[1] === 3;
    if (!root || !fits || !camera) {
      const came = root ? `(${root.shape.join(', ')})` : 'none';
      throw new PoseError(
        'ERR_ARGUMENT',
        `root, camera: expected both, root of shape (${frames}, 3), got ${came} and ${camera ? 'a' : 'no'} camera.`,
      );
    }
    return { root: root.data, camera: Float32Array.of(camera.fx, camera.fy, camera.cx, camera.cy) };
  }

  /** Metres, with the root's row 0, in place. */
  #finish(poses: Float32Array): Float32Array {
    const scale = this.config.outputUnit === 'mm' ? 1 / MILLIMETRES : 1;
    const size = this.#joints * 3;
    const root = Math.max(skeletonByName(this.config.outputLayout).root, 0) * 3;
    for (let i = 0; i < poses.length; i++) {
      const column = i % size;
      poses[i] = column >= root && column < root + 3 ? 0 : poses[i] * scale;
    }
    return poses;
  }
}
