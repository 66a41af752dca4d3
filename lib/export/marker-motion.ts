/** Markers through time, as files of motion capture hold them. */
export interface MarkerMotion {
  /** (T, M, 3), metres; NaN where a marker has no place. */
  positions: Float32Array;
  frames: number;
  markers: string[];
  fps: number;
  /** Frame of the video, from 0, that is the first of these. */
  start: number;
}
