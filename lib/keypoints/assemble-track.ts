import { PoseError } from '../pose-error.js';
import { fillGaps } from './fill-gaps.js';
import type { KeypointTrack, ReadKeypointsOptions } from './keypoint-track.js';
import { resolveLayout } from './layout.js';
import type { PersonTrack } from './person-track.js';

/** What a format's reader found, before unknown points are filled. */
export interface FoundTrack {
  /** (T, J, 2), pixels; not finite, or (0, 0) without confidence, where unknown. */
  keypoints: Float32Array;
  /** (T, J); absent where the file has none. */
  confidence?: Float32Array;
  frames: number;
  joints: number;
  /** What the file says its layout is, or what its format implies. */
  layout?: string;
  width?: number;
  height?: number;
  fps?: number;
  frameIds?: string[];
  /** (T), 1 where an earlier reading already made the frame up: it is made up again. */
  filled?: ArrayLike<number>;
  people: number;
  notices: string[];
}

/** Lays a person's detections out as arrays; frames without one are NaN. */
export function trackOfPerson(person: PersonTrack, joints: number): FoundTrack {
  const frames = person.rows.length;
  const keypoints = new Float32Array(frames * joints * 2).fill(Number.NaN);
  const confidence = new Float32Array(frames * joints);
  for (const [frame, row] of person.rows.entries()) {
    if (row === undefined) continue;
    for (let joint = 0; joint < joints; joint++) {
      const at = frame * joints + joint;
      keypoints[at * 2] = row.triples[joint * 3];
      keypoints[at * 2 + 1] = row.triples[joint * 3 + 1];
      confidence[at] = row.triples[joint * 3 + 2];
    }
  }
  const { frameIds, people, notices } = person;
  return { keypoints, confidence, frames, joints, frameIds, people, notices: [...notices] };
}

/** Settles the layout, fills what is unknown and says so. Throws `ERR_FORMAT` when no point is known or none is in pixels. */
export function assembleTrack(where: string, found: FoundTrack, options: ReadKeypointsOptions): KeypointTrack {
  const { keypoints, frames, joints } = found;
  const notices = [...found.notices];
  const layout = resolveLayout(where, joints, found.layout, options.layout, notices);
  const confidence = found.confidence ?? new Float32Array(frames * joints).fill(1);
  let largest = 0;
  for (let at = 0; at < frames * joints; at++) {
    const [x, y] = [keypoints[at * 2], keypoints[at * 2 + 1]];
    const nowhere = x === 0 && y === 0 && !(found.confidence && confidence[at] > 0);
    const madeUp = found.filled !== undefined && found.filled[Math.floor(at / joints)] > 0;
    if (nowhere || madeUp || !Number.isFinite(x) || !Number.isFinite(y)) {
      keypoints.fill(Number.NaN, at * 2, at * 2 + 2);
      confidence[at] = 0;
    } else {
      if (!Number.isFinite(confidence[at])) confidence[at] = 0;
      largest = Math.max(largest, Math.abs(x), Math.abs(y));
    }
  }
  if (largest === 0) throw new PoseError('ERR_FORMAT', `${where}: expected keypoints, got no joint with a position.`);
  if (largest < 3) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected keypoints in pixels, got values within ${largest.toFixed(2)}, as if they were normalised already.`,
    );
  }
  const { filled, filledJoints, neverSeen } = fillGaps(keypoints, frames, joints);
  const gaps = filled.reduce((sum, flag) => sum + flag, 0);
  if (gaps > 0) notices.push(`${gaps} of ${frames} frames have no detection: interpolated in time.`);
  if (filledJoints > 0) notices.push(`${filledJoints} single joints have no position: interpolated in time.`);
  if (neverSeen.length > 0) {
    const names = neverSeen.map((joint) => layout.joints[joint]).join(', ');
    notices.push(`Never seen, put at the middle of the others: ${names}.`);
  }
  const track: KeypointTrack = {
    keypoints,
    confidence,
    frames,
    joints,
    layout: layout.name,
    frameIds: found.frameIds ?? Array.from({ length: frames }, (_, frame) => String(frame)),
    filled,
    people: found.people,
    notices,
  };
  if (isSize(found.width) && isSize(found.height)) {
    track.width = found.width;
    track.height = found.height;
  }
  if (isSize(found.fps)) track.fps = found.fps;
  return track;
}

function isSize(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value > 0;
}
