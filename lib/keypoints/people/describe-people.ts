import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { READ_KEYPOINTS } from '../../keypoints/option-kinds.js';
import type { ReadKeypointsOptions } from '../keypoint-track.js';
import { findPeople } from '../read-keypoints.js';
import type { FoundTrack } from './assemble-track.js';

/** One person as a file has them. */
export interface PersonSummary {
  id: string | undefined;
  firstFrame: string;
  lastFrame: string;
  frames: number;
  /** Frames with a detection. */
  seen: number;
  /** Runs of frames without one, and the longest of them. */
  gaps: number;
  longestGap: number;
  /** For each joint, the share of the seen frames that know it. */
  jointsSeen: number[];
  /** The joints' names, where the file's columns have names. */
  jointNames?: readonly string[];
  /** true: coordinates are fractions of an image of unknown size. */
  fractions?: boolean;
}

/**
 * What a file of detections holds, without lifting it or knowing the image's size: everybody's frames, gaps and joints,
 * in the order of the option `person`. Throws as `readKeypoints` does.
 */
export function describePeople(path: string, options: ReadKeypointsOptions = {}): PersonSummary[] {
  checkArguments('describePeople', { path, options }, 'text', 'object?');
  checkOptionKinds('describePeople', options, READ_KEYPOINTS);
  return summariesOf(findPeople(path, options, true));
}

/** {@link describePeople} of people who were found, before they are assembled. */
export function summariesOf(people: readonly FoundTrack[]): PersonSummary[] {
  return people.map(({ keypoints, confidence, frames, joints, frameIds, id, jointNames, fractions, width }) => {
    const known = (at: number) =>
      Number.isFinite(keypoints[at * 2]) && (confidence === undefined || confidence[at] > 0 || keypoints[at * 2] !== 0);
    const counts = new Array<number>(joints).fill(0);
    let [seen, gaps, longestGap, run] = [0, 0, 0, 0];
    for (let frame = 0; frame < frames; frame++) {
      let some = false;
      for (let joint = 0; joint < joints; joint++) {
        if (!known(frame * joints + joint)) continue;
        counts[joint]++;
        some = true;
      }
      run = some ? 0 : run + 1;
      if (run === 1) gaps++;
      if (some) seen++;
      longestGap = Math.max(longestGap, run);
    }
    return {
      ...{ id, frames, seen, gaps, longestGap },
      ...(jointNames && { jointNames }),
      ...(fractions && !(width !== undefined && width > 1) && { fractions }),
      firstFrame: frameIds?.[0] ?? '0',
      lastFrame: frameIds?.[frames - 1] ?? String(frames - 1),
      jointsSeen: counts.map((count) => (seen === 0 ? 0 : count / seen)),
    };
  });
}
