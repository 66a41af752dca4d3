import { throwIfAborted } from '../base/abort.js';
import { DATASET } from '../base/argument-kinds.js';
import { checkArguments } from '../base/check-arguments.js';
import { withMemoryErrors } from '../base/memory-error.js';
import { PoseError } from '../base/pose-error.js';
import type { Tensor } from '../base/tensor.js';
import { Turns } from '../base/turns.js';
import { openSafetensors, type SafetensorsFile, writeSafetensors } from '../formats/safetensors.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { normalizeIntrinsics } from './cameras.js';
import type { DatasetMetadata, SequenceMetadata } from './dataset-metadata.js';
import { DATASET_KEY, DATASET_VERSION, parseDatasetMetadata } from './dataset-metadata.js';
import type { PoseDataset, PoseSequence, Split } from './pose-dataset.js';

/** Which sequences of a data set file to read; what is left out does not select. */
export interface DatasetSelection {
  splits?: readonly Split[];
  subjects?: readonly string[];
  cameras?: readonly string[];
}

type TensorName = 'keypoints' | 'poses' | 'root' | 'valid' | 'activity';

const MAX_FRAMES = 50_000_000;

/** Normalised coordinates (T, J, 2) to pixels, or pixels to normalised ones, into `out`. */
function toPixels(out: Float32Array, keypoints: Float32Array, width: number, height: number): void {
  for (let i = 0; i < keypoints.length; i += 2) {
    out[i] = ((keypoints[i] + 1) * width) / 2;
    out[i + 1] = (keypoints[i + 1] * width + height) / 2;
  }
}

function toNormalised(keypoints: Float32Array, width: number, height: number): void {
  for (let i = 0; i < keypoints.length; i += 2) {
    keypoints[i] = (keypoints[i] / width) * 2 - 1;
    keypoints[i + 1] = (keypoints[i + 1] * 2 - height) / width;
  }
}

/** Values a frame of a field, the same in all sequences: 0 where none has the field. */
function rowLength(sequences: readonly PoseSequence[], field: 'keypoints' | 'poses' | 'root'): number {
  let length = -1;
  for (const sequence of sequences) {
    const own = (sequence[field]?.length ?? 0) / sequence.frames;
    if (length >= 0 && own !== length) {
      throw new PoseError(
        'ERR_DATASET',
        `Sequence ${sequence.name} has ${own} values of ${field} a frame, the ones before it ${length}.`,
      );
    }
    length = own;
  }
  return length;
}

function describe(sequence: PoseSequence, start: number): SequenceMetadata {
  const { name, subject, action, camera, split, fps, frames, width, height, intrinsics, extrinsics } = sequence;
  const half = width / 2;
  return {
    name,
    subject,
    action,
    camera,
    split,
    fps,
    start,
    frames,
    width,
    height,
    intrinsics: intrinsics && {
      fx: intrinsics.fx * half,
      fy: intrinsics.fy * half,
      cx: (intrinsics.cx + 1) * half,
      cy: intrinsics.cy * half + height / 2,
    },
    extrinsics: extrinsics && { rotation: [...extrinsics.rotation], translation: [...extrinsics.translation] },
  };
}

/**
 * Writes a data set as one safetensors file: `keypoints` (F, J, 2) in pixels, `poses` (F, J', 3) and `root` (F, 3)
 * in metres and camera axes, `valid` and `activity` (F) where a sequence has them; F counts the frames of all
 * sequences, one after the other. The metadata describe them as JSON.
 */
export async function writeDataset(path: string, dataset: PoseDataset): Promise<void> {
  checkArguments('writeDataset', { path, dataset }, 'text', DATASET);
  withMemoryErrors(() => writeSequences(path, dataset));
}

function writeSequences(path: string, dataset: PoseDataset): void {
  const { sequences } = dataset;
  if (sequences.length === 0)
    throw new PoseError('ERR_DATASET', `${path}: a data set without sequences is not written.`);
  const total = sequences.reduce((sum, sequence) => sum + sequence.frames, 0);
  if (total > MAX_FRAMES) {
    throw new PoseError('ERR_LIMIT', `${path}: ${total} frames; one data set file holds up to ${MAX_FRAMES}.`);
  }
  const tensors: Record<string, Tensor<Float32Array | Uint8Array>> = {};
  const inputs = rowLength(sequences, 'keypoints');
  const outputs = rowLength(sequences, 'poses');
  const roots = rowLength(sequences, 'root');
  const keypoints = new Float32Array(total * inputs);
  tensors.keypoints = { data: keypoints, shape: [total, inputs / 2, 2] };
  const poses = new Float32Array(total * outputs);
  if (outputs > 0) tensors.poses = { data: poses, shape: [total, outputs / 3, 3] };
  const root = new Float32Array(total * roots);
  if (roots > 0) tensors.root = { data: root, shape: [total, 3] };
  const valid = sequences.some((sequence) => sequence.valid) ? new Uint8Array(total).fill(1) : undefined;
  if (valid !== undefined) tensors.valid = { data: valid, shape: [total] };
  const activity = sequences.some((sequence) => sequence.activity) ? new Uint8Array(total) : undefined;
  if (activity !== undefined) tensors.activity = { data: activity, shape: [total] };
  let start = 0;
  const described = sequences.map((sequence) => {
    const at = start;
    start += sequence.frames;
    const own = keypoints.subarray(at * inputs, start * inputs);
    toPixels(own, sequence.keypoints, sequence.width, sequence.height);
    if (sequence.poses !== undefined) poses.set(sequence.poses, at * outputs);
    if (sequence.root !== undefined) root.set(sequence.root, at * roots);
    if (sequence.valid !== undefined) valid?.set(sequence.valid, at);
    if (sequence.activity !== undefined) activity?.set(sequence.activity, at);
    return describe(sequence, at);
  });
  const metadata: DatasetMetadata = {
    version: DATASET_VERSION,
    name: dataset.name,
    source: dataset.source,
    units: {
      keypoints: 'pixels',
      poses: 'metres, camera axes, relative to the root joint',
      root: 'metres, camera axes',
    },
    inputLayout: dataset.inputLayout,
    outputLayout: dataset.outputLayout,
    rootJoint: dataset.rootJoint,
    sequences: described,
  };
  writeSafetensors(path, tensors, { [DATASET_KEY]: JSON.stringify(metadata) });
}

/** The numbers of one tensor, after a look at its type and shape (F rows, then `rest`; -1 takes any length). */
function readRows(
  file: SafetensorsFile,
  path: string,
  name: string,
  rows: number,
  dtype: string,
  rest: number[],
  turns: Turns,
) {
  const entry = file.entries.get(name);
  const shape = entry?.shape ?? [];
  const fits =
    entry?.dtype === dtype &&
    shape.length === rest.length + 1 &&
    shape[0] === rows &&
    rest.every((length, i) => length === -1 || length === shape[i + 1]);
  if (!fits) {
    const found = entry === undefined ? 'none of that name' : `${entry.dtype} (${shape.join(', ')})`;
    const wanted = [rows, ...rest.map((length) => (length === -1 ? 'joints' : length))].join(', ');
    throw new PoseError('ERR_FORMAT', `${path}: expected a tensor ${name}, ${dtype} (${wanted}), but found ${found}.`);
  }
  return file.readInPieces(name, () => turns.take());
}

/** Rows `start` to `start + frames`: a view, or a copy, so that the rows around it need not be kept. */
function rowsOf<Data extends Float32Array | Uint8Array>(
  data: Data,
  all: number,
  metadata: SequenceMetadata,
  copy: boolean,
) {
  const length = data.length / all;
  const from = metadata.start * length;
  const to = from + metadata.frames * length;
  return (copy ? data.slice(from, to) : data.subarray(from, to)) as Data;
}

function select(path: string, all: readonly SequenceMetadata[], selection: DatasetSelection): SequenceMetadata[] {
  const check = (
    option: string,
    wanted: readonly string[] | undefined,
    own: (metadata: SequenceMetadata) => string,
  ) => {
    const known = new Set(all.map(own));
    const unknown = wanted?.find((value) => !known.has(value));
    if (unknown !== undefined) {
      throw new PoseError('ERR_DATASET', `${path} has no ${option} ${unknown}; it has ${[...known].join(', ')}.`);
    }
  };
  const { splits, subjects, cameras, ...unknown } = selection;
  if (Object.keys(unknown).length > 0) {
    const names = Object.keys(unknown).join(', ');
    throw new PoseError('ERR_ARGUMENT', `readDataset selects by splits, subjects and cameras, not by ${names}.`);
  }
  check('split', splits, (metadata) => metadata.split);
  check('subject', subjects, (metadata) => metadata.subject);
  check('camera', cameras, (metadata) => metadata.camera);
  const chosen = all.filter(
    (metadata) =>
      (splits?.includes(metadata.split) ?? true) &&
      (subjects?.includes(metadata.subject) ?? true) &&
      (cameras?.includes(metadata.camera) ?? true),
  );
  if (chosen.length === 0) throw new PoseError('ERR_DATASET', `${path}: no sequence has all that was asked for.`);
  return chosen;
}

function makeSequence(metadata: SequenceMetadata): PoseSequence {
  const { start: _, intrinsics, ...rest } = metadata;
  const sequence: PoseSequence = { ...rest, keypoints: new Float32Array(0) };
  if (intrinsics !== undefined) sequence.intrinsics = normalizeIntrinsics({ ...intrinsics, ...rest });
  return sequence;
}

/** What a data set file says of itself, without its numbers. Throws `ERR_FORMAT` when it is none. */
export function readDatasetMetadata(path: string): DatasetMetadata {
  checkArguments('readDatasetMetadata', { path }, 'text');
  const file = openSafetensors(path);
  try {
    return parseDatasetMetadata(file.metadata, path);
  } finally {
    file.close();
  }
}

/**
 * Reads a data set file, or the sequences of it that are selected; keypoints come normalised. Everything is checked
 * against the description first. Throws `ERR_FORMAT` on a file that is none, `ERR_DATASET` on a selection that it
 * does not have, `ERR_ABORTED` when the signal comes.
 */
export async function readDataset(
  path: string,
  selection: DatasetSelection = {},
  options: { signal?: AbortSignal | undefined } = {},
): Promise<PoseDataset> {
  checkArguments('readDataset', { path, selection, options }, 'text', 'object?', 'object?');
  throwIfAborted(options.signal);
  const turns = new Turns(options.signal);
  const file = openSafetensors(path);
  try {
    const metadata = parseDatasetMetadata(file.metadata, path);
    const rows = file.entries.get('keypoints')?.shape[0] ?? 0;
    const outside = metadata.sequences.find(({ start, frames }) => start + frames > rows);
    if (outside !== undefined) {
      const { name, start, frames } = outside;
      throw new PoseError(
        'ERR_FORMAT',
        `${path}: sequence ${name} takes frames ${start} to ${start + frames}, but the file holds ${rows}.`,
      );
    }
    const chosen = select(path, metadata.sequences, selection);
    const copy = chosen.length < metadata.sequences.length;
    const sequences = chosen.map(makeSequence);
    const fill = async (name: TensorName, dtype: string, rest: number[]) => {
      if (name !== 'keypoints' && !file.entries.has(name)) return;
      const { data } = await readRows(file, path, name, rows, dtype, rest, turns);
      sequences.forEach((sequence, i) => {
        sequence[name] = withMemoryErrors(() => rowsOf(data as Float32Array & Uint8Array, rows, chosen[i], copy));
      });
    };
    await fill('keypoints', 'F32', [-1, 2]);
    await fill('poses', 'F32', [-1, 3]);
    await fill('root', 'F32', [3]);
    await fill('valid', 'U8', []);
    await fill('activity', 'U8', []);
    for (const { keypoints, width, height } of sequences) {
      toNormalised(keypoints, width, height);
      await turns.take();
    }
    const { name, source, inputLayout, outputLayout, rootJoint } = metadata;
    checkLayout(path, 'keypoints', inputLayout, file);
    checkLayout(path, 'poses', outputLayout, file);
    return { name, source, inputLayout, outputLayout, rootJoint, sequences };
  } finally {
    file.close();
  }
}

/** A layout that is known must have as many joints as the tensor. */
function checkLayout(path: string, name: TensorName, layout: string, file: SafetensorsFile): void {
  const joints = file.entries.get(name)?.shape[1];
  const expected = skeletonByName(layout).joints.length;
  if (joints !== undefined && joints !== expected) {
    throw new PoseError('ERR_FORMAT', `${path}: ${layout} has ${expected} joints, but ${name} has ${joints}.`);
  }
}
