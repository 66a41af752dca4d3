import { PoseError } from '../../base/pose-error.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import { type CustomLayout, columnsOf, mapCustomLayout } from '../custom-layout.js';
import { fillGaps } from '../filters/fill-gaps.js';
import { unknownNames } from '../joint-names.js';
import type { KeypointTrack, ReadKeypointsOptions } from '../keypoint-track.js';
import { columnName, layoutOfJointNames, resolveLayout } from '../layout.js';

/** What a format's reader found of one person, before unknown points are filled. */
export interface FoundTrack {
  /** (T, J, 2), pixels; not finite, or (0, 0) without confidence, where unknown. */
  keypoints: Float32Array;
  /** (T, J); absent where the file has none. */
  confidence?: Float32Array;
  frames: number;
  joints: number;
  /** What the file says its layout is, or what its format implies. */
  layout?: string;
  /** Names of the joints, where the file's columns have names. */
  jointNames?: readonly string[];
  width?: number;
  height?: number;
  fps?: number;
  /** The video's frames from one of the track's to the next, where that is not 1: a stated rate is the video's. */
  step?: number;
  frameIds?: string[];
  /** (T), above 0 where an earlier reading already made the frame up: it is made up again. */
  filled?: ArrayLike<number>;
  people: number;
  /** Which of the people this is; absent where the file has one. */
  person?: number;
  id?: string;
  /** Frame of the video, from 0, that the track begins with. Default 0. */
  start?: number;
  /** true: the file has fractions of the image's size. */
  fractions?: boolean;
  notices: string[];
}

/** Longest gap that is filled where the caller does not say. */
const defaultGapSeconds = 0.5;
/** Taken for the seconds of a gap where the frame rate is unknown. */
const assumedRate = 30;

/** Settles the layout, fills what is unknown and says so. Throws `ERR_FORMAT` when no point is known or none is in pixels. */
export function assembleTrack(where: string, input: FoundTrack, options: ReadKeypointsOptions): KeypointTrack {
  const notices = [...input.notices];
  const { person } = input;
  const who = input.people > 1 && person !== undefined ? `Person ${person}: ` : '';
  const { found, layout } = withLayout(where, input, options, notices);
  const { frames, joints } = found;
  const confidence = found.confidence ?? new Float32Array(frames * joints).fill(1);
  forgetUnknown(where, found, confidence, options.minConfidence ?? 0);
  const fps = rateOfFrames(found, options);
  const seconds = options.maxGap ?? defaultGapSeconds;
  if (!(seconds >= 0)) throw new PoseError('ERR_ARGUMENT', `option maxGap: expected seconds, got ${seconds}.`);
  const maxGap = Math.max(1, Math.round(seconds * (isSize(fps) ? fps : assumedRate)));
  const { keypoints, filled, filledJoints, neverSeen } = fillGaps(found.keypoints, frames, joints, {
    confidence,
    maxGap,
  });
  const short = filled.reduce((sum, flag) => sum + (flag === 1 ? 1 : 0), 0);
  const long = filled.reduce((sum, flag) => sum + (flag === 2 ? 1 : 0), 0);
  if (short > 0) notices.push(`${who}${short} of ${framesHave(frames, short)} no detection: interpolated in time.`);
  if (long > 0) {
    notices.push(`${who}${long} of ${frames} frames lie in gaps of more than ${maxGap} frames: the clip is cut there.`);
  }
  if (filledJoints > 0) {
    const joints = filledJoints === 1 ? '1 single joint has' : `${filledJoints} single joints have`;
    notices.push(`${who}${joints} no position: interpolated in time.`);
  }
  const names = typeof layout === 'string' ? found.jointNames! : layout.joints;
  if (neverSeen.length > 0) {
    const list = neverSeen
      .slice(0, 12)
      .map((joint) => names[joint])
      .join(', ');
    notices.push(`${who}Never seen, put at the middle of the others: ${list}${neverSeen.length > 12 ? ', ...' : ''}.`);
  }
  const custom = typeof layout === 'string' ? undefined : layout;
  const mapped = custom ? mapCustomLayout(custom, keypoints, confidence) : { keypoints, confidence };
  if (custom) notices.push(`Mapped from the layout ${custom.name} into h36m-17.`);
  const track: KeypointTrack = {
    ...mapped,
    frames,
    joints: custom ? 17 : joints,
    layout: typeof layout === 'string' ? layout : 'h36m-17',
    frameIds: found.frameIds ?? Array.from({ length: frames }, (_, frame) => String(frame)),
    filled,
    people: found.people,
    notices,
  };
  const { width, height } = options.size ?? found;
  if (isSize(width) && isSize(height)) {
    track.width = width;
    track.height = height;
    const outside = outsideNotice(found.keypoints, confidence, width, height);
    if (outside) notices.push(`${who}${outside}`);
  }
  if (isSize(fps)) track.fps = fps;
  if (found.start) track.start = found.start;
  if (found.id !== undefined) track.id = found.id;
  return track;
}

/** "300 frames have", and "has" for one of them. */
function framesHave(frames: number, some: number): string {
  return `${frames} ${frames === 1 ? 'frame' : 'frames'} ${some === 1 ? 'has' : 'have'}`;
}

/** Frames of the track a second: what the caller says of the video, over the step between the track's frames. */
function rateOfFrames({ fps, step = 1 }: FoundTrack, { fps: stated }: ReadKeypointsOptions): number | undefined {
  return stated === undefined ? fps : stated / step;
}

/** The joints in their layout's order, with their names; the layout's name, or the caller's own layout. */
function withLayout(
  where: string,
  found: FoundTrack,
  { layout: option }: ReadKeypointsOptions,
  notices: string[],
): { found: FoundTrack; layout: string | CustomLayout } {
  if (typeof option === 'object') {
    if (found.jointNames) return { found: picked(where, found, option.joints), layout: option };
    if (option.joints.length !== found.joints) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `${where}: option layout: expected a layout of ${found.joints} joints, as the file has, got ${option.name} with ${option.joints.length}.`,
      );
    }
    return { found, layout: option };
  }
  const names = found.jointNames;
  const asked = option === undefined ? undefined : skeletonByName(option);
  const has = names && new Set(names.map(columnName));
  const named =
    asked && has && asked.joints.every((joint) => has.has(columnName(joint)))
      ? asked
      : names && layoutOfJointNames(names);
  if (names && !named && option === undefined) {
    throw unknownNames(where, names);
  }
  const joints = named ? picked(where, found, named.joints) : found;
  const layout = resolveLayout(where, joints.joints, named?.name ?? found.layout, option, notices);
  return { found: { ...joints, jointNames: layout.joints }, layout: layout.name };
}

/** The columns of `joints`, in that order, out of a track whose joints have names. */
function picked(where: string, found: FoundTrack, joints: readonly string[]): FoundTrack {
  const columns = columnsOf(where, joints, found.jointNames!);
  const { frames, confidence } = found;
  const keypoints = new Float32Array(frames * joints.length * 2);
  const sure = confidence && new Float32Array(frames * joints.length);
  for (let at = 0; at < frames * joints.length; at++) {
    const from = Math.floor(at / joints.length) * found.joints + columns[at % joints.length];
    keypoints.set(found.keypoints.subarray(from * 2, from * 2 + 2), at * 2);
    if (sure) sure[at] = confidence[from];
  }
  const track: FoundTrack = { ...found, keypoints, joints: joints.length, jointNames: joints };
  return sure ? { ...track, confidence: sure } : track;
}

/** Makes unknown points NaN without confidence, in place. */
function forgetUnknown(where: string, found: FoundTrack, confidence: Float32Array, minConfidence: number): void {
  const { keypoints, joints } = found;
  let largest = 0;
  for (let at = 0; at < confidence.length; at++) {
    const [x, y] = [keypoints[at * 2], keypoints[at * 2 + 1]];
    const nowhere = x === 0 && y === 0 && !(found.confidence && confidence[at] > 0);
    const madeUp = found.filled !== undefined && found.filled[Math.floor(at / joints)] > 0;
    const doubtful = minConfidence > 0 && !(confidence[at] >= minConfidence);
    if (nowhere || madeUp || doubtful || !Number.isFinite(x) || !Number.isFinite(y)) {
      keypoints.fill(Number.NaN, at * 2, at * 2 + 2);
      confidence[at] = 0;
    } else {
      if (!Number.isFinite(confidence[at])) confidence[at] = 0;
      largest = Math.max(largest, Math.abs(x), Math.abs(y));
    }
  }
  if (largest === 0) {
    const sure = minConfidence > 0 ? ` and a confidence of at least ${minConfidence}` : '';
    throw new PoseError('ERR_FORMAT', `${where}: expected keypoints, got no joint with a position${sure}.`);
  }
  if (largest < 3) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected keypoints in pixels, got values within ${largest.toFixed(2)}, as if they were normalised already.`,
    );
  }
}

/** Shares of the points that lie outside of the image: a detector's own, and so many that the size is another's. */
const fewOutside = 0.05;
const manyOutside = 0.2;

/** Says that the image is of another size, or turned, where many of the points that were found lie outside of it. */
function outsideNotice(
  keypoints: Float32Array,
  confidence: Float32Array,
  width: number,
  height: number,
): string | undefined {
  let [known, outside, outsideTurned] = [0, 0, 0];
  const [low, high] = [
    [Infinity, Infinity],
    [-Infinity, -Infinity],
  ];
  for (let at = 0; at < confidence.length; at++) {
    const [x, y] = [keypoints[at * 2], keypoints[at * 2 + 1]];
    if (!Number.isFinite(x)) continue;
    known++;
    if (x < 0 || y < 0 || x > width || y > height) outside++;
    if (x < 0 || y < 0 || x > height || y > width) outsideTurned++;
    [low[0], low[1]] = [Math.min(low[0], x), Math.min(low[1], y)];
    [high[0], high[1]] = [Math.max(high[0], x), Math.max(high[1], y)];
  }
  const turned = outside > fewOutside * known && outsideTurned < outside / 4;
  if (!(outside > manyOutside * known) && !turned) return undefined;
  const range = (axis: 0 | 1) => `${low[axis].toFixed(0)} to ${high[axis].toFixed(0)}`;
  const percent = (count: number) => `${((100 * count) / known).toFixed(0)}%`;
  return (
    `${percent(outside)} of the points lie outside of an image of ${width}x${height} (x from ${range(0)}, y from ${range(1)}): ` +
    (turned
      ? `of ${height}x${width} only ${percent(outsideTurned)} do. Is the video shown turned? Then give its size as --size ${height}x${width}.`
      : "is this the video's size, not resized?")
  );
}

function isSize(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0;
}
