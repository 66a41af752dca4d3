import { TENSOR } from '../../base/argument-kinds.js';
import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { type Tensor, tensor } from '../../base/tensor.js';
import { cheapestAssignment } from './assignment.js';
import { halfLike, halfShared, joinFirstHalves } from './first-halves.js';
import { PoseLikeness } from './pose-likeness.js';

/** More people than this in one frame are refused: linking them takes time with the cube of their number. */
const mostPeople = 256;
/** Share of a new speed in the one that is remembered: walking is steady, detections shake. */
const speedShare = 0.3;
/** What remains of a speed after each frame in which nobody was seen. */
const speedDamping = 0.97;
/** What a link to somebody lost costs more, so that one seen a frame ago wins: at once, and for each frame lost. */
const lostCost = [0.2, 0.01] as const;
/** A link is allowed where the mean of object keypoint similarity and overlap of the boxes is this. */
const likeEnough = 0.3;
/** A detection with this share of the joints of the last whole one is whole. */
const wholeShare = 0.8;
/** Frames that a person may be missing. */
const defaultGap = 30;
/** The cost of no link. */
const far = 10;

export interface TrackPeopleOptions {
  /** Layout of the joints, for the tolerance of each; default: one tolerance for all. */
  layout?: string;
  /**
   * Least object keypoint similarity (0 to 1) of a link, unless its mean with the overlap of the boxes is 0.3; default 0.2.
   */
  minSimilarity?: number;
  /** How many frames a person may be missing and still be the same; default 30. */
  maxGap?: number;
  /** (D): a tracker's name for the person of each detection, undefined where it has none. */
  ids?: readonly (string | undefined)[];
}

const knownOptions = new Set(['layout', 'minSimilarity', 'maxGap', 'ids']);

/** A person as linking follows one. */
interface Followed {
  person: number;
  name: string | undefined;
  /** The detection seen last, and its frame. */
  last: number;
  frame: number;
  /** Pixels a frame. */
  speed: readonly [number, number];
  /** The last detection that was no half of a body, and its frame. */
  whole: number;
  wholeFrame: number;
}

/**
 * Links detections into people: from frame to frame, the assignment (Hungarian method) that is likest in sum to where each
 * person would be by now at a constant speed. Likeness is the mean of object keypoint similarity and the overlap of the
 * boxes. A person who is missing for up to `maxGap` frames may come back; one seen a frame ago comes first.
 *
 * `points` (D, J, 3): x, y, confidence of each detection, in pixels; `frames` (D): the frame of each, in any order.
 * Detections with a name in `ids` go to the person of that name. Of several with one name in a frame, the likest does, and
 * the others count as nameless; a nameless one is placed by its pose.
 *
 * Returns (D) the person of each detection, numbered from 0 by first appearance (within a frame, by place in the list), or
 * -1 where it is a second detection of a body that is there already. Two of one frame have one person where they are halves of
 * a body that was whole before, or is thereafter. Throws `ERR_ARGUMENT` for shapes that disagree,
 * `ERR_LIMIT` for more than 256 people in a frame.
 */
export function trackPeople(points: Tensor, frames: ArrayLike<number>, options: TrackPeopleOptions = {}): Int32Array {
  checkArguments('trackPeople', { points, frames, options }, TENSOR, 'numbers', 'object?');
  const unknown = Object.keys(options).find((name) => !knownOptions.has(name));
  if (unknown !== undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `trackPeople: expected the options ${[...knownOptions].join(', ')}, got ${unknown}.`,
    );
  }
  const [detections, joints, channels] = tensor(points.data, points.shape).shape;
  const { ids } = options;
  if (points.shape.length !== 3 || channels !== 3 || frames.length !== detections) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `trackPeople: expected points (D, J, 3) and D frames, got (${points.shape.join(', ')}) and ${frames.length}.`,
    );
  }
  if (ids && ids.length !== detections) {
    throw new PoseError('ERR_ARGUMENT', `trackPeople: option ids: expected ${detections} names, got ${ids.length}.`);
  }
  const byFrame = new Map<number, number[]>();
  for (let index = 0; index < detections; index++) {
    const list = byFrame.get(frames[index]);
    if (list) list.push(index);
    else byFrame.set(frames[index], [index]);
  }
  const likeness = new PoseLikeness(points.data, joints, options.layout);
  const linker = new Linker(likeness, detections, options);
  for (const [frame, found] of [...byFrame].sort(([a], [b]) => a - b)) {
    if (found.length > mostPeople) {
      throw new PoseError(
        'ERR_LIMIT',
        `trackPeople: expected at most ${mostPeople} people a frame, got ${found.length}.`,
      );
    }
    linker.take(frame, found);
  }
  const isNamed = (index: number) => ids?.[index] !== undefined;
  const { people } = linker;
  joinFirstHalves({ people, byFrame, frames, likeness, maxGap: options.maxGap ?? defaultGap, isNamed });
  return people;
}

class Linker {
  readonly people: Int32Array;
  readonly #likeness: PoseLikeness;
  readonly #ids: readonly (string | undefined)[];
  readonly #minSimilarity: number;
  readonly #maxGap: number;
  /** Those who may still come back. */
  #open: Followed[] = [];
  readonly #named = new Map<string, Followed>();
  #count = 0;

  constructor(
    likeness: PoseLikeness,
    detections: number,
    { minSimilarity = 0.2, maxGap = defaultGap, ids = [] }: TrackPeopleOptions,
  ) {
    this.#likeness = likeness;
    this.people = new Int32Array(detections).fill(-1);
    this.#ids = ids;
    this.#minSimilarity = minSimilarity;
    this.#maxGap = maxGap;
  }

  /** Links a frame's detections. */
  take(frame: number, found: readonly number[]): void {
    const taken = new Set<Followed>();
    const nameOf = this.#namesIn(frame, found);
    const rest: number[] = [];
    for (const index of found) {
      const followed = this.#named.get(nameOf.get(index) ?? '');
      if (followed) {
        this.#see(followed, frame, index);
        taken.add(followed);
      } else rest.push(index);
    }
    // The latest seen first, so that a crowd of short tracks cannot make the matrix large.
    this.#open = this.#open.filter((one) => frame - one.frame - 1 <= this.#maxGap);
    const open = this.#open.filter((one) => !taken.has(one)).sort((a, b) => b.frame - a.frame);
    const left = this.#assign(frame, open.slice(0, mostPeople), rest, nameOf);
    const there = found.filter((index) => this.people[index] >= 0);
    const isNew = new Set<number>();
    for (const index of [...left].sort((a, b) => this.#likeness.quality(b) - this.#likeness.quality(a))) {
      if (!nameOf.has(index) && there.some((other) => this.#likeness.sameBody(index, other))) continue;
      const other = nameOf.has(index) ? undefined : there.find((one) => this.#completes(frame, index, one));
      if (other !== undefined) {
        this.people[index] = this.people[other];
        continue;
      }
      there.push(index);
      isNew.add(index);
    }
    for (const index of left) if (isNew.has(index)) this.#begin(frame, index, nameOf.get(index));
  }

  /** The names of a frame's detections; of several with one name, the likest to where its person would be keeps it. */
  #namesIn(frame: number, found: readonly number[]): Map<number, string> {
    const holder = new Map<string, number>();
    for (const index of found) {
      const name = this.#ids[index];
      if (name === undefined) continue;
      const other = holder.get(name);
      const followed = this.#named.get(name);
      const better = (a: number, b: number) =>
        followed
          ? this.#meanLikeness(followed, frame, a) > this.#meanLikeness(followed, frame, b)
          : this.#likeness.quality(a) > this.#likeness.quality(b);
      if (other === undefined || better(index, other)) holder.set(name, index);
    }
    return new Map([...holder].map(([name, index]) => [index, name]));
  }

  /** Gives detections to people; returns those that are nobody's. */
  #assign(
    frame: number,
    open: readonly Followed[],
    found: readonly number[],
    nameOf: ReadonlyMap<number, string>,
  ): number[] {
    const costs = Float64Array.from({ length: open.length * found.length }, (_, at) => {
      const [followed, index] = [open[Math.floor(at / found.length)], found[at % found.length]];
      // Two names are two people; a person without one may turn out to be a named one.
      if (followed.name !== undefined && nameOf.has(index)) return far;
      const lost = frame - followed.frame - 1;
      const { oks, overlap } = this.#likenessTo(followed, frame, index, 1 + lost);
      if (oks < this.#minSimilarity && (oks + overlap) / 2 < likeEnough) return far;
      const late = lost > 0 ? lostCost[0] + lostCost[1] * lost : 0;
      return 1 - this.#meanLikeness(followed, frame, index) + late;
    });
    const left = new Set(found);
    for (const [row, column] of cheapestAssignment(costs, open.length, found.length).entries()) {
      if (column < 0 || costs[row * found.length + column] === far) continue;
      const index = found[column];
      this.#see(open[row], frame, index);
      this.#call(open[row], nameOf.get(index));
      left.delete(index);
    }
    return [...left];
  }

  /** Whether a detection is the rest of a body of which the same frame shows the half `other`, as the person was before. */
  #completes(frame: number, index: number, other: number): boolean {
    const followed = this.#open.find(({ last }) => last === other);
    if (followed === undefined || followed.whole === other || !this.#likeness.areHalves(index, other)) return false;
    const elapsed = frame - followed.wholeFrame;
    const shift = this.#shiftAfter(followed, elapsed);
    return [index, other].every(
      (half) =>
        this.#likeness.sharedBy(half, followed.whole) >= halfShared &&
        this.#likeness.oks(followed.whole, half, shift, elapsed) >= halfLike,
    );
  }

  #shiftAfter({ speed }: Followed, elapsed: number): readonly [number, number] {
    const steps = (1 - speedDamping ** elapsed) / (1 - speedDamping);
    return [speed[0] * steps, speed[1] * steps];
  }

  /** How like a detection is to a person who went on as before. */
  #likenessTo(followed: Followed, frame: number, index: number, slack = 1): { oks: number; overlap: number } {
    const shift = this.#shiftAfter(followed, frame - followed.frame);
    const { last } = followed;
    return {
      oks: this.#likeness.oks(last, index, shift, slack),
      overlap: this.#likeness.overlap(last, index, shift),
    };
  }

  #meanLikeness(followed: Followed, frame: number, index: number): number {
    const { oks, overlap } = this.#likenessTo(followed, frame, index);
    return (oks + overlap) / 2;
  }

  #see(followed: Followed, frame: number, index: number): void {
    const step = this.#likeness.moved(followed.last, index) ?? [0, 0];
    const elapsed = frame - followed.frame;
    const [x, y] = followed.speed;
    followed.speed = [x + speedShare * (step[0] / elapsed - x), y + speedShare * (step[1] / elapsed - y)];
    followed.last = index;
    followed.frame = frame;
    const most = this.#likeness.known(followed.whole);
    if (this.#likeness.known(index) >= wholeShare * most || frame - followed.wholeFrame > this.#maxGap) {
      followed.whole = index;
      followed.wholeFrame = frame;
    }
    this.people[index] = followed.person;
    if (!this.#open.includes(followed)) this.#open.push(followed);
  }

  #begin(frame: number, index: number, name: string | undefined): void {
    const followed: Followed = {
      ...{ person: this.#count++, name: undefined, last: index, frame, speed: [0, 0] },
      ...{ whole: index, wholeFrame: frame },
    };
    this.people[index] = followed.person;
    this.#open.push(followed);
    this.#call(followed, name);
  }

  #call(followed: Followed, name: string | undefined): void {
    if (name === undefined) return;
    followed.name = name;
    this.#named.set(name, followed);
  }
}
