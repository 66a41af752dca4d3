/** Longest gap of a joint that is bridged by a straight line, seconds. */
export const longestGap = 0.2;

const JOINTS = 17;

export interface KnownParts {
  /** Runs of frames, (T, 17, 3) each, in which all joints have a place. */
  parts: Float32Array[];
  /** Places of joints that were bridged. */
  bridged: number;
  /** Frames in which a joint has no place. */
  lost: number;
}

/** Cuts poses (T, 17, 3) at frames in which a joint has no place (NaN), after bridging gaps of up to {@link longestGap} seconds. */
export function knownParts(poses: Float32Array, fps: number): KnownParts {
  const width = JOINTS * 3;
  const frames = poses.length / width;
  const most = Math.floor(longestGap * fps + 1e-6);
  let bridged = 0;
  for (let joint = 0; joint < JOINTS; joint++) {
    let last = -1;
    for (let frame = 0; frame < frames; frame++) {
      const at = frame * width + joint * 3;
      if (Number.isNaN(poses[at])) continue;
      const gap = frame - last - 1;
      for (let inside = last + 1; last >= 0 && gap <= most && inside < frame; inside++) {
        const share = (inside - last) / (frame - last);
        for (let axis = 0; axis < 3; axis++) {
          const before = poses[last * width + joint * 3 + axis];
          poses[inside * width + joint * 3 + axis] = before + (poses[at + axis] - before) * share;
        }
        bridged++;
      }
      last = frame;
    }
  }
  const parts: Float32Array[] = [];
  let lost = 0;
  let first = 0;
  for (let frame = 0; frame <= frames; frame++) {
    const known = frame < frames && !poses.subarray(frame * width, (frame + 1) * width).some(Number.isNaN);
    if (known) continue;
    if (frame > first) parts.push(poses.subarray(first * width, frame * width));
    if (frame < frames) lost++;
    first = frame + 1;
  }
  return { parts, bridged, lost };
}
