import type { NativeModel } from '../../binding.js';
import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { checkKnownOptions } from '../base/known-options.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { valueText } from '../base/value-text.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { finishPoses } from './finish-poses.js';
import { fitFrameRate } from './frame-rate.js';
import type { LoadedNetwork } from './loaded-network.js';
import { type ImageOptions, networkInput } from './network-input.js';

/** Options of `PoseLifter.stream`. */
export interface StreamOptions extends ImageOptions {
  /**
   * How many frames must have come after one before its pose does; default 0, causal: the pose of each frame comes with it.
   * More see more of the motion's future and err less. At most half a window; the poses are then those of `lift`.
   */
  lookahead?: number;
  /** Mean with the un-mirrored prediction for the mirrored input; default true. */
  flip?: boolean;
  /**
   * Frames a second of the video: as in `lift`, windows then span the time that they did in training. Where that takes
   * resampled frames, a pose without a lookahead is that of the last resampled frame, up to one of them ago.
   */
  fps?: number | undefined;
}

/** Native streams are freed with the objects that stand for them, where nobody ended them. */
const forgotten = new FinalizationRegistry(({ network, id }: { network: LoadedNetwork; id: number }) => {
  // A model that is closed has freed its streams.
  network.run((native) => native.closeStream(id)).catch(() => {});
});

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
  /** The video's frames for one of the network's. */
  readonly #step: number;
  /** The last frame that came, as the network takes frames, and how many came. */
  #last: Float32Array | undefined;
  #came = 0;
  /** Frames that the network was given, and its poses from `#posesFrom` on that may still be needed. */
  #given = 0;
  #poses: Float32Array[] = [];
  #posesFrom = 0;
  /** Poses that were handed out. */
  #told = 0;
  #ended = false;
  /** The frame or the end that is worked on: each waits for the one before, awaited by the program or not. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(network: LoadedNetwork, id: number, lookahead: number, step: number, options: ImageOptions) {
    this.#network = network;
    this.#id = id;
    this.#step = step;
    this.#options = options;
    this.lookahead = lookahead;
    forgotten.register(this, { network, id }, this);
  }

  /** Used by `PoseLifter.stream`. */
  static async open(network: LoadedNetwork, options: StreamOptions): Promise<PoseStream> {
    checkArguments('open', { network, options }, 'object', 'object');
    checkOptionKinds('stream', options, {
      ...{ layout: 'text', flip: 'boolean', fps: 'number', lookahead: 'number', width: 'number', height: 'number' },
    });
    checkKnownOptions('stream', options, ['width', 'height', 'layout', 'lookahead', 'flip', 'fps']);
    const { lookahead = 0, flip = true, fps, ...image } = options;
    const { step, stride } = fitFrameRate(network.config, fps);
    const half = ((network.config.frames - 1) / 2) * stride;
    // Resampled frames lie between the video's: one more must have come.
    const reach = step === 1 ? half : Math.ceil((half + 1) * step);
    if (!Number.isInteger(lookahead) || lookahead < 0 || lookahead > reach) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `lookahead: expected a whole number from 0 to ${reach}, half a window, got ${valueText(lookahead)}.`,
      );
    }
    const own = step === 1 ? lookahead : Math.min(half, Math.max(0, Math.floor(lookahead / step) - 1));
    const id = await network.run((native) => native.openStream({ stride, flip, lookahead: own }));
    return new PoseStream(network, id, lookahead, step, image);
  }

  /**
   * Takes the next frame, keypoints (J, 2) in pixels. Gives the pose (J', 3) of `lookahead` frames ago in metres, camera
   * axes, root at 0, or nothing while there is no such frame. Frames that are pushed without waiting come one after the
   * other. Throws `ERR_ARGUMENT` or `ERR_CLOSED`.
   */
  async push(keypoints: Tensor): Promise<Tensor | undefined> {
    checkArguments('push', { keypoints }, 'object');
    this.#checkOpen();
    const { data: values, shape } = keypoints;
    const frame = { data: values, shape: Array.isArray(shape) ? [1, ...shape] : shape };
    const { data } = networkInput(frame, this.#options, this.#network.config);
    return this.#inTurn((native) => this.#take(native, data));
  }

  /** Runs `work` on the model after the calls before it; closing the model waits for them all. */
  #inTurn<Result>(work: (native: NativeModel) => Promise<Result>): Promise<Result> {
    return this.#network.run((native) => {
      const result = this.#turn.then(() => work(native));
      this.#turn = result.catch(() => {});
      return result;
    });
  }

  /** One frame as the network takes frames: its pose, or nothing while there is none. */
  async #take(native: NativeModel, data: Float32Array): Promise<Tensor | undefined> {
    const [before, index] = [this.#last ?? data, this.#came];
    this.#last = data;
    this.#came++;
    // The network's frames between the frame before and this one.
    for (; this.#given * this.#step <= index + 1e-9; this.#given++) {
      const share = index === 0 ? 1 : Math.min(1, this.#given * this.#step - (index - 1));
      const between = share === 1 ? data : data.map((value, at) => (1 - share) * before[at] + share * value);
      this.#keep(await native.pushFrame(this.#id, between));
    }
    if (index < this.lookahead) return undefined;
    const pose = this.#poseAt(this.#told++);
    return { data: pose, shape: [pose.length / 3, 3] };
  }

  /** Ends the stream: the poses still owed, (k, J', 3), the last `lookahead` frames' or all where fewer came. */
  async end(): Promise<Tensor> {
    this.#checkOpen();
    this.#ended = true;
    forgotten.unregister(this);
    return this.#inTurn((native) => this.#finish(native));
  }

  async #finish(native: NativeModel): Promise<Tensor> {
    const last = this.#last;
    // A video's last frame is its end, also for the network's frame at its end or beyond.
    if (last && (this.#given - 1) * this.#step < this.#came - 1 - 1e-9) {
      this.#given++;
      this.#keep(await native.pushFrame(this.#id, last));
    }
    this.#keep(await native.endStream(this.#id));
    const joints = skeletonByName(this.#network.config.outputLayout).joints.length;
    const owed = new Float32Array((this.#came - this.#told) * joints * 3);
    for (let at = 0; this.#told < this.#came; at += joints * 3) owed.set(this.#poseAt(this.#told++), at);
    return { data: owed, shape: [owed.length / joints / 3, joints, 3] };
  }

  /** Takes the network's next poses in. */
  #keep(poses: Float32Array): void {
    const size = skeletonByName(this.#network.config.outputLayout).joints.length * 3;
    for (let at = 0; at < poses.length; at += size) {
      this.#poses.push(finishPoses(poses.slice(at, at + size), this.#network.config));
    }
  }

  /** The pose of a frame of the video: between the network's two about it, or its last. Frames are asked for in order. */
  #poseAt(frame: number): Float32Array {
    const time = Math.min(frame / this.#step, this.#posesFrom + this.#poses.length - 1);
    const before = Math.floor(time + 1e-9);
    while (this.#posesFrom < before) {
      this.#poses.shift();
      this.#posesFrom++;
    }
    const [pose, next = pose] = this.#poses;
    const share = Math.max(0, time - before);
    return share === 0 ? pose.slice() : pose.map((value, at) => (1 - share) * value + share * next[at]);
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
