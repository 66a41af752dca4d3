import type { NativeConfig } from '../../binding.js';
import { mirroredJoints } from '../skeletons/mirror.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { ModelConfig } from './config.js';

/** What native code needs to know of a configuration. Throws `ERR_ARGUMENT` for an unknown layout. */
export function nativeConfig(config: ModelConfig): NativeConfig {
  const input = skeletonByName(config.inputLayout);
  const output = skeletonByName(config.outputLayout);
  return {
    stage: config.stage,
    frames: config.frames,
    joints: input.joints.length,
    outputJoints: output.joints.length,
    layers: config.layers,
    decoderLayers: config.decoderLayers,
    width: config.width,
    hidden: config.hidden,
    heads: config.heads,
    backbone: config.backbone,
    mlpBlocks: config.mlpBlocks,
    temporal: config.temporal,
    aggregate: config.aggregate,
    dropout: config.dropout,
    lossWeight: config.lossWeight,
    semVisibleOnly: config.masking.semFrames === 'visible',
    refine: config.stage === 2 && config.refine !== null,
    rootJoint: Math.max(output.root, 0),
    mirrorInput: Int32Array.from(mirroredJoints(input)),
    mirrorOutput: Int32Array.from(mirroredJoints(output)),
  };
}
