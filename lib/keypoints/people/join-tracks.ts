import { PoseError } from '../../base/pose-error.js';
import type { PoseLikeness } from './pose-likeness.js';

/** One person's detections: indices into the file's list, in the order of their frames. */
export interface Track {
  /** The tracker's name, or the number that linking gave. */
  id: string;
  /** false: linking gave the id, the file has none. */
  named: boolean;
  detections: number[];
}

/** Joins of one person's tracks, from what is measured at the seam. */
export const joinLimits = {
  /** Longest time between the tracks, seconds. */
  gap: 1,
  /** Largest ratio of the diagonals of the boxes, over `about` detections on each side. */
  size: 1.25,
  about: 5,
  /** Largest mean distance of the joints from where each side leads, in diagonals: at once, and more for each frame between. */
  place: 0.15,
  placePerFrame: 0.01,
  /** Largest difference of the speeds across the image, diagonals a second; looked at where `sure` frames or more lie between. */
  speed: 0.5,
  sure: 3,
  /** A rival for either side must be this many times as far off. */
  clearly: 2,
} as const;

/** How {@link joinBroken} sees the detections. */
export interface SeamView {
  likeness: PoseLikeness;
  frameOf: (detection: number) => number;
  /** Frames a second; 30 where it is unknown. */
  fps: number;
}

/**
 * Joins a track that ends to the one that goes on where it left off, within {@link joinLimits}: the ids of a tracker change
 * in mid-video. Nothing is joined where another track fits either side nearly as well. Returns the tracks, the
 * earlier one's id on each, and a sentence for each join.
 */
export function joinBroken(tracks: readonly Track[], view: SeamView): { tracks: Track[]; notices: string[] } {
  const left = new Set(tracks);
  const notices: string[] = [];
  const starts = new Map(tracks.map((track) => [track, view.frameOf(track.detections[0])]));
  const ends = new Map(tracks.map((track) => [track, view.frameOf(track.detections[track.detections.length - 1])]));
  const longest = joinLimits.gap * view.fps;
  const byStart = [...tracks].sort((a, b) => starts.get(a)! - starts.get(b)!);
  const byEnd = [...tracks].sort((a, b) => ends.get(a)! - ends.get(b)!);
  // The tracks that end within reach of each start: a window that moves along.
  const seams: Seam[] = [];
  let first = 0;
  for (const after of byStart) {
    const start = starts.get(after)!;
    while (first < byEnd.length && start - ends.get(byEnd[first])! - 1 > longest) first++;
    for (let at = first; at < byEnd.length && ends.get(byEnd[at])! < start; at++) {
      const off = distanceAt(byEnd[at], after, view);
      if (off !== undefined) seams.push({ before: byEnd[at], after, off });
    }
  }
  // In the order of their starts, so that a chain of three becomes one.
  const become = new Map<Track, Track>();
  for (const seam of seams) {
    const { before, after } = seam;
    const rivals = seams.filter((other) => other !== seam && (other.before === before || other.after === after));
    if (rivals.some(({ off }) => off < joinLimits.clearly * seam.off)) continue;
    const whole = become.get(before) ?? before;
    const gap = starts.get(after)! - ends.get(before)! - 1;
    notices.push(
      `Track ${after.id} goes on where track ${before.id} ends (${gap === 0 ? 'in the next frame' : `${frameCount(gap)} later`}): joined as ${whole.id}.`,
    );
    for (const index of after.detections) whole.detections.push(index);
    become.set(after, whole);
    left.delete(after);
  }
  return { tracks: [...left], notices };
}

interface Seam {
  before: Track;
  after: Track;
  /** Mean distance of the joints from where the speeds on both sides lead, pixels. */
  off: number;
}

/** How far a track begins from where another ends; undefined where it is beyond {@link joinLimits}. */
function distanceAt(before: Track, after: Track, { likeness, frameOf, fps }: SeamView): number | undefined {
  const [last, first] = [before.detections[before.detections.length - 1], after.detections[0]];
  const elapsed = frameOf(first) - frameOf(last);
  const [sizeBefore, sizeAfter] = [
    medianDiagonal(before.detections.slice(-joinLimits.about), likeness),
    medianDiagonal(after.detections.slice(0, joinLimits.about), likeness),
  ];
  const size = Math.max(sizeBefore, sizeAfter);
  if (!(size <= joinLimits.size * Math.min(sizeBefore, sizeAfter))) return undefined;
  const speeds = [
    speedOf(before.detections.slice(-2 * joinLimits.about), likeness, frameOf),
    speedOf(after.detections.slice(0, 2 * joinLimits.about), likeness, frameOf),
  ];
  const reach = size * (joinLimits.place + joinLimits.placePerFrame * (elapsed - 1));
  const off = speeds.map(([x, y]) => likeness.distance(last, first, [x * elapsed, y * elapsed]));
  const turn = (Math.abs(speeds[0][0] - speeds[1][0]) * fps) / size;
  if (off[0] > reach || off[1] > reach || (elapsed > joinLimits.sure && turn > joinLimits.speed)) return undefined;
  return Math.max(off[0], off[1]);
}

function medianDiagonal(detections: readonly number[], likeness: PoseLikeness): number {
  const sorted = detections.map((index) => likeness.diagonal(index)).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Pixels a frame from the first of some detections to the last; 0 for one. */
function speedOf(
  detections: readonly number[],
  likeness: PoseLikeness,
  frameOf: SeamView['frameOf'],
): readonly [number, number] {
  const [first, last] = [detections[0], detections[detections.length - 1]];
  const elapsed = frameOf(last) - frameOf(first);
  const [x, y] = (elapsed > 0 ? likeness.moved(first, last) : undefined) ?? [0, 0];
  return elapsed > 0 ? [x / elapsed, y / elapsed] : [0, 0];
}

/**
 * Joins tracks as the caller says: `{ '3': ['7', '9'] }` makes 7 and 9 parts of 3. Throws `ERR_ARGUMENT` for an id that no
 * track has, one that is merged twice, and frames that two of them hold.
 */
export function mergeTracks(
  where: string,
  tracks: readonly Track[],
  merges: Readonly<Record<string, readonly string[]>>,
  frameOf: SeamView['frameOf'],
): { tracks: Track[]; notices: string[] } {
  const byId = new Map(tracks.map((track) => [track.id, track]));
  const refuse = (text: string) => new PoseError('ERR_ARGUMENT', `${where}: option mergeIds: ${text}`);
  const known = tracks.slice(0, 40).map(({ id }) => id);
  const trackOf = (id: string) => {
    const track = byId.get(id);
    if (!track) throw refuse(`expected ids of the file (${known.join(', ')}), got ${id}.`);
    return track;
  };
  const gone = new Set<Track>();
  const notices: string[] = [];
  for (const [id, others] of Object.entries(merges)) {
    const whole = trackOf(id);
    const frames = new Set(whole.detections.map(frameOf));
    for (const other of others) {
      const part = trackOf(other);
      if (part === whole || gone.has(part) || gone.has(whole))
        throw refuse(`expected each id once, got ${other} again.`);
      const both = part.detections.map(frameOf).filter((frame) => frames.has(frame));
      if (both.length > 0) {
        throw refuse(
          `${id} and ${other} are both there in ${frameCount(both.length)} (the first is ${both[0]}): they are two people.`,
        );
      }
      for (const index of part.detections) {
        whole.detections.push(index);
        frames.add(frameOf(index));
      }
      gone.add(part);
    }
    whole.detections.sort((a, b) => frameOf(a) - frameOf(b));
    notices.push(`Merged as asked: ${others.join(', ')} into ${id}.`);
  }
  return { tracks: tracks.filter((track) => !gone.has(track)), notices };
}

function frameCount(frames: number): string {
  return frames === 1 ? '1 frame' : `${frames} frames`;
}
