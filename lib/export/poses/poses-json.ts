import { LIFTED_POSES } from '../../base/argument-kinds.js';
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
export function posesToJson(result: LiftedPoses): string {
  checkArguments('posesToJson', { result }, LIFTED_POSES);
  return Array.from(jsonParts(result)).join('');
}

/** The text of {@link posesToJson} in parts. */
export function* jsonParts({ poses, layout, model, track, motion }: LiftedPoses): Generator<string> {
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
  const pointsOf = (frame: number) =>
    Array.from({ length: track.joints }, (_, joint) => {
      const at = frame * track.joints + joint;
      const [x, y] = [track.keypoints[at * 2], track.keypoints[at * 2 + 1]];
      return [rounded(x, 3), rounded(y, 3), rounded(track.confidence[at], 4)];
    });
  const joints = skeleton.joints.length;
  const placesIn = (points: Float32Array) => (frame: number) =>
    Array.from({ length: joints }, (_, joint) => {
      const at = (frame * joints + joint) * 3;
      return Array.from(points.subarray(at, at + 3), (value) => rounded(value, 6));
    });
  yield `{\n${fields.join(',\n')},\n"keypoints": `;
  yield* listOf(track.frames, pointsOf);
  yield ',\n"poses": ';
  yield* listOf(track.frames, placesIn(poses));
  if (motion) {
    const { axes, root, notes, positions } = motion;
    yield `,\n"motion": {"axes": "${axes}", "root": "${root}", "notes": ${JSON.stringify(notes)}, "positions": `;
    yield* listOf(track.frames, placesIn(positions));
    yield '}';
  }
  yield '\n}\n';
}

/** A list with a frame a line. */
function* listOf(frames: number, rowOf: (frame: number) => number[][]): Generator<string> {
  yield '[';
  for (let frame = 0; frame < frames; frame++) yield `${frame === 0 ? '' : ','}\n${JSON.stringify(rowOf(frame))}`;
  yield '\n]';
}

/** A number with at most `digits` decimals, never "-0". */
function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits)) + 0;
}
