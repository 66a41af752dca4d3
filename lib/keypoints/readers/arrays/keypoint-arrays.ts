import { PoseError } from '../../../base/pose-error.js';
import type { Tensor, TensorData } from '../../../base/tensor.js';
import type { NpyValue, ObjectStream } from '../../../formats/numpy/npy.js';
import { isObjectArray, isStringArray, isTensor, type PickleValue } from '../../../formats/pickle/value.js';
import type { FoundDetections } from '../../detections.js';
import type { ReadKeypointsOptions } from '../../keypoint-track.js';
import type { FoundTrack } from '../../people/assemble-track.js';
import { isDetectronOutput, readDetectron } from './detectron-arrays.js';
import { isModelOutput, readModelOutput } from './model-arrays.js';

/** Names that npz files give to 2D keypoints, the likeliest first. */
const keypointNames = [
  'keypoints',
  'keypoint',
  'keypoints2d',
  'positions_2d',
  'keypoints_2d',
  'kpts',
  'kpts_2d',
  'kp2d',
  'joints_2d',
  'poses_2d',
  'pose_2d',
  'reconstruction',
];
const confidenceNames = ['confidence', 'confidences', 'scores', 'keypoint_scores', 'keypoint_score', 'conf'];
/** Names of arrays (height, width), as NumPy shapes an image. */
const shapeNames = ['original_shape', 'img_shape', 'orig_shape'];

/** How detections of other projects name the layouts (the `layout_name` of a dict's metadata). */
const foreignLayouts = new Map([
  ['coco', 'coco-17'],
  ['h36m', 'h36m-17'],
]);

/** Arrays by their names, each of which is read when it is asked for: an open npz, or the items of a dict. */
export interface NamedArrays {
  readonly names: readonly string[];
  read(name: string): NpyValue;
  /** undefined for an array of numbers or texts. */
  objects(name: string): ObjectStream | undefined;
}

/**
 * A `.npy`: (T, J, 2) pixels, (T, J, 3) with confidence, or (P, T, J, 2 or 3) with P people; or what MoveNet and MediaPipe
 * give. Throws `ERR_FORMAT` for another shape.
 */
export function readKeypointArray(
  where: string,
  value: NpyValue,
  options: ReadKeypointsOptions,
): FoundTrack[] | FoundDetections {
  if (isTensor(value) && isModelOutput(value, options.format)) return readModelOutput(where, value);
  return tracksInArray(where, value);
}

function tracksInArray(where: string, value: NpyValue): FoundTrack[] {
  if (!isTensor(value)) {
    throw new PoseError('ERR_FORMAT', `${where}: expected an array of numbers, got ${described(value)}.`);
  }
  const { shape } = value;
  const [joints, channels] = shape.slice(-2);
  const fits = (shape.length === 3 || shape.length === 4) && (channels === 2 || channels === 3);
  if (!fits || value.data.length === 0) {
    throw new PoseError('ERR_FORMAT', `${where}: expected shape (T, J, 2) or (T, J, 3), got (${shape.join(', ')}).`);
  }
  const people = shape.length === 4 ? shape[0] : 1;
  const frames = shape[shape.length - 3];
  return Array.from({ length: people }, (_, person) => {
    const keypoints = new Float32Array(frames * joints * 2);
    const confidence = new Float32Array(frames * joints);
    const start = person * frames * joints;
    for (let point = 0; point < frames * joints; point++) {
      const at = (start + point) * channels;
      keypoints[point * 2] = Number(value.data[at]);
      keypoints[point * 2 + 1] = Number(value.data[at + 1]);
      if (channels === 3) confidence[point] = Number(value.data[at + 2]);
    }
    const notices = people > 1 ? [`${people} people: took person ${person}.`] : [];
    const found: FoundTrack = { keypoints, frames, joints, people, notices, ...(people > 1 && { id: String(person) }) };
    return channels === 3 ? { ...found, confidence } : found;
  });
}

/**
 * An `.npz`: an array of keypoints under one of the usual names (or the one that the option `entry` names), with
 * `confidence`, `size` (or `width` and `height`), `fps`, `layout` and `filled` beside it where there are such; or the
 * pickled detections of VideoPose3D (`positions_2d` and `metadata`) or of Detectron (`boxes` and `keypoints` a frame).
 */
export function readKeypointNpz(
  where: string,
  arrays: NamedArrays,
  options: ReadKeypointsOptions,
): FoundTrack[] | FoundDetections {
  const has = (candidate: string) => arrays.names.includes(candidate);
  const named = options.entry !== undefined && has(options.entry) ? options.entry : undefined;
  const name = named ?? keypointNames.find(has);
  if (name === undefined) {
    const list = arrays.names.map((key) => `${key}: ${described(arrays.read(key))}`).join('; ') || 'no array';
    const wanted = options.entry === undefined ? keypointNames.slice(0, 4).join(', ') : options.entry;
    throw new PoseError('ERR_FORMAT', `${where}: expected an array of 2D keypoints (${wanted}), got ${list}.`);
  }
  const place = `${where}: ${name}`;
  const metadata = soleObject(arrayNamed(arrays, 'metadata'));
  const objects = arrays.objects(name);
  if (objects && isDetectronOutput(objects)) return readDetectron(place, objects, metadata);
  const value = objects ? { ...objects, objects: [...objects.objects] } : arrays.read(name);
  const dict = soleObject(value);
  if (dict !== undefined) return readDetectionDict(place, dict, metadata, options);
  if (options.entry !== undefined && named === undefined) {
    const names = arrays.names.join(', ');
    throw new PoseError('ERR_ARGUMENT', `${where}: option entry: expected one of ${names}, got ${options.entry}.`);
  }

  const found = readKeypointArray(place, value, options);
  return Array.isArray(found) ? found.map((track, person) => withArrays(where, track, person, value, arrays)) : found;
}

/** A person's track with what the archive says beside the keypoints. */
function withArrays(
  where: string,
  track: FoundTrack,
  person: number,
  value: NpyValue,
  arrays: NamedArrays,
): FoundTrack {
  const found = { ...track };
  const array = (name: string) => arrayNamed(arrays, name);
  const confidenceName = confidenceNames.find((candidate) => arrays.names.includes(candidate));
  if (!found.confidence && confidenceName) {
    const shape = isTensor(value) ? value.shape.slice(0, -1) : [];
    found.confidence = confidenceArray(where, confidenceName, arrays.read(confidenceName), shape, person);
  }
  const size = numbersOf(array('size')) ?? numbersOf(shapeNames.map((shape) => array(shape)).find(Boolean))?.reverse();
  found.width = size?.length === 2 ? size[0] : numbersOf(array('width'))?.[0];
  found.height = size?.length === 2 ? size[1] : numbersOf(array('height'))?.[0];
  found.fps = numbersOf(array('fps'))?.[0];
  found.layout = textOf(array('keypoint_layout')) ?? textOf(array('layout'));
  found.id ??= textOf(array('person'));
  const filled = array('filled');
  if (filled && isTensor(filled) && filled.data.length === found.frames) found.filled = Array.from(filled.data, Number);
  const ids = array('frames');
  if (ids && isStringArray(ids) && ids.strings.length === found.frames) found.frameIds = ids.strings;
  return found;
}

/** VideoPose3D's dict: subject -> action -> one array a camera, with the joints' layout and the videos' sizes beside it. */
function readDetectionDict(
  place: string,
  dict: PickleValue,
  metadata: PickleValue | undefined,
  options: ReadKeypointsOptions,
): FoundTrack[] {
  const entries = new Map<string, { subject: string; array: Tensor<TensorData> }>();
  const wrong = () =>
    new PoseError(
      'ERR_FORMAT',
      `${place}: expected a dict of subject, action and arrays (T, J, 2), got something else.`,
    );
  if (!(dict instanceof Map)) throw wrong();
  for (const [subject, actions] of dict) {
    if (!(actions instanceof Map)) throw wrong();
    for (const [action, cameras] of actions) {
      const list = isObjectArray(cameras) ? cameras.objects : isTensor(cameras) ? [cameras] : cameras;
      if (!Array.isArray(list)) throw wrong();
      for (const [camera, array] of list.entries()) {
        if (!isTensor(array)) throw wrong();
        entries.set(`${subject}/${action}/${camera}`, { subject: String(subject), array });
      }
    }
  }
  const names = [...entries.keys()];
  const name = options.entry ?? (names.length === 1 ? names[0] : undefined);
  const entry = name === undefined ? undefined : entries.get(name);
  if (name === undefined || !entry) {
    const list = names.slice(0, 8).join(', ') + (names.length > 8 ? `, ... (${names.length})` : '');
    const got = name === undefined ? 'none' : name;
    throw new PoseError('ERR_ARGUMENT', `${place}: option entry: expected one of ${list || 'no entries'}, got ${got}.`);
  }
  return tracksInArray(`${place}: ${name}`, entry.array).map((track) => withMetadata(track, entry.subject, metadata));
}

function withMetadata(track: FoundTrack, subject: string, metadata: PickleValue | undefined): FoundTrack {
  const found = { ...track };
  if (metadata instanceof Map) {
    const layout = metadata.get('layout_name');
    if (typeof layout === 'string') found.layout = foreignLayouts.get(layout);
    const videos = metadata.get('video_metadata');
    const video = videos instanceof Map ? videos.get(subject) : undefined;
    if (video instanceof Map) {
      found.width = positive(video.get('w'));
      found.height = positive(video.get('h'));
    }
  }
  return found;
}

function confidenceArray(
  where: string,
  name: string,
  value: NpyValue,
  shape: readonly number[],
  person: number,
): Float32Array {
  // The last axis may be kept with length 1: (T, J, 1).
  const got = isTensor(value) ? value.shape.filter((length, axis) => axis < shape.length || length !== 1) : [];
  if (!isTensor(value) || got.length !== shape.length || got.some((length, axis) => length !== shape[axis])) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: ${name}: expected shape (${shape.join(', ')}), got ${described(value)}.`,
    );
  }
  const count = shape[shape.length - 2] * shape[shape.length - 1];
  const start = shape.length === 3 ? person * count : 0;
  return Float32Array.from({ length: count }, (_, at) => Number(value.data[start + at]));
}

function arrayNamed(arrays: NamedArrays, name: string): NpyValue | undefined {
  return arrays.names.includes(name) ? arrays.read(name) : undefined;
}

/** The object of a 0-d (or one-element) object array. */
function soleObject(value: NpyValue | undefined): PickleValue | undefined {
  return value !== undefined && isObjectArray(value) && value.objects.length === 1 ? value.objects[0] : undefined;
}

function numbersOf(value: NpyValue | undefined): number[] | undefined {
  return value !== undefined && isTensor(value) && value.data.length <= 2 ? Array.from(value.data, Number) : undefined;
}

function textOf(value: NpyValue | undefined): string | undefined {
  return value !== undefined && isStringArray(value) && value.strings.length === 1 ? value.strings[0] : undefined;
}

function positive(value: PickleValue | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined;
}

function described(value: NpyValue): string {
  const kind = isTensor(value) ? 'numbers' : isStringArray(value) ? 'texts' : 'Python objects';
  return `${kind} of shape (${value.shape.join(', ')})`;
}
