import { type Tensor, tensor } from '../base/tensor.js';
import { undistortKeypoints } from '../keypoints/camera.js';
import { resampleFrames } from '../keypoints/resample.js';
import { smoothOneEuro, smoothSavitzkyGolay } from '../keypoints/smoothing.js';
import { windowStride } from '../models/network-input.js';
import type { LiftOptions, PoseLifter } from '../models/pose-lifter.js';
import type { ModelConfig } from '../networks/config.js';
import type { Clip, InputFlags } from './lift-input.js';
import type { Smoothing } from './parse.js';

/** Windows whose span departs from the training's by more than this share get resampled frames. */
const spanTolerance = 0.02;
/** How much One-Euro's cut-off rises with speed, in pixels and in metres a second. */
const pixelBeta = 0.005;
const metreBeta = 1;

/** How a clip's frames become the model's: a step of 1 is no resampling. */
export interface Rate {
  /** Frames of the video for one of the network's. */
  step: number;
  /** Frames a second that the network is given. */
  fps: number | undefined;
  stride: number;
}

/**
 * The rate at which windows span what they did in training: whole strides where that fits within 2 %, else the frames
 * are resampled to the nearest rate at which a whole stride does.
 */
export function rateOf(fps: number | undefined, config: ModelConfig): Rate {
  const stride = windowStride(config, fps);
  if (fps === undefined) {
    return { step: 1, fps, stride };
  }
  const step = (config.stride * fps) / config.fps / stride;
  return Math.abs(step - 1) <= spanTolerance ? { step: 1, fps, stride } : { step, fps: fps / step, stride };
}

/** Lifts one clip: camera, filter of the 2D, resampling, network, resampling back, filter of the 3D. (T, 17, 3), metres. */
export async function liftClip(
  lifter: PoseLifter,
  { track }: Clip,
  flags: InputFlags,
  options: Pick<LiftOptions, 'flip' | 'batch' | 'signal' | 'onProgress'>,
): Promise<Float32Array> {
  const { frames, joints, width, height, layout } = track;
  const points = flags.camera ? undistortKeypoints(track.keypoints, flags.camera, track) : track.keypoints;
  const seen = smoothed(tensor(points, [frames, joints, 2]), flags.smooth2d, track.fps ?? lifter.config.fps, pixelBeta);
  const { step, fps } = rateOf(track.fps, lifter.config);
  const input = step === 1 ? seen : resampleFrames(seen, step, Math.ceil((frames - 1) / step) + 1);
  const poses = await lifter.lift(input, { ...options, width, height, layout, fps });
  const back = step === 1 ? poses : resampleFrames(poses, 1 / step, frames);
  return smoothed(back, flags.smooth3d, track.fps ?? lifter.config.fps, metreBeta).data;
}

function smoothed(values: Tensor, filter: Smoothing | undefined, fps: number, beta: number): Tensor {
  if (filter === undefined || filter.kind === 'none') {
    return values;
  }
  return filter.kind === 'one-euro'
    ? smoothOneEuro(values, fps, { minCutoff: filter.cutoff, beta: filter.beta ?? beta })
    : smoothSavitzkyGolay(values, { window: filter.window, degree: filter.degree });
}
