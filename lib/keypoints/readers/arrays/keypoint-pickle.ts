import { PoseError } from '../../../base/pose-error.js';
import type { Tensor, TensorData } from '../../../base/tensor.js';
import type { NpyValue } from '../../../formats/numpy/npy.js';
import { pickledList, readPickle } from '../../../formats/pickle/pickle.js';
import { isObjectArray, isStringArray, isTensor, type PickleValue } from '../../../formats/pickle/value.js';
import type { FoundDetections } from '../../detections.js';
import type { ReadKeypointsOptions } from '../../keypoint-track.js';
import type { FoundTrack } from '../../people/assemble-track.js';
import { readJsonValue } from '../../read-input.js';
import { findItem, LongList, made } from '../json/long-value.js';
import { readKeypointArray, readKeypointNpz } from './keypoint-arrays.js';

/** Protocols 2 to 5 begin with this byte and their number. */
const protocolMark = 0x80;

/** A list of more bytes is not held: it is made again, item by item, each time somebody goes through it. */
const longBytes = 16 << 20;

/** Whether bytes begin as a pickle of Python does. */
export function isPickle(bytes: Uint8Array): boolean {
  return bytes[0] === protocolMark && bytes[1] >= 2 && bytes[1] <= 5;
}

/**
 * Reads a pickle of arrays by name (a dict, as AIST++ has), of one such dict a clip (MMAction2's annotations; the option `entry`
 * names one), of an array, or of a detector's results in memory, which are read as their JSON is. No code of the file runs.
 * Throws `ERR_FORMAT`, `ERR_ARGUMENT` where there are several clips.
 */
export function readKeypointPickle(
  where: string,
  bytes: Uint8Array,
  options: ReadKeypointsOptions,
): FoundTrack[] | FoundDetections {
  const items = bytes.length > longBytes ? pickledList(bytes, { where }) : undefined;
  const first = items && findItem(items, () => true)?.item;
  if (items && !isClip(first as PickleValue)) {
    const list = new LongList(() => made(() => plainItems(items)));
    return readJsonValue(where, list, options);
  }
  const value = readPickle(bytes, { where });
  if (isTensor(value) || isObjectArray(value)) return readKeypointArray(where, value, options);
  const root = value instanceof Map ? (value.get('annotations') ?? value) : value;
  const clips = (Array.isArray(root) ? root : [root]).filter(isClip);
  if (clips.length === 0) return readJsonValue(where, plain(value), options);
  const chosen = clips.length === 1 ? clips[0] : clips.find((clip, index) => nameOf(clip, index) === options.entry);
  if (chosen === undefined) {
    const names = clips.slice(0, 8).map(nameOf).join(', ') + (clips.length > 8 ? `, ... (${clips.length})` : '');
    throw new PoseError(
      'ERR_ARGUMENT',
      `${where}: option entry: expected one of ${names}, got ${options.entry ?? 'none'}.`,
    );
  }
  const { entry: _, ...rest } = options;
  const arrays = arraysOf(chosen);
  const named = { names: [...arrays.keys()], read: (name: string) => arrays.get(name)!, objects: () => undefined };
  return readKeypointNpz(where, named, rest);
}

type Dict = Map<PickleValue, PickleValue>;

/** Whether a value is a dict of a clip: one of its arrays has a person's joints in frames. */
function isClip(value: PickleValue): value is Dict {
  return value instanceof Map && [...value.values()].some((item) => isTensor(item) && item.shape.length >= 3);
}

function nameOf(clip: Dict, index: number): string {
  const name = ['frame_dir', 'filename', 'video_id', 'name']
    .map((key) => clip.get(key))
    .find((one) => typeof one === 'string' && one !== '');
  return typeof name === 'string' ? name : String(index);
}

/** A dict's arrays and numbers, as an npz has them. */
function arraysOf(clip: Dict): Map<string, NpyValue> {
  const arrays = new Map<string, NpyValue>();
  for (const [name, value] of clip) {
    if (isTensor(value) || isStringArray(value)) arrays.set(String(name), value);
    else if (typeof value === 'number') arrays.set(String(name), numbers([value]));
    else if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')) {
      arrays.set(String(name), numbers(value));
    }
  }
  return arrays;
}

function numbers(values: readonly number[]): Tensor<TensorData> {
  return { data: Float64Array.from(values), shape: [values.length] };
}

function* plainItems(items: Iterable<PickleValue>): Generator<unknown> {
  for (const item of items) yield plain(item);
}

/** A value as JSON would have it: dicts as objects, arrays as lists. */
function plain(value: PickleValue): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, item]) => [String(name), plain(item)]));
  if (Array.isArray(value) || value instanceof Set) return [...value].map(plain);
  if (isTensor(value)) return nested(Array.from(value.data, Number), value.shape);
  if (isObjectArray(value)) return value.objects.map(plain);
  if (isStringArray(value)) return value.strings;
  return typeof value === 'bigint' ? Number(value) : value;
}

function nested(values: readonly number[], shape: readonly number[]): unknown {
  if (shape.length === 0) return values[0];
  if (shape.length === 1) return values;
  const size = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, at) => nested(values.slice(at * size, (at + 1) * size), shape.slice(1)));
}
