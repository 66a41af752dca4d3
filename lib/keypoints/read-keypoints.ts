import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { withMemoryErrors } from '../base/memory-error.js';
import { PoseError } from '../base/pose-error.js';
import { type ByteSource, type PathOrBytes, withSource } from '../formats/bytes/byte-source.js';
import { latin1 } from '../formats/bytes/latin1.js';
import { isReadableFolder } from '../formats/files/make-folder.js';
import { readNpyFrom } from '../formats/numpy/npy.js';
import { NpzFile } from '../formats/numpy/npz.js';
import { READ_KEYPOINTS } from '../keypoints/option-kinds.js';
import type { FoundDetections } from './detections.js';
import { readFrameFolder } from './frames/frame-folder.js';
import { inputFormats } from './input-format.js';
import type { KeypointTrack, ReadKeypointsOptions } from './keypoint-track.js';
import { assembleTrack, type FoundTrack } from './people/assemble-track.js';
import { tracksOfPeople } from './people/person-track.js';
import { readJsonValue, readTextFile } from './read-input.js';
import { readKeypointArray, readKeypointNpz } from './readers/arrays/keypoint-arrays.js';
import { isPickle, readKeypointPickle } from './readers/arrays/keypoint-pickle.js';
import { decodeText } from './readers/decode-text.js';
import { parseJsonStream } from './readers/json/json-stream.js';
import { parseJson } from './readers/json/json-value.js';
import { settleDetections, settleTracks } from './settle-detections.js';

/** JSON beyond this is read piece by piece, however long it is. */
const streamedText = 32_000_000;
/** Bytes that tell what a text is. */
const headBytes = 65_536;

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
 * - pickles of such arrays by name (MMAction2's annotations, AIST++'s) or of results in memory (MMPose's);
 * - DeepLabCut's and SLEAP's CSV, tables with a row a frame or a row a joint, this project's JSON and CSV.
 *
 * Short gaps are filled by interpolation and marked, longer ones marked for `splitAtGaps`. Throws `PoseError`:
 * `ERR_FILE` for a file that cannot be read, `ERR_FORMAT` for one that is none of these or is broken, `ERR_ARGUMENT`
 * for options that do not fit, `ERR_LIMIT` for too large a file.
 */
export function readKeypoints(source: PathOrBytes, options: ReadKeypointsOptions = {}): KeypointTrack {
  checkArguments('readKeypoints', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readKeypoints', options, READ_KEYPOINTS);
  const people = withMemoryErrors(() => findPeople(source, options));
  const where = nameOf(source, options);
  const person = options.person ?? 0;
  if (!(Number.isInteger(person) && person >= 0 && person < people.length)) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${where}: option person: expected ${people.length === 1 ? '0, the only one' : `0 to ${people.length - 1}`}, got ${person}.`,
    );
  }
  return withMemoryErrors(() => assembleTrack(where, { ...people[person], person }, options));
}

/** Everybody whom {@link readKeypoints} could read, in the order of the option `person`. */
export function readPeople(source: PathOrBytes, options: ReadKeypointsOptions = {}): KeypointTrack[] {
  checkArguments('readPeople', { source, options }, 'Uint8Array|text', 'object?');
  checkOptionKinds('readPeople', options, READ_KEYPOINTS);
  const where = nameOf(source, options);
  return withMemoryErrors(() =>
    findPeople(source, options).map((track, person) => assembleTrack(where, { ...track, person }, options)),
  );
}

/** Tracks of the people that a detector found: what reading a file of them gives. */
export function tracksFrom(where: string, raw: FoundDetections, options: ReadKeypointsOptions): KeypointTrack[] {
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
      : withSource(source, where, (opened) => find(opened, options));
  if (Array.isArray(found)) return settleTracks(where, found, options, anySize);
  const settled = settleDetections(where, found, options);
  const { width, height } = options.size ?? settled;
  const unit = anySize && settled.fractions && (width === undefined || height === undefined);
  return tracksOfPeople(where, settled, unit ? { ...options, size: { width: 1, height: 1 } } : options);
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

function find(source: ByteSource, options: ReadKeypointsOptions): FoundTrack[] | FoundDetections {
  const { where, size } = source;
  if (size === 0) throw new PoseError('ERR_FORMAT', `${where}: the file is empty.`);
  const start = latin1(source.read(0, Math.min(8, size)));
  const isArray = start.startsWith('PK') || start.startsWith('\x93NUMPY');
  if (isArray && !arrayFormats.includes(options.format ?? 'numpy')) {
    throw new PoseError(
      'ERR_FORMAT',
      `${where}: expected a file of the format ${options.format}, got arrays of NumPy.`,
    );
  }
  if (start.startsWith('PK')) return readKeypointNpz(where, new NpzFile(source), options);
  if (start.startsWith('\x93NUMPY')) return readKeypointArray(where, readNpyFrom(source), options);
  const bytes = source.read(0, Math.min(headBytes, size));
  if (isPickle(bytes)) return readKeypointPickle(where, source.read(0, size), options);
  const head = decodeText(bytes);
  if (!/^\s*[[{]/.test(head)) return readTextFile(source, head, options);
  // Zeros between the letters are UTF-16's, which is decoded as a whole.
  const long = size > streamedText && !bytes.includes(0);
  const value = long ? parseJsonStream(source) : parseJson(where, decodeText(source.read(0, size)));
  return readJsonValue(where, value, options);
}
