import type { LiftedPoses } from '../../lib/export/poses/lifted-poses.js';
import { human36m17 } from '../../lib/skeletons/human36m.js';
import { walker } from './walker.js';

/** A lifted result of someone who walks, with the 2D that a camera in front of them would see (orthographic, 500 pixels a metre). */
export function liftedWalk(seed: string, frames: number, more: Partial<LiftedPoses['track']> = {}): LiftedPoses {
  const joints = human36m17.joints.length;
  const world = walker(seed, frames, 50);
  const poses = new Float32Array(world.length);
  const keypoints = new Float32Array(frames * joints * 2);
  for (let frame = 0; frame < frames; frame++) {
    for (let joint = 0; joint < joints; joint++) {
      const at = (frame * joints + joint) * 3;
      const [x, y, z] = [0, 1, 2].map((axis) => world[at + axis] - world[frame * joints * 3 + axis]);
      // z up becomes y down.
      poses.set([x, -z, y], at);
      keypoints.set([960 + 500 * x, 540 - 500 * z], (frame * joints + joint) * 2);
    }
  }
  return {
    ...{ poses, layout: 'h36m-17', model: 'made for a test' },
    track: {
      ...{ keypoints, confidence: new Float32Array(frames * joints).fill(0.9), frames, joints, layout: 'h36m-17' },
      ...{ width: 1920, height: 1080, fps: 50, people: 1, notices: [] },
      frameIds: Array.from({ length: frames }, (_, frame) => `${frame}.jpg`),
      filled: new Uint8Array(frames),
      ...more,
    },
  };
}
