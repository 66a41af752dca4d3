import type { Packed } from './packed-arrays.js';

/** What the page is told of all that it shows. Letters: T frames of the common timeline, J joints. */
export interface SceneValue {
  frames: number;
  /** Frames a second that play as real time. */
  fps: number;
  /** false: no file says the rate, `fps` is assumed. */
  fpsKnown: boolean;
  /** (T), what the files call the frames, where that is more than their number. */
  frameNames?: string[];
  /** One result, or two side by side. */
  results: SceneResult[];
  model?: ModelFacts;
}

/** One result: the people of one lifted video. */
export interface SceneResult {
  /** Its file's name, or what its files have in common. */
  name: string;
  /** Sentences about where it comes from and what was assumed. */
  notes: string[];
  /** `relative`: nobody knows where people stand, their roots are at zero. `estimated`: they are in one room. */
  root: 'relative' | 'estimated';
  /** Size of the image of the 2D keypoints, pixels. */
  image?: { width: number; height: number };
  /** Rotation, row-major 3 x 3, that makes people stand upright; by how much it turns; only where the axes are a camera's. */
  upright?: { rotation: number[]; degrees: number };
  people: ScenePerson[];
}

/** One person; the arrays of person p of result r are named `r/p/...`, see {@link ScenePart}. */
export interface ScenePerson {
  name: string;
  skeleton: SceneSkeleton;
  /** Skeleton of the 2D keypoints, where there are some. */
  keypointSkeleton?: SceneSkeleton;
  /** Means over all frames, millimetres; `rooted` only where both are in one camera's axes. */
  error?: { rooted?: number; aligned: number };
}

export interface SceneSkeleton {
  joints: string[];
  /** -1 for a root. */
  parents: number[];
  /** Further lines to draw, where a layout has a torso but no joint in its middle. */
  links?: [number, number][];
  sides: ('left' | 'right' | 'middle')[];
}

/**
 * A person's arrays, in the order of the timeline, NaN where the person is absent:
 * - `positions` and `truth` (T, J, 3): metres, y up;
 * - `state` (T), bytes: 0 detected, 1 filled in between detections, 2 absent;
 * - `keypoints` (T, J', 3): x, y in pixels and confidence;
 * - `rooted`, `aligned` (T, J): error in millimetres, roots together, or after the best rotation, scale and shift.
 */
export type ScenePart = 'positions' | 'truth' | 'state' | 'keypoints' | 'rooted' | 'aligned';

export type Scene = Packed<SceneValue>;

/** The model whose inside can be looked at. */
export interface ModelFacts {
  name: string;
  stage: 1 | 2;
  /** Frames a window, and frames of the video between neighbours of a window. */
  window: number;
  stride: number;
  heads: number;
  /** Frames of the timeline that are there; absent: all. */
  stored?: number[];
}

/** What the model does at one frame of one person. Maps are bytes (H, n, n), named `<module>/<layer>`. */
export interface FrameValue {
  frame: number;
  /** (N), frames of the timeline that the window takes. */
  window: number[];
  modules: FrameModule[];
  /** Stage I: arrays `visible` (N, J, 2) and `reconstruction` (N, J, 2) in pixels, `masked` (N), `jointMask` (N, J). */
  reconstruction?: { skeleton: SceneSkeleton; errorPixels: number };
}

export interface FrameModule {
  name: 'tem' | 'mofa' | 'decoder' | 'joints';
  layers: FrameLayer[];
}

export interface FrameLayer {
  tokens: number;
  /** (H): the greatest weight of each head's map, which the byte 255 stands for. */
  greatest: number[];
  /** What each token is: a place in the window, or a joint. */
  names: string[];
}

/** Name of a person's array. */
export function partName(result: number, person: number, part: ScenePart): string {
  return `${result}/${person}/${part}`;
}
