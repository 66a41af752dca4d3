import { readFileSync } from 'node:fs';
import { readNpz } from '../formats/npz.js';
import { isStringArray, isTensor } from '../formats/pickle-value.js';
import { isRecord } from '../keypoints/json-value.js';
import { posesFormat } from '../keypoints/own-text.js';
import { parseKeypoints } from '../keypoints/read-keypoints.js';
import { PoseError } from '../pose-error.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { LiftedPoses } from './lifted-poses.js';

/**
 * Reads what `writePoses` wrote as `.npz` or `.json` (told apart by content). Throws `ERR_FILE` or `ERR_FORMAT`; a `.npy`
 * or `.csv` holds poses alone and is not read.
 */
export function readPoses(path: string): LiftedPoses {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
  return parsePoses(bytes, path);
}

/** {@link readPoses} on bytes; `where` names them in messages. */
export function parsePoses(bytes: Uint8Array, where: string): LiftedPoses {
  const npz = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const found = npz ? posesOfNpz(bytes, where) : posesOfJson(bytes, where);
  // The clip was cut at its long gaps when it was lifted: what was bridged then is bridged again.
  const track = parseKeypoints(bytes, where, { maxGap: Number.POSITIVE_INFINITY });
  const joints = skeletonByName(found.layout).joints.length;
  if (found.poses.length !== track.frames * joints * 3) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected poses of shape (${track.frames}, ${joints}, 3), got ${found.poses.length} values.`,
    );
  }
  // What the first reading said about the detections was said then.
  return { ...found, track: { ...track, notices: [] } };
}

type Found = Omit<LiftedPoses, 'track'>;

function posesOfNpz(bytes: Uint8Array, where: string): Found {
  const arrays = readNpz(bytes, { where });
  const poses = arrays.get('poses');
  if (!poses || !isTensor(poses) || !(poses.data instanceof Float32Array) || poses.shape.length !== 3) {
    throw new PoseError('ERR_FORMAT', `${where}: expected an array poses of shape (T, J, 3), float32.`);
  }
  const text = (name: string): string => {
    const value = arrays.get(name);
    if (value && isStringArray(value) && value.strings.length === 1) return value.strings[0];
    throw new PoseError('ERR_FORMAT', `${where}: expected a text ${name}.`);
  };
  return { poses: poses.data, layout: text('layout'), model: text('model') };
}

function posesOfJson(bytes: Uint8Array, where: string): Found {
  let file: unknown;
  try {
    file = JSON.parse(new TextDecoder('utf-8').decode(bytes));
  } catch (cause) {
    throw new PoseError('ERR_FORMAT', `${where}: expected npz or JSON: ${(cause as Error).message}.`, { cause });
  }
  if (!isRecord(file) || file.format !== posesFormat || !Array.isArray(file.poses)) {
    throw new PoseError('ERR_FORMAT', `${where}: expected JSON with "format": "${posesFormat}" and poses.`);
  }
  const { layout, model } = file;
  const values = file.poses.flat(2);
  if (typeof layout !== 'string' || typeof model !== 'string' || values.some((value) => typeof value !== 'number')) {
    throw new PoseError('ERR_FORMAT', `${where}: expected texts layout and model, and poses of numbers.`);
  }
  return { poses: Float32Array.from(values as number[]), layout, model };
}
