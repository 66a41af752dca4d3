import { type Tensor, tensor } from '../base/tensor.js';
import { undistortKeypoints } from '../keypoints/camera.js';
import { smoothOneEuro, smoothSavitzkyGolay } from '../keypoints/filters/smoothing.js';
import type { LiftOptions, PoseLifter } from '../models/pose-lifter.js';
import type { Clip, InputFlags } from './lift-input.js';
import type { Smoothing } from './parse.js';

/** How much One-Euro's cut-off rises with speed, in pixels and in metres a second. */
const pixelBeta = 0.005;
const metreBeta = 1;

/** Lifts one clip: camera, filter of the 2D, network, filter of the 3D. (T, 17, 3), metres. */
export async function liftClip(
  lifter: PoseLifter,
  { track }: Clip,
  flags: InputFlags,
  options: Pick<LiftOptions, 'flip' | 'batch' | 'signal' | 'onProgress'>,
): Promise<Float32Array> {
  const { frames, joints, width, height, layout } = track;
  const points = flags.camera ? undistortKeypoints(track.keypoints, flags.camera, track) : track.keypoints;
  const seen = smoothed(tensor(points, [frames, joints, 2]), flags.smooth2d, track.fps ?? lifter.config.fps, pixelBeta);
  const poses = await lifter.lift(seen, { ...options, width, height, layout, fps: track.fps });
  return smoothed(poses, flags.smooth3d, track.fps ?? lifter.config.fps, metreBeta).data;
}

function smoothed(values: Tensor, filter: Smoothing | undefined, fps: number, beta: number): Tensor {
  if (filter === undefined || filter.kind === 'none') {
    return values;
  }
  return filter.kind === 'one-euro'
    ? smoothOneEuro(values, fps, { minCutoff: filter.cutoff, beta: filter.beta ?? beta })
    : smoothSavitzkyGolay(values, { window: filter.window, degree: filter.degree });
}
