import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { valueText } from '../base/value-text.js';
import type { ModelConfigInput } from './config.js';

/** A row of the paper's settings: the model, and the learning rate that each stage starts with. */
export interface Preset {
  config: ModelConfigInput;
  learningRates: { pretrain: number; finetune: number };
}

const human36m = { frames: 243, stride: 2, fps: 50, inputLayout: 'h36m-17', outputLayout: 'h36m-17' } as const;

/** The paper's four settings, and the model for videos from anywhere. */
export const presets: Readonly<Record<string, Preset>> = {
  'pstmo-s-cpn': {
    config: { ...human36m, layers: 3, decoderLayers: 2, masking: { temporalRatio: 0.8, joints: 2 } },
    learningRates: { pretrain: 1e-4, finetune: 7e-4 },
  },
  'pstmo-s-gt': {
    config: { ...human36m, layers: 3, decoderLayers: 2, masking: { temporalRatio: 0.8, joints: 7 } },
    learningRates: { pretrain: 1e-4, finetune: 1e-3 },
  },
  pstmo: {
    config: { ...human36m, layers: 4, decoderLayers: 3, masking: { temporalRatio: 0.6, joints: 3 } },
    learningRates: { pretrain: 1e-4, finetune: 1e-3 },
  },
  'pstmo-s-3dhp': {
    config: {
      frames: 81,
      stride: 1,
      layers: 3,
      decoderLayers: 2,
      masking: { temporalRatio: 0.7, joints: 2 },
      inputLayout: '3dhp-17',
      outputLayout: '3dhp-17',
      outputUnit: 'mm',
    },
    learningRates: { pretrain: 1e-4, finetune: 7e-4 },
  },
  'in-the-wild': {
    config: {
      ...human36m,
      inputLayout: 'coco-17',
      layers: 3,
      decoderLayers: 2,
      masking: { temporalRatio: 0.8, joints: 2 },
    },
    learningRates: { pretrain: 1e-4, finetune: 7e-4 },
  },
};

export const presetNames: readonly string[] = Object.keys(presets);

/** The preset of that name; throws `ERR_ARGUMENT` that lists them all. */
export function presetByName(name: string): Preset {
  if (!Object.hasOwn(presets, name)) {
    throw new PoseError('ERR_ARGUMENT', `preset: expected one of ${presetNames.join(', ')}, got ${valueText(name)}.`);
  }
  return presets[name];
}

/** The configuration of a preset; throws `ERR_ARGUMENT` for an unknown name. */
export function presetConfig(name: string): ModelConfigInput {
  checkArguments('presetConfig', { name }, 'text');
  return presetByName(name).config;
}
