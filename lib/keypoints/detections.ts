import type { DetectionTable } from './detection-table.js';

/** When each image was taken. */
export interface FrameTimes {
  /** A time for each image. */
  values: readonly number[];
  /** Their unit, where the file says it; else the spacing tells. */
  unit?: 's' | 'ms' | 'us' | 'ns' | undefined;
}

/** What a detector's file holds: people in images, not yet linked through time. */
export interface FoundDetections {
  images: readonly (string | number)[];
  detections: DetectionTable;
  /** When the images were taken, where the file says it. */
  times?: FrameTimes | undefined;
  /** What the file says its layout is, or what its format implies. */
  layout?: string | undefined;
  /** Names of the joints, where the file names them. Settling sorts those that fit a layout and leaves only others here. */
  jointNames?: readonly string[] | undefined;
  width?: number | undefined;
  height?: number | undefined;
  fps?: number | undefined;
  /** true: coordinates are fractions of the image's width and height. */
  fractions?: boolean | undefined;
  notices: string[];
}
