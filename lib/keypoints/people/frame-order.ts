/** The frames of a video as the image names of a file tell them. */
export interface FrameOrder {
  /** Frame of each image, by its place in the list that was given. */
  frameOf: number[];
  frames: number;
  /** (T), names; a frame without an image has the number that it would have. */
  names: string[];
  notices: string[];
}

/**
 * Puts images in order by the last number in their names ("12.jpg", "walk_000012.png", 12). Where the numbers leave
 * gaps, the missing images become frames too, as long as they are not the majority: then the numbers are no frame count
 * (photographs of a data set) and the images follow each other. `ids` are distinct and at least one.
 */
export function orderFrames(ids: readonly (string | number)[]): FrameOrder {
  const numbers = ids.map(numberIn);
  if (numbers.some((number) => number === undefined) || new Set(numbers).size !== ids.length) {
    const notices = ids.length > 1 ? ['The image names do not number the frames: taken in the order of the file.'] : [];
    return { frameOf: ids.map((_, index) => index), frames: ids.length, names: ids.map(String), notices };
  }
  const sorted = (numbers as number[]).map((number, index) => ({ number, index }));
  sorted.sort((a, b) => a.number - b.number);
  const first = sorted[0].number;
  const step = sorted.reduce((divisor, { number }) => greatestCommonDivisor(divisor, number - first), 0) || 1;
  const span = (sorted[sorted.length - 1].number - first) / step + 1;
  const frameOf = new Array<number>(ids.length);
  if (span > 2 * ids.length) {
    const names = sorted.map(({ index }) => String(ids[index]));
    for (const [frame, { index }] of sorted.entries()) frameOf[index] = frame;
    const notices = ['Most numbers between the image names are missing: taken as frames that follow each other.'];
    return { frameOf, frames: ids.length, names, notices };
  }
  const names = Array.from({ length: span }, (_, frame) => String(first + frame * step));
  for (const { number, index } of sorted) {
    frameOf[index] = (number - first) / step;
    names[frameOf[index]] = String(ids[index]);
  }
  const notices = step > 1 ? [`The image numbers go in steps of ${step}: the frame rate is that of the images.`] : [];
  return { frameOf, frames: span, names, notices };
}

function numberIn(id: string | number): number | undefined {
  if (typeof id === 'number') return Number.isSafeInteger(id) ? id : undefined;
  const stem = id.replace(/^.*[\\/]/, '').replace(/\.[A-Za-z]\w{0,4}$/, '');
  const digits = /(\d{1,15})\D*$/.exec(stem);
  return digits ? Number(digits[1]) : undefined;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
