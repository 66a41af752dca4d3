import type { NativeConfig, NativeModel } from '../../binding.js';
import { pattern } from './pattern.js';

const HIDDEN = 1024;

/** A clip of normalised keypoints (T, J, 2), where its root is (T, 3), and its camera fx, fy, cx, cy. */
export interface RefinedClip {
  keypoints: Float32Array;
  root: Float32Array;
  camera: Float32Array;
  stride: number;
}

/** A clip of Human3.6M's joints in front of a camera. */
export function refinedClip(frames: number): RefinedClip {
  return {
    keypoints: pattern('clip', frames, 17, 2).data.map((value) => 0.5 * value),
    root: pattern('root', frames, 3).data.map((value, i) => value + (i % 3 === 2 ? 4 : 0)),
    camera: Float32Array.of(2.29, 2.287, 0.025, 0.029),
    stride: 2,
  };
}

/** Windows (T, N, J, 2) of a clip, mirrored ones too. */
function windowsOf(config: NativeConfig, { keypoints, stride }: RefinedClip, mirrored: boolean): Float32Array {
  const { frames, joints, mirrorInput } = config;
  const length = keypoints.length / joints / 2;
  return Float32Array.from({ length: length * frames * joints * 2 }, (_, i) => {
    const [axis, joint] = [i % 2, Math.floor(i / 2) % joints];
    const [place, centre] = [Math.floor(i / 2 / joints) % frames, Math.floor(i / 2 / joints / frames)];
    const at = Math.min(Math.max(centre + (place - (frames - 1) / 2) * stride, 0), length - 1);
    const value = keypoints[(at * joints + (mirrored ? mirrorInput[joint] : joint)) * 2 + axis];
    return mirrored && axis === 0 ? -value : value;
  });
}

/** Root-relative metres of image points (J, 2) at the depths of a pose (J, 3): `back_project` of the oracle. */
function backProject(points: Float32Array, pose: number[], root: Float32Array, camera: Float32Array): number[] {
  const space = pose.map((_, i) => {
    const joint = Math.floor(i / 3);
    const depth = root[2] + (joint === 0 ? 0 : pose[joint * 3 + 2]);
    const axis = i % 3;
    return axis === 2 ? depth : ((points[joint * 2 + axis] - camera[2 + axis]) * depth) / camera[axis];
  });
  return space.map((value, i) => value - space[i % 3]);
}

/** weight (out, in) x + bias */
function linear(x: number[], weight: Float32Array, bias: Float32Array): number[] {
  return Array.from(bias, (start, row) =>
    x.reduce((sum, value, column) => sum + value * weight[row * x.length + column], start),
  );
}

/**
 * The poses (T, J, 3) of the authors' mirrored test with the refining module, in double precision from the network's own
 * single poses: the plain and the un-mirrored one averaged first, and refined once with the plain 2D.
 */
export async function refinedMean(model: NativeModel, config: NativeConfig, clip: RefinedClip): Promise<number[]> {
  const { joints, outputJoints, mirrorOutput } = config;
  const batch = clip.root.length / 3;
  const singles: Float32Array[] = [];
  for (const mirrored of [false, true]) {
    singles.push((await model.forward({ keypoints: windowsOf(config, clip, mirrored), batch })).single);
  }
  const [plain, other] = singles;
  const [first, firstBias, second, secondBias] = await Promise.all(
    ['0.weight', '0.bias', '3.weight', '3.bias'].map((name) => model.read('value', `post_refine.${name}`)),
  );
  if (firstBias.length !== HIDDEN) throw new Error(`${HIDDEN} hidden values expected, got ${firstBias.length}.`);
  const size = outputJoints * 3;
  const poses: number[] = [];
  for (let frame = 0; frame < batch; frame++) {
    const mean = Array.from({ length: size }, (_, i) => {
      const joint = mirrorOutput[Math.floor(i / 3)];
      const value = other[frame * size + joint * 3 + (i % 3)];
      return (plain[frame * size + i] + (i % 3 === 0 ? -value : value)) / 2;
    });
    const points = clip.keypoints.subarray(frame * joints * 2, (frame + 1) * joints * 2);
    const back = backProject(points, mean, clip.root.subarray(frame * 3, frame * 3 + 3), clip.camera);
    const input = Array.from({ length: 2 * size }, (_, i) => {
      const [joint, column] = [Math.floor(i / 6), i % 6];
      return column < 3 ? mean[joint * 3 + column] : back[joint * 3 + column - 3];
    });
    const hidden = linear(input, first, firstBias).map((value) => Math.max(value, 0));
    const scores = linear(hidden, second, secondBias).map((value) => 1 / (1 + Math.exp(-value)));
    for (let i = 0; i < size; i++) {
      const score = i % 3 === 2 ? 1 : scores[Math.floor(i / 3) * 2 + (i % 3)];
      poses.push(score * mean[i] + (1 - score) * back[i]);
    }
  }
  return poses;
}
