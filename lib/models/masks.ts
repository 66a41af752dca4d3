import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import type { Random } from '../base/random.js';
import type { ModelConfig } from '../networks/config.js';
import { skeletonByName } from '../skeletons/skeletons.js';

/** What Stage I hides of every window of a batch. */
export interface Masks {
  /** (N), 1 where a whole frame is hidden. */
  masked: Uint8Array;
  /** (N, J), 1 where a joint is replaced by the learned point. */
  jointMask: Uint8Array;
}

/** `count` different numbers below `limit`. */
function pick(count: number, limit: number, random: Random): number[] {
  return random.shuffle(Array.from({ length: limit }, (_, i) => i)).slice(0, count);
}

/**
 * Draws masks as the configuration says: floor(q N) frames, and m joints in every frame. The same `random` gives the
 * same masks. Throws `ERR_CONFIG` when m is more than the layout has joints.
 */
export function drawMasks(config: ModelConfig, random: Random): Masks {
  checkArguments('drawMasks', { config, random }, 'object', 'object');
  const { frames, masking, inputLayout } = config;
  const joints = skeletonByName(inputLayout).joints.length;
  const candidates = masking.spareLastJoint ? joints - 1 : joints;
  if (masking.joints > candidates) {
    throw new PoseError(
      'ERR_CONFIG',
      `masking.joints: at most ${candidates} of ${inputLayout} can be hidden, got ${masking.joints}.`,
    );
  }
  const masked = new Uint8Array(frames);
  for (const frame of pick(Math.floor(frames * masking.temporalRatio), frames, random)) {
    masked[frame] = 1;
  }
  const jointMask = new Uint8Array(frames * joints);
  for (let frame = 0; frame < frames; frame++) {
    for (const joint of pick(masking.joints, candidates, random)) {
      jointMask[frame * joints + joint] = 1;
    }
  }
  return { masked, jointMask };
}
