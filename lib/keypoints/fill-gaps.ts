/** What {@link fillGaps} did. */
export interface GapReport {
  /** (T), 1 where no joint of the frame was known. */
  filled: Uint8Array;
  /** Single joints filled in frames that had others. */
  filledJoints: number;
  /** Joints that no frame knows; they were put at the middle of the frame's other joints. */
  neverSeen: number[];
}

/**
 * Fills unknown points (NaN) of `keypoints` (T, J, 2) in place: each joint's track is interpolated linearly between the
 * nearest frames that know it and held before the first and after the last. At least one point must be known.
 */
export function fillGaps(keypoints: Float32Array, frames: number, joints: number): GapReport {
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
  const neverSeen: number[] = [];
  for (let joint = 0; joint < joints; joint++) {
    if (!fillJoint(keypoints, frames, joints, joint)) neverSeen.push(joint);
  }
  filledJoints -= neverSeen.length * (frames - filled.reduce((sum, flag) => sum + flag, 0));
  if (neverSeen.length > 0) placeAtCentre(keypoints, frames, joints, new Set(neverSeen));
  return { filled, filledJoints, neverSeen };
}

/** Fills one joint's track; false when no frame knows the joint. */
function fillJoint(keypoints: Float32Array, frames: number, joints: number, joint: number): boolean {
  const at = (frame: number) => (frame * joints + joint) * 2;
  let last = -1;
  for (let frame = 0; frame < frames; frame++) {
    if (Number.isNaN(keypoints[at(frame)])) continue;
    for (let gap = last + 1; gap < frame; gap++) {
      const share = last < 0 ? 1 : (gap - last) / (frame - last);
      const from = last < 0 ? at(frame) : at(last);
      for (const axis of [0, 1]) {
        keypoints[at(gap) + axis] = (1 - share) * keypoints[from + axis] + share * keypoints[at(frame) + axis];
      }
    }
    last = frame;
  }
  if (last < 0) return false;
  for (let gap = last + 1; gap < frames; gap++) keypoints.copyWithin(at(gap), at(last), at(last) + 2);
  return true;
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
