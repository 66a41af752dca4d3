import type { PoseDataset, PoseSequence, Split } from '../../lib/datasets/pose-dataset.js';
import { relativeTo } from '../../lib/datasets/root-relative.js';
import { walker } from '../helpers/walker.js';

const FPS = 50;
/** World (z up) to a camera that stands `distance` metres off and looks level. */
function seen(world: Float32Array, angle: number, distance: number): Float32Array {
  const out = new Float32Array(world.length);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  for (let i = 0; i < world.length; i += 3) {
    out[i] = c * world[i] - s * world[i + 1];
    out[i + 1] = 1 - world[i + 2];
    out[i + 2] = distance + s * world[i] + c * world[i + 1];
  }
  return out;
}

/** One walking person seen by one camera. */
export function walkingSequence(subject: string, split: Split, camera: number, frames = 40): PoseSequence {
  const [angle, distance] = [1.3 * camera, 5];
  const points = seen(walker(subject, frames, FPS), angle, distance);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const extrinsics = { rotation: [c, -s, 0, 0, 0, -1, s, c, 0], translation: [0, 1, distance] };
  const intrinsics = { fx: 2.2, fy: 2.2, cx: 0.02, cy: -0.01 };
  const keypoints = new Float32Array((points.length / 3) * 2);
  for (let i = 0; i < points.length / 3; i++) {
    keypoints[2 * i] = (points[3 * i] / points[3 * i + 2]) * intrinsics.fx + intrinsics.cx;
    keypoints[2 * i + 1] = (points[3 * i + 1] / points[3 * i + 2]) * intrinsics.fy + intrinsics.cy;
  }
  return {
    ...{ name: `${subject}/Walking 1/${camera}`, subject, action: 'Walking 1', camera: String(camera) },
    ...{ split, fps: FPS, frames, width: 1000, height: 1000, keypoints, intrinsics, extrinsics },
    ...relativeTo(0, points, 17),
  };
}

/** Four walking people, two cameras: two to train on, one to validate, one to test. */
export function tinyDataset(frames = 40): PoseDataset {
  const people: [string, Split][] = [
    ['A', 'train'],
    ['B', 'train'],
    ['C', 'validation'],
    ['D', 'test'],
  ];
  return {
    name: 'tiny',
    inputLayout: 'h36m-17',
    outputLayout: 'h36m-17',
    rootJoint: 0,
    source: 'made by the tests',
    sequences: people.flatMap(([subject, split]) =>
      [0, 1].map((camera) => walkingSequence(subject, split, camera, frames)),
    ),
  };
}

/** The smallest network: N = 9, d = 32. */
export const tinyModel = { frames: 9, layers: 1, width: 32, hidden: 64, heads: 4 } as const;
