import { PoseError } from '../../base/pose-error.js';
import { skeletonByName } from '../../skeletons/skeletons.js';

/** COCO's constants: how far annotators differ on a joint, as a share of the person's size. */
const sigmas: Readonly<Record<string, number>> = {
  nose: 0.026,
  eye: 0.025,
  ear: 0.035,
  shoulder: 0.079,
  elbow: 0.072,
  wrist: 0.062,
  hip: 0.107,
  knee: 0.087,
  ankle: 0.089,
};
/** For joints that COCO does not have. */
const otherSigma = 0.08;

/** Two detections of one image are one body where the joints that both have are as alike as this (OKS) ... */
const sameBodyOks = 0.85;
/** ... or their boxes overlap by this much (intersection over union). */
const sameBodyOverlap = 0.9;

/** Two detections are halves of one body where they share no more of the smaller one's joints than this ... */
const halvesShare = 0.25;
/** ... and these lie no farther apart than this share of the larger one's size. */
const halvesApart = 0.1;
/** Of a joint that both have, one counts alone that is so many times as sure: the other is a stray point. */
const muchSurer = 3;

type Shift = readonly [x: number, y: number];

/** Compares detections (D, J, 3) of x, y and confidence, by joints (OKS) and by boxes. */
export class PoseLikeness {
  readonly #points: Float32Array;
  readonly #joints: number;
  /** (J): twice COCO's sigma. */
  readonly #tolerance: Float64Array;
  /** (D, 4): left, top, right and bottom of the joints that were found; NaN where there is none. */
  readonly #boxes: Float64Array;

  /** Throws `ERR_ARGUMENT` where the layout has another number of joints. */
  constructor(points: Float32Array, joints: number, layout: string | undefined) {
    this.#points = points;
    this.#joints = joints;
    this.#tolerance = tolerances(joints, layout);
    this.#boxes = new Float64Array((points.length / joints / 3) * 4);
    for (let index = 0; index < points.length / joints / 3; index++) this.#boxes.set(this.#boxOf(index), index * 4);
  }

  /** Object keypoint similarity of `a`, moved by `shift`, to `b`: 0 to 1, over the joints that both have. */
  oks(a: number, b: number, [x, y]: Shift = [0, 0], slack = 1): number {
    const area = Math.max(this.diagonal(a), this.diagonal(b)) ** 2 / 4 || 1;
    let sum = 0;
    let shared = 0;
    this.#eachShared(a, b, (from, to, joint) => {
      const squared =
        (this.#points[from] + x - this.#points[to]) ** 2 + (this.#points[from + 1] + y - this.#points[to + 1]) ** 2;
      shared++;
      sum += squared === 0 ? 1 : Math.exp(-squared / (2 * area * this.#tolerance[joint] ** 2 * slack));
    });
    return shared === 0 ? 0 : sum / shared;
  }

  /** Intersection over union of the box of `a`, moved by `shift`, and that of `b`; 0 without boxes. */
  overlap(a: number, b: number, [x, y]: Shift = [0, 0]): number {
    const [left, top, right, bottom] = this.#boxes.subarray(a * 4, a * 4 + 4);
    const [otherLeft, otherTop, otherRight, otherBottom] = this.#boxes.subarray(b * 4, b * 4 + 4);
    const width = Math.min(right + x, otherRight) - Math.max(left + x, otherLeft);
    const height = Math.min(bottom + y, otherBottom) - Math.max(top + y, otherTop);
    if (!(width > 0 && height > 0)) return 0;
    const union = (right - left) * (bottom - top) + (otherRight - otherLeft) * (otherBottom - otherTop);
    return (width * height) / (union - width * height);
  }

  /** Mean distance in pixels of the joints that both have, `a` moved by `shift`; infinite where they share none. */
  distance(a: number, b: number, [x, y]: Shift = [0, 0]): number {
    let [sum, shared] = [0, 0];
    this.#eachShared(a, b, (from, to) => {
      shared++;
      sum += Math.hypot(this.#points[from] + x - this.#points[to], this.#points[from + 1] + y - this.#points[to + 1]);
    });
    return shared === 0 ? Number.POSITIVE_INFINITY : sum / shared;
  }

  /** How far the joints that both have moved from `a` to `b` on average; undefined where they share none. */
  moved(a: number, b: number): Shift | undefined {
    let [x, y, shared] = [0, 0, 0];
    this.#eachShared(a, b, (from, to) => {
      shared++;
      x += this.#points[to] - this.#points[from];
      y += this.#points[to + 1] - this.#points[from + 1];
    });
    return shared === 0 ? undefined : [x / shared, y / shared];
  }

  /** Whether two detections of one image are the same body: {@link sameBodyOks}, {@link sameBodyOverlap}. */
  sameBody(a: number, b: number): boolean {
    let shared = 0;
    this.#eachShared(a, b, () => {
      shared++;
    });
    const least = Math.min(this.known(a), this.known(b));
    return (2 * shared >= least && this.oks(a, b) >= sameBodyOks) || this.overlap(a, b) >= sameBodyOverlap;
  }

  /** Whether two detections of one image complement each other: {@link halvesShare}, {@link halvesApart}, {@link muchSurer}. */
  areHalves(a: number, b: number): boolean {
    const least = Math.min(this.known(a), this.known(b));
    const near = halvesApart * Math.max(this.diagonal(a), this.diagonal(b));
    let [shared, far] = [0, 0];
    this.#eachShared(a, b, (from, to) => {
      const [one, other] = [this.#points[from + 2], this.#points[to + 2]];
      if (one > muchSurer * other || other > muchSurer * one) return;
      shared++;
      if (Math.hypot(this.#points[from] - this.#points[to], this.#points[from + 1] - this.#points[to + 1]) > near)
        far++;
    });
    return shared <= halvesShare * least && far === 0;
  }

  /** The share of the joints of `a` that `b` has too. */
  sharedBy(a: number, b: number): number {
    let shared = 0;
    this.#eachShared(a, b, () => {
      shared++;
    });
    return shared / Math.max(this.known(a), 1);
  }

  /** Diagonal of the box about the joints that were found, pixels: an area by its product fails for who lies flat. */
  diagonal(index: number): number {
    const [left, top, right, bottom] = this.#boxes.subarray(index * 4, index * 4 + 4);
    return right >= left ? Math.hypot(right - left, bottom - top) : 0;
  }

  /** How many joints were found. */
  known(index: number): number {
    let count = 0;
    for (let joint = 0; joint < this.#joints; joint++) if (this.#isKnown(this.#at(index, joint))) count++;
    return count;
  }

  /** Sum of the confidences: how much of a person a detection is. */
  quality(index: number): number {
    let sum = 0;
    for (let joint = 0; joint < this.#joints; joint++) {
      const at = this.#at(index, joint);
      if (this.#isKnown(at)) sum += this.#points[at + 2];
    }
    return sum;
  }

  #at(index: number, joint: number): number {
    return (index * this.#joints + joint) * 3;
  }

  #isKnown(at: number): boolean {
    return this.#points[at + 2] > 0 && Number.isFinite(this.#points[at] + this.#points[at + 1]);
  }

  #eachShared(a: number, b: number, visit: (from: number, to: number, joint: number) => void): void {
    for (let joint = 0; joint < this.#joints; joint++) {
      const [from, to] = [this.#at(a, joint), this.#at(b, joint)];
      if (this.#isKnown(from) && this.#isKnown(to)) visit(from, to, joint);
    }
  }

  #boxOf(index: number): readonly number[] {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let joint = 0; joint < this.#joints; joint++) {
      const at = this.#at(index, joint);
      if (!this.#isKnown(at)) continue;
      const [x, y] = [this.#points[at], this.#points[at + 1]];
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
    }
    return right >= left ? [left, top, right, bottom] : [Number.NaN, Number.NaN, Number.NaN, Number.NaN];
  }
}

function tolerances(joints: number, layout: string | undefined): Float64Array {
  const names = layout === undefined ? undefined : skeletonByName(layout).joints;
  if (names && names.length !== joints) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `trackPeople: option layout: ${layout} has ${names.length} joints, the points ${joints}.`,
    );
  }
  return Float64Array.from({ length: joints }, (_, joint) => {
    const name = names?.[joint].replace(/^(left|right) /, '') ?? '';
    return 2 * (sigmas[name] ?? otherSigma);
  });
}
