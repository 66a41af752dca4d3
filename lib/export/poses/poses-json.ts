import { checkArguments } from '../../base/check-arguments.js';
import { posesFormat } from '../../keypoints/readers/own-text.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import type { LiftedPoses } from './lifted-poses.js';

/**
 * Lifted poses as JSON, a frame a line:
 *
 * ```
 * { "format": "pstmo-poses", "version": 1, "model", "person" where the track has an id, "fps" | null, "size": [width, height] | null,
 *   "unit": "m", "axes": "camera: x right, y down, z away; relative to joint 0",
 *   "layout": "h36m-17", "joints": [J' names], "parents": [J' indices, -1 for the root],
 *   "keypointLayout": "coco-17", "frames": [T names], "filled": [T of 0 or 1],
 *   "keypoints": [T][J][x, y, confidence], "poses": [T][J'][x, y, z],
 *   "motion": { "axes", "root", "notes", "positions": [T][J'][x, y, z] } where the poses were worked into one }
 * ```
 *
 * Metres are rounded to a micrometre, pixels to a thousandth.
 */
export function posesToJson(given: LiftedPoses): string {
  checkArguments('posesToJson', { given }, 'object');
  const { poses, layout, model, track, motion } = given;
  const skeleton = skeletonByName(layout);
  const root = skeleton.joints[skeleton.root];
  const head: Record<string, unknown> = {
    format: posesFormat,
    version: 1,
    model,
    ...(track.id !== undefined && { person: track.id }),
    fps: track.fps ?? null,
    size: track.width === undefined ? null : [track.width, track.height],
    unit: 'm',
    axes: `camera: x right, y down, z away; relative to joint ${skeleton.root} (${root})`,
    layout,
    joints: skeleton.joints,
    parents: skeleton.parents,
    keypointLayout: track.layout,
    frames: track.frameIds,
    filled: Array.from(track.filled),
  };
  const fields = Object.entries(head).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const points = Array.from({ length: track.frames }, (_, frame) =>
    Array.from({ length: track.joints }, (_, joint) => {
      const at = frame * track.joints + joint;
      const [x, y] = [track.keypoints[at * 2], track.keypoints[at * 2 + 1]];
      return [rounded(x, 3), rounded(y, 3), rounded(track.confidence[at], 4)];
    }),
  );
  const joints = skeleton.joints.length;
  const placesOf = (points: Float32Array) =>
    Array.from({ length: track.frames }, (_, frame) =>
      Array.from({ length: joints }, (_, joint) => {
        const at = (frame * joints + joint) * 3;
        return Array.from(points.subarray(at, at + 3), (value) => rounded(value, 6));
      }),
    );
  const list = (rows: number[][][]) => `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`;
  const worked = motion
    ? `,\n"motion": {"axes": "${motion.axes}", "root": "${motion.root}", "notes": ${JSON.stringify(motion.notes)}, ` +
      `"positions": ${list(placesOf(motion.positions))}}`
    : '';
  return `{\n${fields.join(',\n')},\n"keypoints": ${list(points)},\n"poses": ${list(placesOf(poses))}${worked}\n}\n`;
}

/** A number with at most `digits` decimals, never "-0". */
function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits)) + 0;
}
