/** Focal lengths and centre, in the units of the keypoints that they go with. */
export interface Intrinsics {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
}

/** Where a camera stands: a world point X is at `rotation * X + translation` in camera axes. */
export interface Extrinsics {
  /** Row-major 3x3; the rows are the camera's right, down and forward axes in the world. */
  rotation: readonly number[];
  /** Metres. */
  translation: readonly number[];
}
