import { checkArguments } from '../../base/check-arguments.js';
import type { KeypointTrack } from '../keypoint-track.js';

/**
 * Cuts a track at its long gaps (`filled` 2) into clips that are lifted each by itself: frames in such gaps are left out,
 * `frameIds` tell which remain. One clip, the track itself, where there is no long gap.
 */
export function splitAtGaps(track: KeypointTrack): KeypointTrack[] {
  checkArguments(
    'splitAtGaps',
    { track },
    {
      ...{
        keypoints: 'Float32Array',
        confidence: 'Float32Array',
        frames: 'number',
        start: 'number?',
        joints: 'number',
      },
      ...{
        layout: 'text',
        width: 'number?',
        height: 'number?',
        fps: 'number?',
        frameIds: 'list',
        filled: 'Uint8Array',
      },
      ...{ people: 'number', id: 'text?', notices: 'list' },
    },
  );
  const clips: KeypointTrack[] = [];
  let first = 0;
  for (let frame = 0; frame <= track.frames; frame++) {
    if (frame < track.frames && track.filled[frame] !== 2) continue;
    if (frame > first) clips.push(first === 0 && frame === track.frames ? track : clipOf(track, first, frame));
    first = frame + 1;
  }
  return clips;
}

/** The frames [first, end) of a track; its arrays are views of the track's. */
function clipOf(track: KeypointTrack, first: number, end: number): KeypointTrack {
  const { joints } = track;
  return {
    ...track,
    keypoints: track.keypoints.subarray(first * joints * 2, end * joints * 2),
    confidence: track.confidence.subarray(first * joints, end * joints),
    filled: track.filled.subarray(first, end),
    frameIds: track.frameIds.slice(first, end),
    frames: end - first,
    start: (track.start ?? 0) + first,
  };
}
