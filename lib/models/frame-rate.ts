import { PoseError } from '../base/pose-error.js';
import type { ModelConfig } from '../networks/config.js';

/** Windows whose span departs from the training's by more than this share get resampled frames. */
const spanTolerance = 0.02;

/** How a video's frames become the network's. */
export interface FrameRateFit {
  /** Frames of the video for one of the network's; 1: no resampling. */
  step: number;
  /** Frames a second that the network is given; undefined where the video's rate is unknown. */
  fps: number | undefined;
  /** The network's frames from one of a window to the next. */
  stride: number;
}

/**
 * The rate at which windows span what they did in training: whole strides where that fits within 2 %, else the video is
 * resampled to the nearest rate at which a whole stride does. Everything that lifts takes it from here. Throws
 * `ERR_ARGUMENT` for a rate that is none.
 */
export function fitFrameRate(config: Pick<ModelConfig, 'stride' | 'fps'>, fps: number | undefined): FrameRateFit {
  if (fps === undefined) return { step: 1, fps, stride: config.stride };
  if (!(fps > 0 && Number.isFinite(fps))) {
    throw new PoseError('ERR_ARGUMENT', `fps: expected a positive number, got ${fps}.`);
  }
  const span = (config.stride * fps) / config.fps;
  if (span > MOST_STRIDE) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `fps: expected at most ${(MOST_STRIDE * config.fps) / config.stride}, got ${fps}.`,
    );
  }
  const stride = Math.max(1, Math.round(span));
  const step = span / stride;
  return Math.abs(step - 1) <= spanTolerance ? { step: 1, fps, stride } : { step, fps: fps / step, stride };
}

/** Largest stride that native code takes. */
const MOST_STRIDE = 2 ** 16;

/** Most frames that one call lifts: at 50 frames a second, two months. */
const MOST_FRAMES = 2 ** 28;

/**
 * The network's frames of a video of `frames`: the last is at its end or beyond. Throws `ERR_ARGUMENT` where the frame rate
 * makes too many of them.
 */
export function resampledCount(frames: number, step: number): number {
  const count = step === 1 ? frames : Math.ceil((frames - 1) / step) + 1;
  if (count > MOST_FRAMES) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `fps: ${frames} frames at this rate become ${count} of the network's, expected at most ${MOST_FRAMES}.`,
    );
  }
  return count;
}
