import { PoseError } from '../../base/pose-error.js';
import type { FrameTimes } from '../detections.js';
import { shown } from '../readers/json/json-value.js';
import { type FrameOrder, mostUnseen, placeByTime, rateOf } from './time-line.js';

export interface FrameOrderOptions {
  /** How messages name the file. */
  where?: string;
  times?: FrameTimes | undefined;
}

/** Images of which half are neighbours that prove their numbers to be a frame count. */
const leastInRuns = 4;

/**
 * Puts images in order by the numbers in their names ("12.jpg", "walk_000012.png", 12): the last number that differs
 * between all of them. Missing numbers become frames too where the numbers are a frame count: where at least half of the
 * numbers are there, or half of the numbers follow their neighbour. Others (photographs of a data set) follow each other.
 * Numbers at a constant step are every step-th frame. Where the file has times and no numbers, the times tell frames and
 * rate. `ids` are distinct and at least one. Throws `ERR_FORMAT` for images that cannot be placed among the others.
 */
export function orderFrames(
  ids: readonly (string | number)[],
  { where = 'the images', times }: FrameOrderOptions = {},
): FrameOrder {
  if (times && ids.every((id, index) => id === times.values[index])) return placeByTime(where, times);
  const numbers = numbersOf(where, ids);
  if (numbers === undefined) {
    const notices = ids.length > 1 ? ['The image names do not number the frames: taken in the order of the file.'] : [];
    return { frameOf: ids.map((_, index) => index), frames: ids.length, names: ids.map(String), notices };
  }
  const order = orderNumbers(where, ids, numbers);
  const fps = times && rateOf(order.frameOf, times);
  return fps === undefined ? order : { ...order, fps };
}

function orderNumbers(where: string, ids: readonly (string | number)[], numbers: readonly number[]): FrameOrder {
  const sorted = numbers.map((number, index) => ({ number, index })).sort((a, b) => a.number - b.number);
  const first = sorted[0].number;
  const step = sorted.reduce((divisor, { number }) => greatestCommonDivisor(divisor, number - first), 0) || 1;
  const span = (sorted[sorted.length - 1].number - first) / step + 1;
  const inRuns = sorted.filter(({ number }, at) => at > 0 && number - sorted[at - 1].number === step).length;
  const isCount = span <= 2 * ids.length || (ids.length >= leastInRuns && 2 * inRuns >= ids.length - 1);
  const frameOf = new Array<number>(ids.length);
  if (!isCount) {
    const names = sorted.map(({ index }) => String(ids[index]));
    for (const [frame, { index }] of sorted.entries()) frameOf[index] = frame;
    const notices = ['Most numbers between the image names are missing: taken as frames that follow each other.'];
    return { frameOf, frames: ids.length, names, notices };
  }
  if (span - ids.length > mostUnseen) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected frame numbers of one video, got ${first} to ${sorted[sorted.length - 1].number} of which ` +
        `${ids.length} are there.`,
    );
  }
  const names = Array.from({ length: span }, (_, frame) => String(first + frame * step));
  for (const { number, index } of sorted) {
    frameOf[index] = (number - first) / step;
    names[frameOf[index]] = String(ids[index]);
  }
  if (step === 1) return { frameOf, frames: span, names, notices: [] };
  const notices = [
    `The image numbers go in steps of ${step}: taken as every ${ordinal(step)} frame of the video, whose rate is ${step} times theirs.`,
  ];
  return { frameOf, frames: span, names, notices, step };
}

/**
 * The number of each image; undefined where no name has one. Of several in a name ("cam1_0012_v2"), the last that differs
 * between all images.
 */
function numbersOf(where: string, ids: readonly (string | number)[]): number[] | undefined {
  const groups = ids.map(numberGroups);
  const without = groups.findIndex((group) => group.length === 0);
  const withOne = groups.findIndex((group) => group.length > 0);
  if (withOne < 0) return undefined;
  if (without >= 0) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected a frame number in every image's name, as in ${shown(ids[withOne])}, got ${shown(ids[without])}.`,
    );
  }
  const shared = groups.reduce((least, group) => Math.min(least, group.length), Number.POSITIVE_INFINITY);
  for (let place = 0; place < shared; place++) {
    const numbers = groups.map((group) => group[place]);
    if (new Set(numbers).size === ids.length) return numbers;
  }
  const last = groups.map(([number]) => number);
  const again = last.findIndex((number, index) => last.indexOf(number) !== index);
  throw new PoseError(
    'ERR_FORMAT',
    `${where}: expected one image a frame, got ${shown(ids[last.indexOf(last[again])])} and ${shown(ids[again])}, both number ` +
      `${last[again]}: give each video's images by themselves.`,
  );
}

/** The numbers in an image's name, the last first; an ending such as ".mp4" is none. */
function numberGroups(id: string | number): number[] {
  const value = typeof id === 'number' ? id : /^\s*-?\d+(\.0*)?\s*$/.test(id) ? Number(id) : undefined;
  if (value !== undefined) return Number.isSafeInteger(value) ? [value] : [];
  const stem = String(id).replace(/\.[A-Za-z]\w{0,4}$/, '');
  return [...stem.matchAll(/\d{1,15}/g)].map(([digits]) => Number(digits)).reverse();
}

function ordinal(number: number): string {
  const ending = number % 100 >= 11 && number % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
  return `${number}${ending}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
