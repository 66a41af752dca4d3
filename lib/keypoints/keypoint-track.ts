import type { CustomLayout } from './custom-layout.js';
import type { InputFormat } from './input-format.js';

/** One person's 2D joints through a video. Letters: T frames, J joints of the layout. */
export interface KeypointTrack {
  /** (T, J, 2), pixels, x to the right and y down from the image's top left corner. All finite. */
  keypoints: Float32Array;
  /** (T, J), as the detector gave it (COCO's visibility 0, 1, 2 becomes 0, 0.5, 1); 1 where the file has none, 0 where a point was made up. */
  confidence: Float32Array;
  frames: number;
  /** Frame of the video, from 0, that is the first of these; default 0. */
  start?: number;
  joints: number;
  /** Name of a skeleton in `lib/skeletons`. */
  layout: string;
  /** Image size in pixels, where the file says it. */
  width?: number;
  height?: number;
  fps?: number;
  /** (T), what the file calls each frame: an image name or a number. */
  frameIds: string[];
  /**
   * (T): 0 where the person was found, 1 where all joints were interpolated in time across a short gap, 2 in a gap longer
   * than `maxGap` (the values there only bridge it; `splitAtGaps` leaves such frames out).
   */
  filled: Uint8Array;
  /** How many people the file holds. */
  people: number;
  /** The person's name: the tracker's id, or the order of first appearance where people were linked here. */
  id?: string;
  /** What the reader decided that the caller may want to know, a sentence each. */
  notices: string[];
}

export interface ReadKeypointsOptions {
  /** What messages call the source where bytes are given. */
  where?: string;
  /** What the file is, where its content may mislead: one of `inputFormats`. */
  format?: InputFormat;
  /** Joint layout, for files that do not say it: a known one's name, or the caller's own. */
  layout?: string | CustomLayout;
  /** Which person of several: 0 (the default) is the one who is largest for longest. */
  person?: number;
  /** Which part of a file that holds several: an array's name in an npz, or "subject/action/camera" of a detections dict. */
  entry?: string;
  /** The image's size in pixels, for files of fractions and those that do not say it; wins over the file's. */
  size?: { width: number; height: number };
  /** Frames a second, where the file does not say it; wins over the file's. */
  fps?: number;
  /** true: the file's track ids are passed over, and people are linked by their poses alone. */
  ignoreIds?: boolean;
  /** Tracks of one person, by the id that they get: `{ '3': ['7', '9'] }` makes 7 and 9 parts of 3. */
  mergeIds?: Readonly<Record<string, readonly string[]>>;
  /** Longest gap, in seconds (of 30 frames where the rate is unknown), that is filled; a longer one splits. Default 0.5. */
  maxGap?: number;
  /** Points that the detector is less sure of count as unknown; default 0. */
  minConfidence?: number;
}
