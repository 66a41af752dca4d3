import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import * as z from '../base/schema.js';
import { schemaProblems } from '../base/schema-problems.js';

function flag(otherwise: boolean) {
  return z._default(z.boolean(), otherwise);
}

function choice<const Names extends readonly [string, ...string[]]>(names: Names, otherwise: Names[number]) {
  return z._default(z.enum(names), () => otherwise);
}

function text(otherwise: string) {
  return z._default(z.string(), otherwise);
}

/** Noise added to 2D keypoints while training. Sigma is in normalised units (Table 8) or in pixels. */
const noise = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({
    kind: z.literal('gaussian'),
    sigma: z.number(0),
    unit: z.enum(['normalised', 'pixels']),
  }),
  /** Measured per-joint errors of a detector, scaled by `scale`. */
  z.strictObject({ kind: z.literal('detector'), scale: z._default(z.number(0), 1) }),
]);

const masking = z.strictObject({
  /** q: floor(q * N) frames of a window are hidden. 0 turns temporal masking off. */
  temporalRatio: z._default(z.number(0, 0.99), 0.8),
  /** m: joints replaced by the learned point in each frame. 0 turns spatial masking off. */
  joints: z._default(z.whole(0), 2),
  /** Which frames SEM sees: the paper's `visible`, or `all` as in the authors' program. */
  semFrames: choice(['visible', 'all'], 'visible'),
  /** true: the last joint is never masked, as in the authors' program. */
  spareLastJoint: flag(false),
});

/** Cameras by name, or by place among the data set's cameras, counted from 0. */
const cameraNames = z.nullable(z.array(z.union([z.string(), z.whole(0)])));

/**
 * Everything that a row of the paper's tables needs and that a model file remembers. Letters as in the paper:
 * N `frames`, s `stride`, d `width`, h `hidden`, H `heads`.
 */
export const modelConfigSchema = z.strictObject({
  stage: z._default(z.literal([1, 2]), 2),
  frames: z._default(z.literal([9, 27, 81, 243, 351]), 243),
  /** Temporal downsampling s: a window takes every s-th frame. */
  stride: z._default(z.whole(1), 1),
  layers: z._default(z.whole(1, 6), 3),
  decoderLayers: z._default(z.whole(1, 6), 2),
  width: z._default(z.whole(8, 4096), 256),
  hidden: z._default(z.whole(1, 8192), 512),
  heads: z._default(z.whole(1, 64), 8),
  backbone: choice(['mlp', 'fc', 'transformer'], 'mlp'),
  /** L, residual blocks of the MLP backbone. */
  mlpBlocks: z._default(z.whole(1, 3), 1),
  /** TEM present (false: "SEM only"). */
  temporal: flag(true),
  /** MOFA present (false: TEM's middle token goes to the head). */
  aggregate: flag(true),
  dropout: z._default(z.number(0, 0.99), 0.1),
  masking: z.prefault(masking, {}),
  /** lambda: weight of the per-frame loss beside the middle-frame loss. */
  lossWeight: z._default(z.number(0), 1),
  /** Cameras used in each stage; null means all (A.7: Stage I on three cameras, Stage II on the fourth). */
  cameras: z._default(z.strictObject({ pretrain: cameraNames, finetune: cameraNames }), {
    pretrain: null,
    finetune: null,
  }),
  noise: z._default(noise, { kind: 'none' }),
  /** Table 8's "RS": permutes a window's input frames and leaves the target. */
  shuffleFrames: flag(false),
  /** The refining module, and where the root's depth comes from; null: no refining. */
  refine: z._default(z.nullable(z.strictObject({ root: z.enum(['truth', 'given', 'estimated']) })), null),
  inputLayout: text('h36m-17'),
  outputLayout: text('h36m-17'),
  /** Frame rate of the training data; with `stride` it tells what a window spans. */
  fps: z._default(z.positive(), 50),
  seed: z._default(z.whole(0), 0),
  /** Unit of the network's output: the authors' 3DHP weights answer in millimetres. */
  outputUnit: choice(['m', 'mm'], 'm'),
});

export type ModelConfig = z.output<typeof modelConfigSchema>;
export type ModelConfigInput = z.input<typeof modelConfigSchema>;

/** Checks and completes a configuration; throws `ERR_CONFIG` that names each wrong field. */
export function parseModelConfig(input: unknown, where = 'model configuration'): ModelConfig {
  checkArguments('parseModelConfig', { where }, 'text?');
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
