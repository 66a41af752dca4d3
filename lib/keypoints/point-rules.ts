import type { ReadKeypointsOptions } from './keypoint-track.js';

/** What is known of an image's coordinates. */
export interface ImageScale {
  width?: number | undefined;
  height?: number | undefined;
  /** true: fractions of the image; false: pixels; undefined: the values tell. */
  fractions?: boolean | undefined;
}

/** One person's points: J triples x, y, confidence. */
interface Points {
  triples: ArrayLike<number>;
}

/** Image sizes outside of the image beyond which a coordinate is no place. */
const mostOutside = 3;
/** More than this share of such points says that the size is another video's. */
const fewAbsurd = 0.2;
/** Fractions lie in the image and little about it; network units reach from -1 to 1. */
const fractionRange = { low: -0.5, high: 1.5 };
const fewOutliers = 0.01;
const fewNegative = 0.05;
/** Where a format's fractions are meant: most coordinates beyond this are pixels. */
const surelyPixels = 4;

/**
 * One meaning for the points of a file: which are unknown, what their confidences are worth, and whether coordinates are
 * fractions. Looks at all points first; `settle` then goes through them person by person and counts.
 */
export class PointRules {
  readonly fractions: boolean;
  private readonly halves: boolean;
  private readonly minConfidence: number;
  private readonly size: readonly number[] | undefined;
  private readonly saidFractions: boolean | undefined;
  private absurd = 0;
  private above = 0;
  private highest = 1;

  constructor(
    people: Iterable<Points>,
    { width, height, fractions }: ImageScale,
    { minConfidence = 0 }: ReadKeypointsOptions,
  ) {
    this.minConfidence = minConfidence;
    this.halves = areVisibilities(people);
    this.saidFractions = fractions;
    this.fractions = areFractions(people, fractions);
    const size = this.fractions ? [1, 1] : [width ?? 0, height ?? 0];
    this.size = size.every((length) => length > 0) && shareBeyond(people, size) <= fewAbsurd ? size : undefined;
  }

  /** Settles the triples of one person in place: an unknown point becomes NaN, NaN, 0. Gives whether one is known. */
  settle(triples: Float64Array): boolean {
    let some = false;
    for (let at = 0; at < triples.length; at += 3) {
      const [x, y, sure] = [triples[at], triples[at + 1], triples[at + 2]];
      const known = !isUnknown(x, y, sure) && !(sure * (this.halves ? 0.5 : 1) < this.minConfidence);
      const outside = known && this.size !== undefined && isBeyond(x, y, this.size);
      if (outside) this.absurd++;
      triples[at] = known && !outside ? x : Number.NaN;
      triples[at + 1] = known && !outside ? y : Number.NaN;
      triples[at + 2] = known && !outside ? this.confidence(sure) : 0;
      if (triples[at + 2] > 0) some = true;
    }
    return some;
  }

  /** Says what was changed, once for all people. */
  report(notices: string[]): void {
    if (this.fractions && this.saidFractions !== true) {
      notices.push('The coordinates are below 1.5: taken as fractions of the image.');
    }
    if (this.saidFractions === true && !this.fractions) {
      notices.push(`Most coordinates are above ${surelyPixels}: taken as pixels, not as fractions of the image.`);
    }
    if (this.halves) notices.push('The confidences are 0, 1 and 2 alone: taken as 0, 0.5 and 1.');
    if (this.above > 0) {
      const [count, are] = this.above === 1 ? ['1 confidence', 'is'] : [`${this.above} confidences`, 'are'];
      notices.push(`${count} above 1 (up to ${Number(this.highest.toPrecision(4))}) ${are} taken as 1.`);
    }
    if (this.absurd > 0) {
      const [count, verb] = this.absurd === 1 ? ['1 point', 'lies'] : [`${this.absurd} points`, 'lie'];
      notices.push(`${count} that ${verb} more than ${mostOutside} image sizes outside: taken as unknown.`);
    }
  }

  private confidence(sure: number): number {
    if (this.halves) return sure / 2;
    if (sure <= 1) return sure;
    this.above++;
    this.highest = Math.max(this.highest, sure);
    return 1;
  }
}

/** Whether a point was not found: no number, no confidence, or at (0, 0) or (-1, -1), where detectors put such points. */
function isUnknown(x: number, y: number, sure: number): boolean {
  if (!Number.isFinite(x) || !Number.isFinite(y) || !(sure > 0)) return true;
  return x === y && (x === 0 || x === -1);
}

/** Whether a point lies so far outside of the image that it is no place. */
function isBeyond(x: number, y: number, size: readonly number[]): boolean {
  return [x, y].some((value, axis) => value < -mostOutside * size[axis] || value > (1 + mostOutside) * size[axis]);
}

/** The share of points that lie so far outside. */
function shareBeyond(people: Iterable<Points>, size: readonly number[]): number {
  let [known, beyond] = [0, 0];
  for (const { triples } of people) {
    for (let at = 0; at < triples.length; at += 3) {
      const [x, y] = [triples[at], triples[at + 1]];
      if (isUnknown(x, y, triples[at + 2])) continue;
      known++;
      if (isBeyond(x, y, size)) beyond++;
    }
  }
  return known === 0 ? 0 : beyond / known;
}

/** Whether the third numbers are COCO's visibilities 0, 1 and 2, with a 2 somewhere. */
function areVisibilities(people: Iterable<Points>): boolean {
  let some = false;
  for (const { triples } of people) {
    for (let at = 2; at < triples.length; at += 3) {
      const value = triples[at];
      if (value === 2) some = true;
      else if (value !== 0 && value !== 1 && Number.isFinite(value)) return false;
    }
  }
  return some;
}

function areFractions(people: Iterable<Points>, stated: boolean | undefined): boolean {
  if (stated === false) return false;
  let [known, outliers, negative, large] = [0, 0, 0, 0];
  for (const { triples } of people) {
    for (let at = 0; at < triples.length; at += 3) {
      const [x, y] = [triples[at], triples[at + 1]];
      if (isUnknown(x, y, triples[at + 2])) continue;
      known++;
      const [low, high] = [Math.min(x, y), Math.max(x, y)];
      if (low < fractionRange.low || high > fractionRange.high) outliers++;
      if (low < 0) negative++;
      if (high > surelyPixels) large++;
    }
  }
  if (stated === true) return 2 * large <= known;
  return known > 0 && outliers <= fewOutliers * known && negative <= fewNegative * known;
}
