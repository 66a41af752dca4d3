import type { Split } from '../pose-dataset.js';

/** One person seen by one camera, as both forms of the data set give it. */
export interface MpiInf3dhpView {
  /** `S1`, or `TS1`. */
  subject: string;
  /** `Seq1`; `TS1` in the test set. */
  action: string;
  camera: string;
  split: Split;
  fps: number;
  frames: number;
  /** (T, 17, 2) pixels. */
  pixels: Float32Array;
  /** (T, 17, 3) millimetres, camera axes. */
  positionsMm: Float32Array;
  /**
   * (T, 17, 3) millimetres, camera axes: what the pixels are of, where `positionsMm` is of a body made as tall as all others
   * and projects beside it.
   */
  seenMm?: Float32Array;
  /** (T) */
  valid?: Uint8Array;
  /** (T), 1 to 7. */
  activity?: Uint8Array;
}

/** No file states the rate of the test videos; nothing is computed from it. */
export const TEST_FPS = 25;

/** The training cameras that people use: those at chest height, and the ones above and below them. */
export const TRAIN_CAMERAS: readonly string[] = ['0', '1', '2', '4', '5', '6', '7', '8'];
