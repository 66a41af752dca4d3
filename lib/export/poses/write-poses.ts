import { LIFTED_POSES } from '../../base/argument-kinds.js';
import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { extname } from '../../base/system/node.js';
import { type Tensor, type TensorData, tensor } from '../../base/tensor.js';
import { writeAtomically, writeTextAtomically } from '../../formats/files/atomic-file.js';
import { writeNpy } from '../../formats/numpy/npy-writer.js';
import { writeNpz } from '../../formats/numpy/npz-writer.js';
import type { StringArray } from '../../formats/pickle/value.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import type { LiftedPoses } from './lifted-poses.js';
import { csvLines } from './poses-csv.js';
import { jsonParts } from './poses-json.js';

/** What poses can be written as; the file's ending says which. */
export const poseFormats = ['npz', 'npy', 'json', 'csv'] as const;
export type PoseFormat = (typeof poseFormats)[number];

/** The format that a path's ending names; throws `ERR_ARGUMENT` for another. */
export function poseFormatOf(path: string): PoseFormat {
  checkArguments('poseFormatOf', { path }, 'text');
  const ending = extname(path).slice(1).toLowerCase();
  const format = poseFormats.find((known) => known === ending);
  if (format) return format;
  throw new PoseError(
    'ERR_ARGUMENT',
    `${path}: expected a name that ends in ${poseFormats.map((known) => `.${known}`).join(', ')}, got .${ending}; motion goes to .bvh, .trc, .c3d, .glb.`,
  );
}

/**
 * Writes lifted poses, under a temporary name that is renamed when all is on the disk:
 *
 * - `.npz`: `poses` (T, J', 3) float32, `keypoints` (T, J, 2) pixels, `confidence` (T, J), `filled` (T), `frames` (T) names,
 *   `size` (width, height), `fps`, and the texts `layout` (of the poses), `keypoint_layout`, `model`, `person` (the tracker's id);
 *   and where the poses were worked into a motion `motion` (T, J', 3) with the texts `motion_axes`, `motion_root`, `notes`;
 * - `.npy`: exactly (T, J', 3) float32, metres, camera axes, root at zero; where there is a motion, its places instead;
 * - `.json`, `.csv`: see `posesToJson`, `posesToCsv`.
 *
 * Throws `ERR_ARGUMENT` for another ending or shapes that disagree, `ERR_FILE` when the disk refuses.
 */
export function writePoses(path: string, result: LiftedPoses): void {
  checkArguments('writePoses', { path, result }, 'text', LIFTED_POSES);
  const format = poseFormatOf(path);
  checkShapes(result);
  if (format === 'npz') {
    writeNpz(path, arraysOf(result), { compress: true });
    return;
  }
  if (format === 'npy') {
    const array = posesTensor({ ...result, poses: result.motion?.positions ?? result.poses });
    writeAtomically(path, (append) => append(writeNpy(array)));
  } else writeTextAtomically(path, format === 'json' ? jsonParts(result) : csvLines(result));
}

function posesTensor({ poses, layout, track }: LiftedPoses): Tensor {
  return tensor(poses, [track.frames, skeletonByName(layout).joints.length, 3]);
}

function arraysOf(result: LiftedPoses): Map<string, Tensor<TensorData> | StringArray> {
  const { track } = result;
  const text = (value: string): StringArray => ({ strings: [value], shape: [] });
  const arrays = new Map<string, Tensor<TensorData> | StringArray>([
    ['poses', posesTensor(result)],
    ['keypoints', tensor(track.keypoints, [track.frames, track.joints, 2])],
    ['confidence', tensor(track.confidence, [track.frames, track.joints])],
    ['filled', tensor(track.filled, [track.frames])],
    ['frames', { strings: track.frameIds, shape: [track.frames] }],
    ['layout', text(result.layout)],
    ['keypoint_layout', text(track.layout)],
    ['model', text(result.model)],
  ]);
  if (track.width !== undefined && track.height !== undefined) {
    arrays.set('size', tensor(Float64Array.of(track.width, track.height), [2]));
  }
  if (track.fps !== undefined) arrays.set('fps', tensor(Float64Array.of(track.fps), []));
  if (track.id !== undefined) arrays.set('person', text(track.id));
  if (result.motion) {
    const { positions, axes, root, notes } = result.motion;
    arrays.set('motion', posesTensor({ ...result, poses: positions }));
    arrays.set('motion_axes', text(axes));
    arrays.set('motion_root', text(root));
    arrays.set('notes', { strings: notes, shape: [notes.length] });
  }
  return arrays;
}

function checkShapes(result: LiftedPoses): void {
  const { track } = result;
  posesTensor(result);
  if (result.motion) posesTensor({ ...result, poses: result.motion.positions });
  tensor(track.keypoints, [track.frames, track.joints, 2]);
  tensor(track.confidence, [track.frames, track.joints]);
  tensor(track.filled, [track.frames]);
  if (track.frameIds.length !== track.frames) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `Lifted poses: expected ${track.frames} frame names, got ${track.frameIds.length}.`,
    );
  }
}
