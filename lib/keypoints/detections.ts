/** One person in one image. */
export interface Detection {
  /** Index into the list of images. */
  image: number;
  /** The tracker's name for the person, where the file has one. */
  track?: string;
  /** J triples x, y, confidence; pixels, or fractions of the image. An unknown point is NaN, NaN, 0 once settled. */
  triples: readonly number[];
  /** How sure the detector is of the person; only compared within an image. */
  score: number;
}

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
  detections: readonly Detection[];
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
