import type { NativeConfig } from '../../binding.js';
import { mirroredJoints } from '../skeletons/mirror.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { ModelConfig } from './config.js';

/** What native code needs to know of a configuration. Throws `ERR_ARGUMENT` for an unknown layout. */
export function nativeConfig(config: ModelConfig): NativeConfig {
  const { stage, frames, layers, decoderLayers, width, hidden, heads, mlpBlocks } = config;
  const { backbone, temporal, aggregate, dropout, lossWeight } = config;
  const input = skeletonByName(config.inputLayout);
  const output = skeletonByName(config.outputLayout);
  return {
    ...{ stage, frames, layers, decoderLayers, width, hidden, heads, mlpBlocks },
    ...{ backbone, temporal, aggregate, dropout, lossWeight },
    joints: input.joints.length,
    outputJoints: output.joints.length,
    semVisibleOnly: config.masking.semFrames === 'visible',
    refine: stage === 2 && config.refine !== null,
    rootJoint: Math.max(output.root, 0),
    mirrorInput: Int32Array.from(mirroredJoints(input)),
    mirrorOutput: Int32Array.from(mirroredJoints(output)),
  };
}
