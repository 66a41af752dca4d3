import { z } from 'zod';
import { PoseError } from '../pose-error.js';
import { schemaProblems } from './schema-problems.js';

/** Noise added to 2D keypoints while training. Sigma is in normalised units (Table 8) or in pixels. */
const noise = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('gaussian'), sigma: z.number().min(0), unit: z.enum(['normalised', 'pixels']) }),
  /** Measured per-joint errors of a detector, scaled by `scale`. */
  z.strictObject({ kind: z.literal('detector'), scale: z.number().min(0).default(1) }),
]);

const masking = z.strictObject({
  /** q: floor(q * N) frames of a window are hidden. 0 turns temporal masking off. */
  temporalRatio: z.number().min(0).max(0.99).default(0.8),
  /** m: joints replaced by the learned point in each frame. 0 turns spatial masking off. */
  joints: z.int().min(0).default(2),
  /** Which frames SEM sees: the paper's `visible`, or `all` as in the authors' program. */
  semFrames: z.enum(['visible', 'all']).default('visible'),
  /** true: the last joint is never masked, as in the authors' program. */
  spareLastJoint: z.boolean().default(false),
});

/**
 * Everything that a row of the paper's tables needs and that a model file remembers. Letters as in the paper:
 * N `frames`, s `stride`, d `width`, h `hidden`, H `heads`.
 */
export const modelConfigSchema = z.strictObject({
  stage: z.literal([1, 2]).default(2),
  frames: z.literal([9, 27, 81, 243, 351]).default(243),
  /** Temporal downsampling s: a window takes every s-th frame. */
  stride: z.int().min(1).default(1),
  layers: z.int().min(1).max(6).default(3),
  decoderLayers: z.int().min(1).max(6).default(2),
  width: z.int().min(8).max(4096).default(256),
  hidden: z.int().min(1).max(8192).default(512),
  heads: z.int().min(1).max(64).default(8),
  backbone: z.enum(['mlp', 'fc', 'transformer']).default('mlp'),
  /** L, residual blocks of the MLP backbone. */
  mlpBlocks: z.int().min(1).max(3).default(1),
  /** TEM present (false: "SEM only"). */
  temporal: z.boolean().default(true),
  /** MOFA present (false: TEM's middle token goes to the head). */
  aggregate: z.boolean().default(true),
  dropout: z.number().min(0).max(0.99).default(0.1),
  masking: masking.prefault({}),
  /** lambda: weight of the per-frame loss beside the middle-frame loss. */
  lossWeight: z.number().min(0).default(1),
  /** Cameras used in each stage; null means all (A.7: Stage I on three cameras, Stage II on the fourth). */
  cameras: z
    .strictObject({ pretrain: z.array(z.string()).nullable(), finetune: z.array(z.string()).nullable() })
    .default({ pretrain: null, finetune: null }),
  noise: noise.default({ kind: 'none' }),
  /** Table 8's "RS": permutes a window's input frames and leaves the target. */
  shuffleFrames: z.boolean().default(false),
  /** The refining module, and where the root's depth comes from; null: no refining. */
  refine: z
    .strictObject({ root: z.enum(['truth', 'given', 'estimated']) })
    .nullable()
    .default(null),
  inputLayout: z.string().default('h36m-17'),
  outputLayout: z.string().default('h36m-17'),
  /** Frame rate of the training data; with `stride` it tells what a window spans. */
  fps: z.number().positive().default(50),
  seed: z.int().min(0).default(0),
  /** Unit of the network's output: the authors' 3DHP weights answer in millimetres. */
  outputUnit: z.enum(['m', 'mm']).default('m'),
});

export type ModelConfig = z.output<typeof modelConfigSchema>;
export type ModelConfigInput = z.input<typeof modelConfigSchema>;

/** Checks and completes a configuration; throws `ERR_CONFIG` that names each wrong field. */
export function parseModelConfig(input: unknown, where = 'model configuration'): ModelConfig {
  const result = modelConfigSchema.safeParse(input, { reportInput: true });
  if (!result.success) {
    throw new PoseError('ERR_CONFIG', `${where}: ${schemaProblems(result.error)}.`);
  }
  const config = result.data;
  const wide = config.backbone === 'transformer' ? config.width / 17 : config.width;
  if (config.backbone === 'transformer' && config.width % 17 !== 0) {
    throw new PoseError(
      'ERR_CONFIG',
      `${where}: width must be a multiple of 17 joints for the transformer backbone, got ${config.width}.`,
    );
  }
  for (const [what, width] of [
    ['width', config.width],
    ['width per joint', wide],
  ] as const) {
    if (width % config.heads !== 0 || width / config.heads > 128) {
      throw new PoseError(
        'ERR_CONFIG',
        `${where}: ${what} ${width} must be a multiple of heads ${config.heads}, at most 128 a head.`,
      );
    }
  }
  return config;
}
