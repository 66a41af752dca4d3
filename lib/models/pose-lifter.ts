import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { checkKnownOptions } from '../base/known-options.js';
import { asMemoryError } from '../base/memory-error.js';
import { addOldLifterProperties, type OldLifterProperties } from '../base/old-names.js';
import { PoseError } from '../base/pose-error.js';
import { joined, type Tensor } from '../base/tensor.js';
import { resampleFrames } from '../keypoints/filters/resample.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { type AttentionMap, type AttentionOptions, attentionMaps } from './attention-maps.js';
import { clipGroups, type GroupedClip } from './clip-groups.js';
import { finishPoses } from './finish-poses.js';
import { fitFrameRate, resampledCount } from './frame-rate.js';
import type { JobOptions } from './job.js';
import { LoadedModel } from './loaded-model.js';
import { LoadedNetwork, type LoadOptions } from './loaded-network.js';
import { type ImageOptions, networkInput, windowOf } from './network-input.js';
import { PoseStream, type StreamOptions } from './pose-stream.js';
import { type NormalizedCamera, type RefiningView, refiningView } from './refining-view.js';

/** Options of {@link PoseLifter.lift}. */
export interface LiftOptions extends ImageOptions, JobOptions {
  /** Mean with the un-mirrored prediction for the mirrored input; default true. */
  flip?: boolean;
  /**
   * Frames a second of the video. The windows then span the time that they did in training: by a whole stride where one
   * fits within 2 %, else on resampled frames, whose poses are taken back to the video's. Default: the frames are taken for
   * those of the model's own rate.
   */
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

/** A clip as the native call takes it. */
interface ReadyClip extends GroupedClip {
  /** The video's frames; `frames` is the network's, and `step` the former for one of the latter. */
  shown: number;
  step: number;
  keypoints: Float32Array;
  request: { stride: number; flip: boolean; batch: number; root?: Float32Array; camera?: Float32Array };
  options: JobOptions;
}

const IMAGE_OPTIONS = ['width', 'height', 'layout', 'fps'];
const LIFT_KINDS = {
  ...{ width: 'number', height: 'number' },
  ...{ layout: 'text', fps: 'number', flip: 'boolean', batch: 'number', root: 'object', camera: 'object' },
  ...{ signal: 'AbortSignal', onProgress: 'function' },
};
const LIFT_OPTIONS = [...IMAGE_OPTIONS, 'flip', 'batch', 'root', 'camera', 'signal', 'onProgress'];

export interface PoseLifter extends OldLifterProperties {}

/** Lifts 2D keypoints of a video to 3D poses (Stage II). */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: addOldLifterProperties defines them on the prototype
export class PoseLifter extends LoadedModel {
  #prepared = 0;

  /**
   * Loads a model: a `.safetensors` file of this project, a published `.pth` (or its `.npz`), or a bundled model's name.
   * Throws `ERR_FILE`, `ERR_FORMAT`, `ERR_MODEL`, `ERR_CONFIG`, `ERR_NO_CUDA` or `ERR_UNSUPPORTED`.
   */
  static async load(pathOrName: string, options: LoadOptions = {}): Promise<PoseLifter> {
    checkArguments('load', { pathOrName, options }, 'text', 'object?');
    return new PoseLifter(await LoadedNetwork.load(pathOrName, 2, options));
  }

  /**
   * Lifts a video: keypoints (T, J, 2) in pixels to poses (T, J', 3) in metres, camera axes, relative to the root joint,
   * whose row is 0. Throws `ERR_ARGUMENT`, `ERR_UNSUPPORTED` (a layout without a map), `ERR_ABORTED` or `ERR_CLOSED`.
   */
  async lift(keypoints: Tensor, options: LiftOptions): Promise<Tensor> {
    checkArguments('lift', { keypoints, options }, 'object', 'object');
    try {
      return (await this.#liftClips([this.#prepare(keypoints, options)]))[0];
    } catch (error) {
      throw asMemoryError(error);
    }
  }

  /**
   * Lifts many videos and yields their poses in the same order; what a video says wins over `options`. Short videos are
   * lifted together, so inputs are asked for some thousand frames ahead, as far as they are there without waiting. An error
   * ends the iteration, after the poses of the videos before it.
   */
  async *liftMany(
    inputs: Iterable<LiftInput> | AsyncIterable<LiftInput>,
    options: Partial<LiftOptions> = {},
  ): AsyncGenerator<Tensor, void, undefined> {
    checkArguments('liftMany', { inputs, options }, 'list|object', 'object?');
    checkOptionKinds('liftMany', options, LIFT_KINDS);
    const prepare = (input: LiftInput) => {
      checkArguments('liftMany', { input }, 'object');
      const { keypoints, ...own } = input;
      return this.#prepare(keypoints, { ...options, ...own } as LiftOptions);
    };
    try {
      for await (const clips of clipGroups(inputs, prepare)) {
        yield* await this.#liftClips(clips);
      }
    } catch (error) {
      throw asMemoryError(error);
    }
  }

  /**
   * Poses of a live video, frame by frame, `lookahead` frames late. Throws `ERR_ARGUMENT`, `ERR_UNSUPPORTED` or
   * `ERR_CLOSED`.
   */
  async stream(options: StreamOptions): Promise<PoseStream> {
    checkArguments('stream', { options }, { width: 'number', height: 'number' });
    return PoseStream.open(this.network, options);
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
    checkArguments('attention', { keypoints, frame, options }, 'object', 'number', 'object');
    checkKnownOptions('attention', options, [...IMAGE_OPTIONS, 'module', 'layer']);
    const input = networkInput(keypoints, options, this.config);
    const { step, stride } = fitFrameRate(this.config, options.fps);
    const window = windowOf(input, frame, this.config.frames, step * stride);
    return this.network.run((native) => attentionMaps(native, this.config, { keypoints: window, batch: 1 }, options));
  }

  /**
   * Why lifting runs op by op and not by the compiled lifter, which is faster and gives the same to rounding; empty where it runs
   * compiled.
   */
  get unsupportedReason(): string {
    return this.network.unsupportedReason;
  }

  get #joints(): number {
    return skeletonByName(this.config.outputLayout).joints.length;
  }

  #prepare(keypoints: Tensor, options: LiftOptions): ReadyClip {
    checkKnownOptions('lift', options, LIFT_OPTIONS);
    checkOptionKinds('lift', options, LIFT_KINDS);
    const input = networkInput(keypoints, options, this.config);
    const [shown] = input.shape;
    const { step, stride } = fitFrameRate(this.config, options.fps);
    const frames = resampledCount(shown, step);
    const { data } = step === 1 ? input : resampleFrames(input, step, frames);
    const common = { stride, flip: options.flip ?? true, batch: options.batch ?? 0 };
    const view = this.#view(shown, options);
    if (view.root && step !== 1) {
      view.root = resampleFrames({ data: view.root, shape: [shown, 3] }, step, frames).data;
    }
    const alone = view.root !== undefined || options.signal !== undefined || options.onProgress !== undefined;
    const alike = alone ? `alone ${this.#prepared++}` : JSON.stringify(common);
    const { signal, onProgress } = options;
    const progress = onProgress && ((done: number) => onProgress(Math.round((done / frames) * shown), shown));
    const watched = step === 1 ? options : { signal, onProgress: progress };
    return { frames, shown, step, alike, keypoints: data, request: { ...common, ...view }, options: watched };
  }

  /** Clips that are alike, in one call. */
  async #liftClips(clips: readonly [ReadyClip, ...ReadyClip[]]): Promise<Tensor[]> {
    const [{ request, options }] = clips;
    const frames = clips.reduce((sum, clip) => sum + clip.frames, 0);
    const all =
      clips.length === 1
        ? clips[0].keypoints
        : joined(
            Float32Array,
            clips.map(({ keypoints }) => keypoints),
          );
    const lengths = clips.length === 1 ? undefined : Int32Array.from(clips, (clip) => clip.frames);
    const whole = { ...request, keypoints: all, first: 0, count: frames, lengths };
    const data = await this.network.lift(whole, options);
    const poses = finishPoses(data, this.config);
    const size = this.#joints * 3;
    let start = 0;
    return clips.map((clip) => {
      const own = clips.length === 1 ? poses : poses.slice(start * size, (start + clip.frames) * size);
      start += clip.frames;
      const lifted = { data: own, shape: [clip.frames, this.#joints, 3] };
      return clip.step === 1 ? lifted : resampleFrames(lifted, 1 / clip.step, clip.shown);
    });
  }

  /** What the refining module needs. */
  #view(frames: number, { root, camera }: LiftOptions): Partial<RefiningView> {
    if (root === undefined && camera === undefined) {
      return {};
    }
    if (this.config.refine === null) {
      throw new PoseError('ERR_ARGUMENT', 'root, camera: this model has no refining module that would use them.');
    }
    return refiningView(frames, root, camera);
  }
}

addOldLifterProperties(PoseLifter.prototype);
