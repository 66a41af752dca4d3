/** A share of one recorded joint; `offset` (metres, in the joint's own axes) moves the point off the joint. */
export interface MocapSource {
  joint: string;
  weight: number;
  offset?: readonly [number, number, number] | undefined;
}

/** Where each of Human3.6M's 17 joints comes from in one kind of motion capture. */
export interface MocapLayout {
  name: string;
  /** In the order of `h36m-17`; the weights of a joint add up to 1. */
  sources: readonly (readonly MocapSource[])[];
  /** Frames at the start of a clip that are no recording. */
  skipFrames: number;
}
