/** Markers through time, as files of motion capture hold them. */
export interface MarkerMotion {
  /** (T, M, 3), metres; NaN where a marker has no place. */
  positions: Float32Array;
  frames: number;
  markers: string[];
  fps: number;
}
