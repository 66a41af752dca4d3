import { isArrayOf } from '../../base/array-kind.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { GrowingFloats } from '../../base/growing-floats.js';
import { parseJsonText } from '../../base/json-text.js';
import { PoseError } from '../../base/pose-error.js';
import { type ByteSource, type PathOrBytes, withSource } from '../../formats/bytes/byte-source.js';
import { readNpz } from '../../formats/numpy/npz.js';
import { isStringArray, isTensor } from '../../formats/pickle/value.js';
import { readKeypoints } from '../../keypoints/read-keypoints.js';
import { parseJsonStream } from '../../keypoints/readers/json/json-stream.js';
import { isRecord } from '../../keypoints/readers/json/json-value.js';
import { isList, type JsonList } from '../../keypoints/readers/json/long-value.js';
import { posesFormat } from '../../keypoints/readers/own-text.js';
import type { Motion } from '../../motion/motion.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import type { LiftedPoses } from './lifted-poses.js';

/**
 * Reads what `writePoses` wrote as `.npz` or `.json` (told apart by content), from its path or its bytes, which messages call
 * `where`. Throws `ERR_FILE` or `ERR_FORMAT`; a `.npy` or `.csv` holds poses alone and is not read.
 */
export function readPoses(source: PathOrBytes, options: { where?: string } = {}): LiftedPoses {
  checkArguments('readPoses', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readPoses', options, { where: 'text' });
  return withSource(source, options.where, (opened) => posesOf(opened, source));
}

function posesOf(opened: ByteSource, source: PathOrBytes): LiftedPoses {
  const { where, size } = opened;
  const start = opened.read(0, Math.min(2, size));
  const npz = start[0] === 0x50 && start[1] === 0x4b;
  const found = npz ? posesOfNpz(opened.read(0, size), where) : posesOfJson(opened);
  // The clip was cut at its long gaps when it was lifted: what was bridged then is bridged again.
  const track = readKeypoints(source, { where, maxGap: Number.POSITIVE_INFINITY });
  const joints = skeletonByName(found.layout).joints.length;
  if (found.poses.length !== track.frames * joints * 3) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected poses of shape (${track.frames}, ${joints}, 3), got ${found.poses.length} values.`,
    );
  }
  const { worked, ...lifted } = found;
  const motion = worked && motionFrom(worked, lifted.layout, track, where);
  // What the first reading said about the detections was said then.
  return { ...lifted, track: { ...track, notices: [] }, ...(motion && { motion }) };
}

/** A file's motion before its words are known to be right. */
interface Worked {
  positions: Float32Array;
  axes: unknown;
  root: unknown;
  notes: readonly unknown[];
}

type Found = Omit<LiftedPoses, 'track' | 'motion'> & { worked?: Worked };

function motionFrom(
  { positions, axes, root, notes }: Worked,
  layout: string,
  { frames, fps }: LiftedPoses['track'],
  where: string,
): Motion {
  const joints = skeletonByName(layout).joints.length;
  if (
    positions.length !== frames * joints * 3 ||
    (axes !== 'camera' && axes !== 'world') ||
    (root !== 'relative' && root !== 'estimated') ||
    !notes.every((note) => typeof note === 'string')
  ) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected a motion of shape (${frames}, ${joints}, 3) with axes (camera, world), root (relative, estimated) ` +
        'and notes.',
    );
  }
  return { positions, frames, layout, axes, root, notes: [...notes] as string[], ...(fps !== undefined && { fps }) };
}

function posesOfNpz(bytes: Uint8Array, where: string): Found {
  const arrays = readNpz(bytes, { where });
  const poses = arrays.get('poses');
  if (!poses || !isTensor(poses) || !isArrayOf('Float32Array', poses.data) || poses.shape.length !== 3) {
    throw new PoseError('ERR_FORMAT', `${where}: expected an array poses of shape (T, J, 3), float32.`);
  }
  const text = (name: string): string => {
    const value = arrays.get(name);
    if (value && isStringArray(value) && value.strings.length === 1) return value.strings[0];
    throw new PoseError('ERR_FORMAT', `${where}: expected a text ${name}.`);
  };
  const found: Found = { poses: poses.data, layout: text('layout'), model: text('model') };
  const motion = arrays.get('motion');
  if (motion === undefined) return found;
  const notes = arrays.get('notes');
  if (!isTensor(motion) || !isArrayOf('Float32Array', motion.data) || !notes || !isStringArray(notes)) {
    throw new PoseError('ERR_FORMAT', `${where}: expected an array motion of float32 and texts notes.`);
  }
  const worked = { axes: text('motion_axes'), root: text('motion_root'), notes: notes.strings };
  return { ...found, worked: { ...worked, positions: motion.data } };
}

/** JSON beyond this is read piece by piece. */
const streamedText = 32_000_000;

function posesOfJson(source: ByteSource): Found {
  const { where, size } = source;
  let file: unknown;
  try {
    file =
      size > streamedText
        ? parseJsonStream(source)
        : parseJsonText(new TextDecoder('utf-8').decode(source.read(0, size)));
  } catch (cause) {
    throw new PoseError('ERR_FORMAT', `${where}: expected npz or JSON: ${(cause as Error).message}.`, { cause });
  }
  if (!isRecord(file) || file.format !== posesFormat || !isList(file.poses)) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected JSON with "format": "${posesFormat}" and poses, as lift writes it; got another JSON (keypoints are lifted first).`,
    );
  }
  const { layout, model } = file;
  const poses = numbersIn(file.poses);
  if (typeof layout !== 'string' || typeof model !== 'string' || poses === undefined) {
    throw new PoseError('ERR_FORMAT', `${where}: expected texts layout and model, and poses of numbers.`);
  }
  const found: Found = { poses, layout, model };
  if (file.motion === undefined) return found;
  const { motion } = file;
  const positions = isRecord(motion) && isList(motion.positions) ? numbersIn(motion.positions) : new Float32Array(0);
  if (!isRecord(motion) || !Array.isArray(motion.notes) || positions === undefined) {
    throw new PoseError('ERR_FORMAT', `${where}: expected a motion with notes, and positions of numbers.`);
  }
  const { axes, root, notes } = motion;
  return { ...found, worked: { axes, root, notes, positions } };
}

/** The numbers of frames of points, one after the other; undefined where something else is among them. */
function numbersIn(frames: JsonList): Float32Array | undefined {
  const numbers = new GrowingFloats();
  for (const frame of frames) {
    for (const value of Array.isArray(frame) ? frame.flat() : [frame]) {
      if (typeof value !== 'number') return undefined;
      numbers.push(value);
    }
  }
  return numbers.taken();
}
