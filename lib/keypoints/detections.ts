/** One person in one image. */
export interface Detection {
  /** Index into the list of images. */
  image: number;
  /** The tracker's name for the person, where the file has one. */
  track?: string;
  /** J triples x, y, confidence; pixels, or fractions of the image. */
  triples: readonly number[];
  /** How sure the detector is of the person; only compared within an image. */
  score: number;
}

/** What a detector's file holds: people in images, not yet linked through time. */
export interface FoundDetections {
  images: readonly (string | number)[];
  detections: readonly Detection[];
  /** What the file says its layout is, or what its format implies. */
  layout?: string;
  /** Names of the joints, where the file's columns have names. */
  jointNames?: readonly string[];
  width?: number;
  height?: number;
  fps?: number;
  /** true: coordinates are fractions of the image's width and height. */
  fractions?: boolean;
  notices: string[];
}
