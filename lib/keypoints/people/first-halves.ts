import type { PoseLikeness } from './pose-likeness.js';

/** Half a body belongs to a whole one that has this share of its joints, as alike (OKS) as that where they would be by now. */
export const halfShared = 0.75;
export const halfLike = 0.5;

/** Linked detections, to be looked at once more. */
export interface Linked {
  /** (D): the person of each detection, or -1. */
  people: Int32Array;
  /** The detections of each frame. */
  byFrame: ReadonlyMap<number, readonly number[]>;
  frames: ArrayLike<number>;
  likeness: PoseLikeness;
  /** Frames after which the whole body must have come. */
  maxGap: number;
  isNamed: (index: number) => boolean;
}

/**
 * Gives the halves of a body in somebody's first frames, before the whole was seen, to one person. Who is there in some frames
 * alone, each time as the half that another lacks, is the other's where the other's next whole detection has both halves where
 * they were. Changes `people` in place; numbers stay in the order of first appearance.
 */
export function joinFirstHalves(linked: Linked): void {
  const { people, isNamed } = linked;
  const tracks: number[][] = [];
  for (const found of [...linked.byFrame].sort(([a], [b]) => a - b).map(([, list]) => list)) {
    for (const index of found) {
      const person = people[index];
      if (person < 0) continue;
      tracks[person] ??= [];
      tracks[person].push(index);
    }
  }
  const sameAs = tracks.map((_, person) => person);
  for (const [person, half] of tracks.entries()) {
    if (half.length > linked.maxGap || half.some(isNamed)) continue;
    const others = linked.byFrame.get(linked.frames[half[0]])!.map((index) => people[index]);
    const owner = others.find((other) => other >= 0 && other !== person && isHalfOf(half, tracks[other], linked));
    if (owner === undefined) continue;
    const [first, second] = [person, sameAs[owner]].sort((a, b) => a - b);
    for (const [at, same] of sameAs.entries()) if (same === second) sameAs[at] = first;
  }
  const numbers = new Map([...new Set(sameAs)].sort((a, b) => a - b).map((person, number) => [person, number]));
  for (const [index, person] of people.entries()) if (person >= 0) people[index] = numbers.get(sameAs[person])!;
}

function isHalfOf(half: readonly number[], track: readonly number[], linked: Linked): boolean {
  const { frames, likeness, maxGap } = linked;
  const placed = new Map(track.map((index) => [frames[index], index]));
  const pairs = half.map((index) => [index, placed.get(frames[index])] as const);
  if (!pairs.every(([index, other]) => other !== undefined && likeness.areHalves(index, other))) return false;
  const [last, other] = pairs[pairs.length - 1] as readonly [number, number];
  const whole = track.find(
    (index) =>
      frames[index] > frames[last] && [last, other].every((one) => likeness.sharedBy(one, index) >= halfShared),
  );
  if (whole === undefined || frames[whole] - frames[last] > maxGap) return false;
  const shift = likeness.moved(whole, other) ?? [0, 0];
  const elapsed = frames[whole] - frames[last];
  return [last, other].every((one) => likeness.oks(whole, one, shift, elapsed) >= halfLike);
}
