import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';

/** What {@link fillGaps} did. */
export interface FilledGaps {
  /** (T, J, 2), all finite. */
  keypoints: Float32Array;
  /**
   * (T): 0 where some joint of the frame was known, 1 in a gap of at most `maxGap` frames, 2 in a longer one, which was
   * bridged only so that all values are finite.
   */
  filled: Uint8Array;
  /** Single joints filled in frames that had others. */
  filledJoints: number;
  /** Joints that no frame knows; they were put at the middle of the frame's other joints. */
  neverSeen: number[];
}

/** Shorter gaps are bridged by a straight line: of so few frames, the speed beside them is mostly the detector's shaking. */
const shortestCurve = 6;
/** Frames beside a gap, the known one at its edge included, from which the speed there is taken; fewer than the least say nothing. */
const speedFrames = 6;
const leastFrames = 3;
/** What of that speed goes into the gap: people slow down more often than they go on. */
const keptSpeed = 0.7;
/** A speed beyond so many times the mean one of the gap would make the curve turn back. */
const steepest = 3;

export interface FillGapsOptions {
  /** (T, J): how sure the known points are; default: all alike. */
  confidence?: Float32Array;
  /** Longest run of frames without any joint that counts as a short gap; default: no limit. */
  maxGap?: number;
}

/**
 * Fills unknown points (NaN) of `known` (T, J, 2). Each joint's track is interpolated between the nearest
 * frames that know it: their mean, weighted by nearness and confidence, c_a / (t - a) and c_b / (b - t), which is the
 * straight line where both are as sure. From 6 frames on a cubic is added that enters and leaves the gap with 0.7 of the
 * speed beside it (least squares over up to 6 frames) and never turns back within. Before the first and after the last known frame it is held. Nothing is
 * interpolated across a gap longer than `maxGap` from within a part that knows the joint itself. At least one point
 * must be known.
 */
export function fillGaps(known: Float32Array, frames: number, joints: number, given: FillGapsOptions = {}): FilledGaps {
  checkArguments('fillGaps', { known, frames, joints, given }, 'Float32Array', 'number', 'number', 'object?');
  checkOptionKinds('fillGaps', given, { confidence: 'Float32Array', maxGap: 'number' });
  const { confidence, maxGap = Number.POSITIVE_INFINITY } = given;
  const keypoints = known.slice();
  const filled = new Uint8Array(frames);
  let filledJoints = 0;
  for (let frame = 0; frame < frames; frame++) {
    let unknown = 0;
    for (let joint = 0; joint < joints; joint++) {
      if (Number.isNaN(keypoints[(frame * joints + joint) * 2])) unknown++;
    }
    if (unknown === joints) filled[frame] = 1;
    else filledJoints += unknown;
  }
  const parts = markLongGaps(filled, maxGap);
  const neverSeen: number[] = [];
  for (let joint = 0; joint < joints; joint++) {
    const track = { known, keypoints, confidence, joints, joint };
    for (const [first, end] of parts) fillJoint(track, first, end);
    if (!fillJoint(track, 0, frames)) neverSeen.push(joint);
  }
  filledJoints -= neverSeen.length * filled.reduce((sum, flag) => sum + (flag === 0 ? 1 : 0), 0);
  if (neverSeen.length > 0) placeAtCentre(keypoints, frames, joints, new Set(neverSeen));
  return { keypoints, filled, filledJoints, neverSeen };
}

/** Marks runs of more than `maxGap` filled frames with 2; returns the parts [first, end) between them. */
function markLongGaps(filled: Uint8Array, maxGap: number): [number, number][] {
  const parts: [number, number][] = [];
  let first = 0;
  for (let frame = 0; frame < filled.length; ) {
    let end = frame;
    while (end < filled.length && filled[end] === 1) end++;
    if (end - frame > maxGap) {
      filled.fill(2, frame, end);
      if (frame > first) parts.push([first, frame]);
      first = end;
    }
    frame = Math.max(end, frame + 1);
  }
  if (first < filled.length) parts.push([first, filled.length]);
  return parts;
}

interface JointTrack {
  /** As they were before any gap was filled. */
  known: Float32Array;
  keypoints: Float32Array;
  confidence: Float32Array | undefined;
  joints: number;
  joint: number;
}

/** Fills one joint's track in [first, end); false when no frame of it knows the joint. */
function fillJoint({ known, keypoints, confidence, joints, joint }: JointTrack, first: number, end: number): boolean {
  const at = (frame: number) => (frame * joints + joint) * 2;
  // A point without confidence still pulls a little: it is all there is.
  const sure = (frame: number) => Math.max(confidence?.[frame * joints + joint] ?? 1, 1e-3);
  let last = -1;
  for (let frame = first; frame < end; frame++) {
    if (Number.isNaN(keypoints[at(frame)])) continue;
    const curve = last < 0 ? undefined : curveOver(known, at, last, frame, first, end);
    for (let gap = last < 0 ? first : last + 1; gap < frame; gap++) {
      const before = last < 0 ? 0 : sure(last) * (frame - gap);
      const after = last < 0 ? 1 : sure(frame) * (gap - last);
      const share = after / (before + after);
      const from = last < 0 ? at(frame) : at(last);
      for (const axis of [0, 1]) {
        const line = (1 - share) * keypoints[from + axis] + share * keypoints[at(frame) + axis];
        keypoints[at(gap) + axis] = line + (curve?.(gap, axis) ?? 0);
      }
    }
    last = frame;
  }
  if (last < 0) return false;
  for (let gap = last + 1; gap < end; gap++) keypoints.copyWithin(at(gap), at(last), at(last) + 2);
  return true;
}

/**
 * What the curve over a gap between the known frames `a` and `b` adds to the straight line, by frame and axis; undefined for a short
 * gap. With u = (t - a) / (b - a) and speeds m per gap about the mean d, the cubic of Hermite is the line and
 * u (1 - u) ((1 - u) (m_a - d) - u (m_b - d)).
 */
function curveOver(
  known: Float32Array,
  at: (frame: number) => number,
  a: number,
  b: number,
  first: number,
  end: number,
): ((frame: number, axis: number) => number) | undefined {
  if (b - a - 1 < shortestCurve) return undefined;
  const beyond = [0, 1].map((axis) => {
    const mean = known[at(b) + axis] - known[at(a) + axis];
    const value = (frame: number) => (frame < first || frame >= end ? Number.NaN : known[at(frame) + axis]);
    return [a, b].map((edge) => {
      const speed = speedBeside(value, edge, edge === a ? -1 : 1);
      if (speed === undefined) return 0;
      const inGap = keptSpeed * speed * (b - a);
      // Against the way over the gap, or far steeper, the curve would leave the range of its ends.
      return inGap * mean <= 0 ? -mean : Math.sign(mean) * Math.min(Math.abs(inGap), steepest * Math.abs(mean)) - mean;
    });
  });
  return (frame, axis) => {
    const u = (frame - a) / (b - a);
    return u * (1 - u) * ((1 - u) * beyond[axis][0] - u * beyond[axis][1]);
  };
}

/** The slope a frame of the known values from `edge` on, away from the gap; undefined of too few. */
function speedBeside(value: (frame: number) => number, edge: number, step: number): number | undefined {
  let [count, sumX, sumY, sumXx, sumXy] = [0, 0, 0, 0, 0];
  for (; count < speedFrames; count++) {
    const x = count * step;
    const y = value(edge + x);
    if (Number.isNaN(y)) break;
    sumX += x;
    sumY += y;
    sumXx += x * x;
    sumXy += x * y;
  }
  return count < leastFrames ? undefined : (count * sumXy - sumX * sumY) / (count * sumXx - sumX * sumX);
}

function placeAtCentre(keypoints: Float32Array, frames: number, joints: number, unseen: Set<number>): void {
  const seen = Array.from({ length: joints }, (_, joint) => joint).filter((joint) => !unseen.has(joint));
  for (let frame = 0; frame < frames; frame++) {
    for (const axis of [0, 1]) {
      const sum = seen.reduce((total, joint) => total + keypoints[(frame * joints + joint) * 2 + axis], 0);
      for (const joint of unseen) keypoints[(frame * joints + joint) * 2 + axis] = sum / seen.length;
    }
  }
}
