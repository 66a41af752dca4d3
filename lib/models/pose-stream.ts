import { checkKnownOptions } from '../base/known-options.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { valueText } from '../base/value-text.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { finishPoses } from './finish-poses.js';
import type { LoadedNetwork } from './loaded-network.js';
import { type ImageOptions, networkInput, windowStride } from './network-input.js';

/** Options of `PoseLifter.stream`. */
export interface StreamOptions extends ImageOptions {
  /**
   * How many frames must have come after one before its pose does; default 0, causal: the pose of each frame comes with it.
   * More see more of the motion's future and err less. At most half a window; the poses are then those of `lift`.
   */
  lookahead?: number;
  /** Mean with the un-mirrored prediction for the mirrored input; default true. */
  flip?: boolean;
  /** Frame rate of the video: the window's stride is then fitted to the model's. */
  fps?: number | undefined;
}

/**
 * Poses of a live video, frame by frame. What a frame costs does not grow with the video: earlier frames are kept as the
 * network left them. What has not come yet counts as the last frame repeated, as at a video's end.
 */
export class PoseStream implements AsyncDisposable {
  /** Frames between a pose and the frame that it comes with. */
  readonly lookahead: number;
  readonly #network: LoadedNetwork;
  readonly #options: ImageOptions;
  readonly #id: number;
  #ended = false;

  private constructor(network: LoadedNetwork, id: number, lookahead: number, options: ImageOptions) {
    this.#network = network;
    this.#id = id;
    this.#options = options;
    this.lookahead = lookahead;
  }

  /** Used by `PoseLifter.stream`. */
  static async open(network: LoadedNetwork, options: StreamOptions): Promise<PoseStream> {
    checkKnownOptions('stream', options, ['width', 'height', 'layout', 'lookahead', 'flip', 'fps']);
    const { lookahead = 0, flip = true, fps, ...image } = options;
    const stride = windowStride(network.config, fps);
    const reach = ((network.config.frames - 1) / 2) * stride;
    if (!Number.isInteger(lookahead) || lookahead < 0 || lookahead > reach) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `lookahead: expected a whole number from 0 to ${reach}, half a window, got ${valueText(lookahead)}.`,
      );
    }
    const id = await network.run((native) => native.openStream({ stride, flip, lookahead }));
    return new PoseStream(network, id, lookahead, image);
  }

  /**
   * Takes the next frame, keypoints (J, 2) in pixels. Gives the pose (J', 3) of `lookahead` frames ago in metres, camera
   * axes, root at 0, or nothing while there is no such frame. Throws `ERR_ARGUMENT` or `ERR_CLOSED`.
   */
  async push(keypoints: Tensor): Promise<Tensor | undefined> {
    this.#checkOpen();
    const [joints, coordinates] = keypoints?.shape ?? [];
    const frame = keypoints && { data: keypoints.data, shape: [1, joints, coordinates, ...keypoints.shape.slice(2)] };
    const input = networkInput(frame, this.#options, this.#network.config);
    const pose = await this.#network.run((native) => native.pushFrame(this.#id, input.data));
    return pose.length === 0
      ? undefined
      : { data: finishPoses(pose, this.#network.config), shape: [pose.length / 3, 3] };
  }

  /** Ends the stream: the poses still owed, (k, J', 3), the last `lookahead` frames' or all where fewer came. */
  async end(): Promise<Tensor> {
    this.#checkOpen();
    this.#ended = true;
    const poses = await this.#network.run((native) => native.endStream(this.#id));
    const joints = skeletonByName(this.#network.config.outputLayout).joints.length;
    return { data: finishPoses(poses, this.#network.config), shape: [poses.length / joints / 3, joints, 3] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) {
      await this.end();
    }
  }

  #checkOpen(): void {
    if (this.#ended) {
      throw new PoseError('ERR_CLOSED', 'The stream has ended.');
    }
  }
}
