/** One person's 2D joints through a video. Letters: T frames, J joints of the layout. */
export interface KeypointTrack {
  /** (T, J, 2), pixels, x to the right and y down from the image's top left corner. All finite. */
  keypoints: Float32Array;
  /** (T, J), as the detector gave it (COCO's visibility 0, 1, 2 becomes 0, 0.5, 1); 1 where the file has none, 0 where a point was made up. */
  confidence: Float32Array;
  frames: number;
  joints: number;
  /** Name of a skeleton in `lib/skeletons`. */
  layout: string;
  /** Image size in pixels, where the file says it. */
  width?: number;
  height?: number;
  fps?: number;
  /** (T), what the file calls each frame: an image name or a number. */
  frameIds: string[];
  /** (T), 1 where the person was not found in a frame and all its joints were interpolated in time. */
  filled: Uint8Array;
  /** How many people the file holds: tracks, or where it has none, the most in one frame. */
  people: number;
  /** What the reader decided that the caller may want to know, a sentence each. */
  notices: string[];
}

export interface ReadKeypointsOptions {
  /** Joint layout, for files that do not say it. */
  layout?: string;
  /** Which person of several: 0 (the default) is the one who is largest for longest. */
  person?: number;
  /** Which part of a file that holds several: an array's name in an npz, or "subject/action/camera" of a detections dict. */
  entry?: string;
}
