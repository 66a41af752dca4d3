import { largest } from '../base/lists.js';
/** Where the frames of several clips lie on one timeline. */
export interface Alignment {
  frames: number;
  /** For each clip, the frame of the timeline of each of its frames. */
  frameOf: number[][];
  /** (T), the name of each frame; empty where no clip has it. */
  names: string[];
}

/**
 * Lays clips on one timeline by the last number in their frames' names ("12.jpg", "walk_000012_keypoints", "12"), so that
 * people and parts of one video keep step. Clips without such names, or whose numbers lie far apart, begin together.
 */
export function alignFrames(clips: readonly { frames: number; names?: readonly string[] | undefined }[]): Alignment {
  const longest = largest(clips.map(({ frames }) => frames));
  const together: Alignment = {
    frames: longest,
    frameOf: clips.map(({ frames }) => Array.from({ length: frames }, (_, frame) => frame)),
    names: [...(clips.find(({ frames, names }) => frames === longest && names)?.names ?? [])],
  };
  const numbers = clips.map(({ names }) => names && increasing(names));
  if (!numbers.every((list) => list !== undefined)) return together;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const list of numbers) {
    first = Math.min(first, list[0]);
    last = Math.max(last, list[list.length - 1]);
  }
  let step = 0;
  for (const list of numbers) for (const number of list) step = greatestCommonDivisor(number - first, step);
  const frames = (last - first) / (step || 1) + 1;
  const all = clips.reduce((sum, clip) => sum + clip.frames, 0);
  if (frames > 4 * all) return together;
  const frameOf = numbers.map((list) => list.map((number) => (number - first) / (step || 1)));
  const names = new Array<string>(frames).fill('');
  for (const [clip, places] of frameOf.entries()) {
    for (const [index, place] of places.entries()) names[place] ||= clips[clip].names![index];
  }
  return { frames, frameOf, names };
}

/** The last numbers of names, where each has one and they increase. */
function increasing(names: readonly string[]): number[] | undefined {
  let last = Number.NEGATIVE_INFINITY;
  const numbers: number[] = [];
  for (const name of names) {
    const digits = /(\d{1,15})\D*$/.exec(name.replace(/\.[A-Za-z]\w{0,4}$/, ''));
    const number = digits ? Number(digits[1]) : Number.NaN;
    if (!(number > last)) return undefined;
    numbers.push(number);
    last = number;
  }
  return numbers.length > 0 ? numbers : undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
