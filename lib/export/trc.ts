import { MOTION } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { columnName } from '../keypoints/layout.js';
import { jointsOf, type Motion, positionsYUp, rateOf } from '../motion/motion.js';
import { skeletonByName } from '../skeletons/skeletons.js';

/**
 * A motion as the text of a TRC file, which OpenSim reads: a marker a joint (`left_hip`), metres, y up, a row a frame, the
 * video's first frame being 1 at time 0: a motion that starts later has later numbers and times. Throws `ERR_ARGUMENT` without a frame rate.
 */
export function writeTrc(motion: Motion, file?: string): string {
  checkArguments('writeTrc', { motion, file }, MOTION, 'text?');
  return Array.from(trcLines(motion, file)).join('');
}

/** The lines of {@link writeTrc}, each with its end. */
export function* trcLines(motion: Motion, file = 'motion.trc'): Generator<string> {
  const fps = rateOf(motion, 'TRC');
  const joints = jointsOf(motion);
  const points = positionsYUp(motion);
  const markers = skeletonByName(motion.layout).joints.map(columnName);
  const rate = Number(fps.toFixed(6));
  const { start = 0 } = motion;
  const lines = [
    `PathFileType\t4\t(X/Y/Z)\t${file.replace(/\s/g, ' ')}`,
    'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames',
    [rate, rate, motion.frames, joints, 'm', rate, start + 1, motion.frames].join('\t'),
    `Frame#\tTime\t${markers.join('\t\t\t')}\t\t`,
    `\t\t${markers.map((_, index) => `X${index + 1}\tY${index + 1}\tZ${index + 1}`).join('\t')}`,
    '',
  ];
  yield `${lines.join('\n')}\n`;
  for (let frame = 0; frame < motion.frames; frame++) {
    const row = Array.from(points.subarray(frame * joints * 3, (frame + 1) * joints * 3), (value) => value.toFixed(6));
    yield `${[start + frame + 1, ((start + frame) / fps).toFixed(6), ...row].join('\t')}\n`;
  }
}
