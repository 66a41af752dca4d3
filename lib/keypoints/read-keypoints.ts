import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { readFileSync, statSync } from '../base/system/node.js';
import { type PathOrBytes, withSource } from '../formats/bytes/byte-source.js';
import { latin1 } from '../formats/bytes/latin1.js';
import { isReadableFolder } from '../formats/files/make-folder.js';
import { readNpy } from '../formats/numpy/npy.js';
import { readNpz } from '../formats/numpy/npz.js';
import { readFrameFolder } from './frames/frame-folder.js';
import { inputFormats } from './input-format.js';
import type { KeypointTrack, ReadKeypointsOptions } from './keypoint-track.js';
import { assembleTrack, type FoundTrack } from './people/assemble-track.js';
import { tracksOfPeople } from './people/person-track.js';
import { readJsonValue, readTextFile } from './read-input.js';
import { readKeypointArray, readKeypointNpz } from './readers/arrays/keypoint-arrays.js';
import { decodeText } from './readers/decode-text.js';
import { parseJsonStream } from './readers/json/json-stream.js';
import { parseJson } from './readers/json/json-value.js';
import { type RawDetections, settleDetections, settleTracks } from './settle-detections.js';

/** Largest text that is read as one string; JSON beyond `streamedText` is read piece by piece, however long it is. */
const longestText = 400_000_000;
const streamedText = 32_000_000;

/** Largest file of any kind: what Node reads in one go. */
const longestFile = 2 ** 31 - 1;

/** Formats whose files may be NumPy's. */
const arrayFormats = ['numpy', 'pstmo', 'movenet'];

const knownOptions = [
  'where',
  'format',
  'layout',
  'person',
  'entry',
  'size',
  'fps',
  'ignoreIds',
  'mergeIds',
  'maxGap',
  'minConfidence',
];

/**
 * Reads one person's 2D joints from a file of any of the kinds that people have, its bytes, or a folder of one file a
 * frame; what it is shows in its content, unless the option `format` says it:
 *
 * - AlphaPose's JSON (17, 26, 133 or 136 joints; with and without tracks; its `cmu` and `open` forms), COCO's results
 *   and annotations;
 * - OpenPose's JSON (BODY_25, BODY_25B, COCO), MMPose's predictions, MediaPipe Pose's landmarks, Ultralytics' YOLO (JSON
 *   and text), MoveNet's and PoseNet's poses, bare lists of points; JSON lines of any of these;
 * - `.npz` (this project's, an array of keypoints, VideoPose3D's or Detectron's pickled detections), `.npy` (T, J, 2 or 3);
 * - DeepLabCut's and SLEAP's CSV, tables with a row a frame or a row a joint, this project's JSON and CSV.
 *
 * Short gaps are filled by interpolation and marked, longer ones marked for `splitAtGaps`. Throws `PoseError`:
 * `ERR_FILE` for a file that cannot be read, `ERR_FORMAT` for one that is none of these or is broken, `ERR_ARGUMENT`
 * for options that do not fit, `ERR_LIMIT` for too large a file.
 */
export function readKeypoints(source: PathOrBytes, options: ReadKeypointsOptions = {}): KeypointTrack {
  checkArguments('readKeypoints', { source, options }, 'Uint8Array|text', 'object?');
  const people = findPeople(source, options);
  const where = nameOf(source, options);
  const person = options.person ?? 0;
  if (!(Number.isInteger(person) && person >= 0 && person < people.length)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${where}: option person: expected ${people.length === 1 ? '0, the only one' : `0 to ${people.length - 1}`}, got ${person}.`,
    );
  }
  return assembleTrack(where, { ...people[person], person }, options);
}

/** Everybody whom {@link readKeypoints} could read, in the order of the option `person`. */
export function readPeople(source: PathOrBytes, options: ReadKeypointsOptions = {}): KeypointTrack[] {
  checkArguments('readPeople', { source, options }, 'Uint8Array|text', 'object?');
  const where = nameOf(source, options);
  return findPeople(source, options).map((track, person) => assembleTrack(where, { ...track, person }, options));
}

/** Tracks of the people that a detector found: what reading a file of them gives. */
export function tracksFrom(where: string, raw: RawDetections, options: ReadKeypointsOptions): KeypointTrack[] {
  const found = settleDetections(where, raw, options);
  return tracksOfPeople(where, found, options).map((track, person) =>
    assembleTrack(where, { ...track, person }, options),
  );
}

/**
 * Everybody's detections, before gaps are filled. With `anySize`, fractions of an image of unknown size stay fractions
 * instead of being refused.
 */
export function findPeople(source: PathOrBytes, options: ReadKeypointsOptions, anySize = false): FoundTrack[] {
  checkOptions(options);
  const where = nameOf(source, options);
  const found =
    typeof source === 'string' && isReadableFolder(source)
      ? readFrameFolder(source, options)
      : (streamed(source, where, options) ??
        find(typeof source === 'string' ? bytesOf(source) : source, where, options));
  if (Array.isArray(found)) return settleTracks(where, found, options, anySize);
  const settled = settleDetections(where, found, options);
  const { width, height } = options.size ?? settled;
  const unit = anySize && settled.fractions && (width === undefined || height === undefined);
  return tracksOfPeople(where, settled, unit ? { ...options, size: { width: 1, height: 1 } } : options);
}

/** What a long JSON file holds; undefined for a short or another one. */
function streamed(
  source: PathOrBytes,
  where: string,
  options: ReadKeypointsOptions,
): FoundTrack[] | RawDetections | undefined {
  if (typeof source === 'string' && !(statSync(source).isFile() && statSync(source).size > streamedText))
    return undefined;
  if (typeof source !== 'string' && source.length <= streamedText) return undefined;
  return withSource(source, where, (opened) => {
    // Zeros between the letters are UTF-16's, which is decoded as a whole.
    const head = latin1(opened.read(0, 1024))
      .replace(/^\xef\xbb\xbf/, '')
      .trimStart();
    if (!/^[[{]/.test(head) || head.includes('\0')) return undefined;
    return readJsonValue(where, parseJsonStream(opened), options);
  });
}

/** How messages name a source. */
function nameOf(source: PathOrBytes, { where = 'the given bytes' }: ReadKeypointsOptions): string {
  return typeof source === 'string' ? source : where;
}

function checkOptions(options: ReadKeypointsOptions): void {
  const unknown = Object.keys(options).find((name) => !knownOptions.includes(name));
  if (unknown !== undefined) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `readKeypoints: expected the options ${knownOptions.join(', ')}, got ${unknown}.`,
    );
  }
  const { format } = options;
  if (format !== undefined && !inputFormats.includes(format)) {
    throw new PoseError('ERR_ARGUMENT', `option format: expected ${inputFormats.join(', ')}, got ${format}.`);
  }
}

function bytesOf(path: string): Uint8Array {
  try {
    const status = statSync(path);
    if (!status.isFile()) throw new PoseError('ERR_FILE', `${path}: expected a file or folder, got a device.`);
    if (status.size > longestFile) {
      throw new PoseError('ERR_LIMIT', `${path}: expected at most ${longestFile} bytes, got ${status.size}.`);
    }
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): PoseError {
  if (cause instanceof PoseError) return cause;
  const reason = cause instanceof Error ? cause.message : cause;
  return new PoseError('ERR_FILE', `${path}: cannot be read: ${reason}.`, { cause });
}

function find(bytes: Uint8Array, where: string, options: ReadKeypointsOptions): FoundTrack[] | RawDetections {
  if (bytes.length === 0) throw new PoseError('ERR_FORMAT', `${where}: the file is empty.`);
  const start = latin1(bytes.subarray(0, 8));
  const isArray = start.startsWith('PK') || start.startsWith('\x93NUMPY');
  if (isArray && !arrayFormats.includes(options.format ?? 'numpy')) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected a file of the format ${options.format}, got arrays of NumPy.`,
    );
  }
  if (start.startsWith('PK')) return readKeypointNpz(where, readNpz(bytes, { where }), options);
  if (start.startsWith('\x93NUMPY')) return readKeypointArray(where, readNpy(bytes, { where }), options);
  if (bytes.length > longestText) {
    throw new PoseError('ERR_LIMIT', `${where}: expected at most ${longestText} bytes of text, got ${bytes.length}.`);
  }
  const text = decodeText(bytes);
  const head = text.slice(0, 65_536).trimStart();
  if (head.startsWith('{') || head.startsWith('[')) return readJsonValue(where, parseJson(where, text), options);
  return readTextFile(where, text, options);
}
