import type { ModelConfig } from '../networks/config.js';
import { skeletonByName } from '../skeletons/skeletons.js';

const MILLIMETRES = 1000;

/** What the network gives, as metres with the root's row 0, in place. */
export function finishPoses(poses: Float32Array, config: ModelConfig): Float32Array {
  const scale = config.outputUnit === 'mm' ? 1 / MILLIMETRES : 1;
  const output = skeletonByName(config.outputLayout);
  const size = output.joints.length * 3;
  const root = Math.max(output.root, 0) * 3;
  for (let i = 0; i < poses.length; i++) {
    const column = i % size;
    poses[i] = column >= root && column < root + 3 ? 0 : poses[i] * scale;
  }
  return poses;
}
