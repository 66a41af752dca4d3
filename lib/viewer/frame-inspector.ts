import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { type Tensor, tensor } from '../base/tensor.js';
import type { AttentionMap, AttentionModule } from '../models/attention-maps.js';
import { fitFrameRate } from '../models/frame-rate.js';
import type { LoadOptions } from '../models/loaded-network.js';
import { MaskedPoseModel } from '../models/masked-pose-model.js';
import { windowOf } from '../models/network-input.js';
import { PoseLifter } from '../models/pose-lifter.js';
import type { ModelConfig } from '../networks/config.js';
import { readWeights } from '../networks/weights.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { mapToHuman36m } from '../skeletons/to-human36m.js';
import type { PlacedTrack } from './build-scene.js';
import { type Packed, packArrays } from './packed-arrays.js';
import { skeletonOf } from './read-clip.js';
import type { FrameLayer, FrameModule, FrameValue, ModelFacts } from './scene.js';

/** Where in a scene to look, and the seed of Stage I's masks. */
export interface FramePlace {
  result: number;
  person: number;
  frame: number;
  seed: number;
}

/** Shows what goes on in a model at a frame: every attention map, and what Stage I makes of masked poses. */
export class FrameInspector {
  readonly facts: ModelFacts;
  readonly #model: PoseLifter | MaskedPoseModel;
  readonly #tracks: readonly PlacedTrack[];
  /** The video's frames from one of a window to the next; no whole number where lifting resamples. */
  readonly #spacing: number;

  private constructor(name: string, model: PoseLifter | MaskedPoseModel, tracks: readonly PlacedTrack[], fps?: number) {
    this.#model = model;
    this.#tracks = tracks;
    const { stage, frames, heads } = model.config;
    const { step, stride } = fitFrameRate(model.config, fps);
    this.#spacing = step * stride;
    this.facts = { name, stage, window: frames, stride, heads };
  }

  /**
   * Loads a model of either stage for the 2D of a scene. Throws what `PoseLifter.load` does, and `ERR_ARGUMENT` where there is
   * no 2D or nobody says the size of its image.
   */
  static async load(
    name: string,
    tracks: readonly PlacedTrack[],
    options: LoadOptions & { fps?: number } = {},
  ): Promise<FrameInspector> {
    checkArguments('load', { name, tracks, options }, 'text', 'list', 'object?');
    const { fps, ...load } = options;
    if (tracks.length === 0) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `${name}: a model looks at 2D keypoints, which the results lack; give --keypoints or a result in .npz or .json.`,
      );
    }
    if (tracks.some(({ track }) => track.width === undefined || track.height === undefined)) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `${name}: expected 2D keypoints with the image size; give --size WIDTHxHEIGHT.`,
      );
    }
    const { config } = await readWeights(name);
    const model = config.stage === 1 ? await MaskedPoseModel.load(name, load) : await PoseLifter.load(name, load);
    return new FrameInspector(name, model, tracks, fps);
  }

  /** The frames of the timeline at which there is something to see. */
  framesOf(result: number, person: number): number[] {
    checkArguments('framesOf', { result, person }, 'number', 'number');
    return this.#tracks
      .filter((placed) => placed.result === result && placed.person === person)
      .flatMap(({ frameOf }) => [...frameOf]);
  }

  /** What the model does at one frame, or undefined where the person is absent. */
  async at(place: FramePlace): Promise<Packed<FrameValue> | undefined> {
    checkArguments('at', { place }, 'object');
    const placed = this.#tracks.find(
      ({ result, person, frameOf }) =>
        result === place.result && person === place.person && frameOf.includes(place.frame),
    );
    if (!placed) return undefined;
    const frame = placed.frameOf.indexOf(place.frame);
    const around = windowAround(placed, frame, this.#model.config, this.#spacing);
    return this.#model instanceof PoseLifter
      ? liftingFrame(this.#model, place, around, this.#spacing)
      : maskedFrame(this.#model, place, around);
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
}

/** {@link FrameInspector.at}, packed. */
export async function packedFrame(
  inspector: FrameInspector,
  place: FramePlace,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const found = await inspector.at(place);
  return found && packArrays(found);
}

/** A window of the model in its own layout, (N, J, 2) pixels, and the frames of the timeline that it takes. */
interface Window {
  keypoints: Tensor;
  frames: number[];
  image: { width: number; height: number };
}

function windowAround({ track, frameOf }: PlacedTrack, frame: number, config: ModelConfig, spacing: number): Window {
  const joints = skeletonByName(track.layout).joints.length;
  const all = tensor(track.keypoints, [track.frames, joints, 2]);
  const window = tensor(windowOf(all, frame, config.frames, spacing), [config.frames, joints, 2]);
  const half = (config.frames - 1) / 2;
  const frames = Array.from({ length: config.frames }, (_, index) => {
    const at = Math.min(Math.max(Math.round(frame + spacing * (index - half)), 0), track.frames - 1);
    return frameOf[at];
  });
  const keypoints = track.layout === config.inputLayout ? window : mapped(track.layout, window, config);
  return { keypoints, frames, image: { width: track.width!, height: track.height! } };
}

function mapped(layout: string, window: Tensor, { inputLayout }: ModelConfig): Tensor {
  if (inputLayout === 'h36m-17') return mapToHuman36m(layout, window);
  throw new PoseError('ERR_UNSUPPORTED', `This model takes ${inputLayout} joints; there is no map from ${layout}.`);
}

async function liftingFrame(
  lifter: PoseLifter,
  { frame }: FramePlace,
  { keypoints, frames, image }: Window,
  spacing: number,
): Promise<Packed<FrameValue>> {
  const { config } = lifter;
  const middle = (config.frames - 1) / 2;
  // The window is cut out already: its neighbours are one apart.
  const single = { ...image, fps: config.fps / config.stride };
  const arrays = new Map<string, Float32Array | Uint8Array>();
  const modules: FrameModule[] = [];
  const names = frames.map((_, index) => offsetName(Math.round((index - middle) * spacing)));
  const add = async (module: AttentionModule, tokens: (n: number) => string[]) => {
    const maps = await lifter.attention(keypoints, middle, { ...single, module });
    modules.push(packed(module, maps, tokens, arrays, middle));
  };
  if (config.temporal) await add('tem', () => names);
  if (config.temporal && config.aggregate) {
    // Each layer keeps tokens 0, s, 2 s, ... of the one before.
    await add('mofa', (n) => Array.from({ length: n }, (_, index) => names[(index * names.length) / n]));
  }
  if (config.backbone === 'transformer') {
    const { joints } = skeletonByName(config.inputLayout);
    await add('joints', () => [...joints]);
  }
  return { value: { frame, window: frames, modules }, arrays };
}

async function maskedFrame(
  model: MaskedPoseModel,
  { frame, seed }: FramePlace,
  { keypoints, frames, image }: Window,
): Promise<Packed<FrameValue>> {
  const { config } = model;
  const masks = model.masks(seed);
  const middle = (config.frames - 1) / 2;
  const arrays = new Map<string, Float32Array | Uint8Array>();
  const stride = frames.length > 1 ? Math.max(1, frames[middle + 1] - frames[middle]) : 1;
  const order = frames.map((_, index) => index);
  const visible = order.filter((index) => !masks.masked[index]);
  const hidden = order.filter((index) => masks.masked[index]);
  const named = (index: number) => offsetName((index - middle) * stride);
  const modules: FrameModule[] = [];
  for (const [module, tokens] of [
    ['tem', visible.map(named)],
    ['decoder', [...visible.map(named), ...hidden.map((index) => `${named(index)}, hidden`)]],
  ] as const) {
    if (module === 'tem' && !config.temporal) continue;
    const maps = await model.attention(keypoints, masks, { ...image, module });
    modules.push(packed(module, maps, () => tokens, arrays, middle));
  }
  const reconstruction = await model.reconstruct(keypoints, masks, image);
  arrays.set('visible', keypoints.data);
  arrays.set('reconstruction', reconstruction.data);
  arrays.set('masked', masks.masked);
  arrays.set('jointMask', masks.jointMask);
  const skeleton = skeletonOf(config.inputLayout);
  const errorPixels = meanDistance(keypoints.data, reconstruction.data);
  return { value: { frame, window: frames, modules, reconstruction: { skeleton, errorPixels } }, arrays };
}

/** Puts a module's maps into bytes; of the Transformer over joints, those of the middle frame. */
function packed(
  module: AttentionModule,
  maps: readonly AttentionMap[],
  tokens: (n: number) => readonly string[],
  arrays: Map<string, Float32Array | Uint8Array>,
  middle: number,
): FrameModule {
  const layers = maps.map(({ layer, maps: { data, shape } }): FrameLayer => {
    const [heads, n] = shape.slice(-3);
    const size = n * n;
    const from = module === 'joints' ? middle * heads * size : 0;
    const bytes = new Uint8Array(heads * size);
    const greatest: number[] = [];
    for (let head = 0; head < heads; head++) {
      const own = data.subarray(from + head * size, from + (head + 1) * size);
      const most = own.reduce((least, value) => Math.max(least, value), 0);
      greatest.push(Number(most.toPrecision(6)));
      for (let i = 0; i < size; i++) bytes[head * size + i] = most > 0 ? Math.round((own[i] / most) * 255) : 0;
    }
    arrays.set(`${module}/${layer}`, bytes);
    return { tokens: n, greatest, names: [...tokens(n)] };
  });
  return { name: module, layers };
}

/** "-3", "0", "+3": frames of the video from the one in the middle. */
function offsetName(frames: number): string {
  return frames > 0 ? `+${frames}` : frames < 0 ? `\u2212${-frames}` : '0';
}

function meanDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 2) sum += Math.hypot(a[at] - b[at], a[at + 1] - b[at + 1]);
  return sum / (a.length / 2);
}
