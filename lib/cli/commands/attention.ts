import { PoseError } from '../../base/pose-error.js';
import { tensor } from '../../base/tensor.js';
import type { AttentionMap } from '../../models/attention-maps.js';
import { fitFrameRate } from '../../models/frame-rate.js';
import { MaskedPoseModel } from '../../models/masked-pose-model.js';
import { windowOf } from '../../models/network-input.js';
import { PoseLifter } from '../../models/pose-lifter.js';
import { modelPath } from '../../networks/bundled.js';
import { type InputFlags, readClips } from '../lift-input.js';
import { modelSummary } from './models.js';

interface Wanted extends InputFlags {
  frame?: number;
  module: 'tem' | 'mofa' | 'decoder';
  layer?: number;
  seed: number;
}

/** Attention maps of the window around a frame of the first clip in a detector's file, of a model of either stage. */
export async function attentionOf(model: string, keypoints: string, flags: Wanted): Promise<AttentionMap[]> {
  const [{ track }] = await readClips(keypoints, flags);
  const { frames, joints, width, height, layout, fps } = track;
  const frame = flags.frame ?? Math.floor(frames / 2);
  if (frame >= frames) {
    throw new PoseError('ERR_USAGE', `--frame ${frame}: expected 0 to ${frames - 1}, the frames of ${keypoints}.`);
  }
  const points = tensor(track.keypoints, [frames, joints, 2]);
  const image = { width, height, layout };
  const { module, layer } = flags;
  const path = modelPath(model);
  if (path.endsWith('.safetensors') && modelSummary(path).config.stage === 1) {
    await using masked = await MaskedPoseModel.load(model);
    const count = masked.config.frames;
    const { step, stride } = fitFrameRate(masked.config, fps);
    const window = windowOf(points, frame, count, step * stride);
    const seen = tensor(window, [count, joints, 2]);
    return await masked.attention(seen, masked.masks(flags.seed), { ...image, module, layer });
  }
  await using lifter = await PoseLifter.load(model);
  return await lifter.attention(points, frame, { ...image, module, layer, ...(fps !== undefined && { fps }) });
}
