import { LIFTED_POSES } from '../../base/argument-kinds.js';
import { checkArguments } from '../../base/check-arguments.js';
import { columnName } from '../../keypoints/layout.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import type { LiftedPoses } from './lifted-poses.js';

/**
 * Lifted poses as CSV, a row a frame: `frame` (of the video, from 0), `time_s` (empty without a frame rate), `filled` (1 where the person
 * was not detected), then `<joint>_x_m`, `<joint>_y_m`, `<joint>_z_m` for each joint. Rounded to a micrometre.
 * The places are those of the motion, where the poses were worked into one.
 */
export function posesToCsv(result: LiftedPoses): string {
  checkArguments('posesToCsv', { result }, LIFTED_POSES);
  return Array.from(csvLines(result)).join('');
}

/** The lines of {@link posesToCsv}, each with its end. */
export function* csvLines({ poses, layout, track, motion }: LiftedPoses): Generator<string> {
  const columns = skeletonByName(layout).joints.flatMap((joint) =>
    ['x', 'y', 'z'].map((axis) => `${columnName(joint)}_${axis}_m`),
  );
  const places = motion?.positions ?? poses;
  const { start = 0 } = track;
  yield `${['frame', 'time_s', 'filled', ...columns].join(',')}\n`;
  for (let frame = 0; frame < track.frames; frame++) {
    const time = track.fps === undefined ? '' : Number(((start + frame) / track.fps).toFixed(6));
    const row = places.subarray(frame * columns.length, (frame + 1) * columns.length);
    yield `${[start + frame, time, track.filled[frame], ...Array.from(row, (value) => value.toFixed(6))].join(',')}\n`;
  }
}
