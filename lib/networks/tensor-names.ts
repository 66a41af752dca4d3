/** Before every name in a published checkpoint. */
export const PUBLISHED_PREFIX = 'module.';

/**
 * The tensors, by their published names, that tell what a network is. native/core/tensor-names.h has all of them; a test holds these
 * to the tensors of native networks.
 */
export const tensorNames = {
  mlpEncoder: 'encoder.fc_1.weight',
  linearEncoder: 'encoder.fc.weight',
  jointEmbedding: 'encoder.joint_embedding.weight',
  jointPositions: 'encoder.pos_embedding',
  temporalPositions: 'Transformer.pos_embedding',
  aggregatorPositions: 'Transformer_reduce.model.pos_embedding_1',
  temporalHidden: 'Transformer.model.layers.0.feed_forward.w_1.weight',
  maskToken: 'mask_token',
  encoderToDecoder: 'encoder_to_decoder.weight',
  headNorm: 'fcn.0.weight',
  head: 'fcn.1.weight',
  refiner: 'post_refine.0.weight',
} as const;

/** Stacks of layers `<stack>.0.`, `<stack>.1.` and so on. */
export const tensorStacks = {
  mlp: 'encoder.layers',
  temporal: 'Transformer.model.layers',
  decoder: 'Transformer_dec.model.layers',
} as const;
