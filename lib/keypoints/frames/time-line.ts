import { PoseError } from '../../base/pose-error.js';
import type { FrameTimes } from '../detections.js';

/** The frames of a video as the image names or times of a file tell them. */
export interface FrameOrder {
  /** Frame of each image, by its place in the list that was given. */
  frameOf: number[];
  frames: number;
  /** (T), names; a frame without an image has the number that it would have. */
  names: string[];
  notices: string[];
  /** The video's frames from one of these frames to the next; absent where it is 1. */
  step?: number;
  /** These frames a second, where the file's times tell it. */
  fps?: number;
}

const secondsIn = { s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 } as const;
/** Frames without an image that a video's holes may have in all: over an hour at 60 a second. */
export const mostUnseen = 300_000;
/** Rates of cameras and tools; one within the times' resolution is meant. */
const usualRates = [24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 90, 100, 120, 240];

/**
 * Frames by their times: the spacing of most neighbours is a frame, a multiple of it a hole. A time that lies unevenly
 * goes to the nearest frame that is free. Whole times that count 0, 1, 2 without a unit are frame numbers.
 */
export function placeByTime(where: string, times: FrameTimes): FrameOrder {
  const { values } = times;
  const sorted = values.map((value, index) => ({ value, index })).sort((a, b) => a.value - b.value);
  const steps = sorted.slice(1).map(({ value }, at) => value - sorted[at].value);
  const spacing = spacingOf(steps);
  const counts = times.unit === undefined && spacing === 1 && values.every((value) => Number.isInteger(value));
  const last = sorted[sorted.length - 1].value;
  if (!((last - sorted[0].value) / spacing <= values.length + mostUnseen)) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected times of one video, got ${values.length} from ${sorted[0].value} to ${last}, most of them ${spacing} apart.`,
    );
  }
  const frameOf = new Array<number>(values.length);
  let [frame, most] = [-1, 0];
  for (const { value, index } of sorted) {
    const exact = (value - sorted[0].value) / spacing;
    frame = Math.max(Math.round(exact), frame + 1);
    most = Math.max(most, Math.abs(frame - exact));
    frameOf[index] = frame;
  }
  const frames = frame + 1;
  const names = new Array<string>(frames);
  for (const [index, at] of frameOf.entries()) names[at] = String(values[index]);
  for (let at = 0; at < frames; at++) names[at] ??= String(Number((sorted[0].value + at * spacing).toPrecision(12)));
  const order: FrameOrder = { frameOf, frames, names, notices: [] };
  if (values.length < 2 || counts) return order;
  const unit = times.unit ?? unitOf(spacing);
  const fps = usualRate(1 / (spacing * secondsIn[unit]), resolutionOf(values) / (spacing * Math.max(1, frames - 1)));
  order.notices.push(`Frames by their times in ${unit}: ${Number(fps.toFixed(3))} frames a second.`);
  if (most > 0.75) {
    order.notices.push(`The times are uneven: the farthest lies ${most.toFixed(1)} frames from where it was put.`);
  }
  return { ...order, fps };
}

/** Frames a second where images have numbers and times; undefined where the times do not tell. */
export function rateOf(frameOf: readonly number[], { values, unit }: FrameTimes): number | undefined {
  let [low, high] = [0, 0];
  for (const [index, frame] of frameOf.entries()) {
    if (frame < frameOf[low]) low = index;
    if (frame > frameOf[high]) high = index;
  }
  const count = frameOf[high] - frameOf[low];
  const spacing = (values[high] - values[low]) / count;
  if (!(count > 0 && spacing > 0)) return undefined;
  return usualRate(1 / (spacing * secondsIn[unit ?? unitOf(spacing)]), resolutionOf(values) / (spacing * count));
}

/** A frame in the times' unit: the median step, then the mean of all that are one, then the mean over holes too. */
function spacingOf(steps: readonly number[]): number {
  const positive = steps.filter((step) => step > 0).sort((a, b) => a - b);
  if (positive.length === 0) return 1;
  const median = positive[Math.floor((positive.length - 1) / 2)];
  const single = positive.filter((step) => step > 0.5 * median && step < 1.5 * median);
  const mean = single.reduce((sum, step) => sum + step, 0) / single.length;
  const counted = positive.reduce((sum, step) => sum + Math.round(step / mean), 0);
  const refined = positive.reduce((sum, step) => sum + step, 0) / counted;
  return Math.abs(refined / mean - 1) < 0.05 ? refined : mean;
}

/** The unit in which a frame lasts between a millisecond and a second. */
function unitOf(spacing: number): keyof typeof secondsIn {
  if (spacing < 1) return 's';
  if (spacing < 1e3) return 'ms';
  return spacing < 1e6 ? 'us' : 'ns';
}

/** The finest digit in which times are written. */
function resolutionOf(values: readonly number[]): number {
  const digits = values.reduce(
    (most, value) => Math.max(most, (/\.(\d+)$/.exec(String(value)) ?? ['', ''])[1].length),
    0,
  );
  return 10 ** -digits;
}

/** A usual rate that lies within `error` (a share) of what was found, else that. */
function usualRate(rate: number, error: number): number {
  const near = usualRates.map((usual) => ({ usual, off: Math.abs(rate / usual - 1) })).sort((a, b) => a.off - b.off)[0];
  return near.off <= Math.max(error, 1e-5) ? near.usual : rate;
}
