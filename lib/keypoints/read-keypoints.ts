import { readFileSync, statSync } from 'node:fs';
import { readNpy } from '../formats/npy.js';
import { readNpz } from '../formats/npz.js';
import { PoseError } from '../pose-error.js';
import { assembleTrack, type FoundTrack } from './assemble-track.js';
import { readCocoAnnotations, readDetectionList } from './detection-json.js';
import { isRecord, shown } from './json-value.js';
import { readKeypointArray, readKeypointNpz } from './keypoint-arrays.js';
import type { KeypointTrack, ReadKeypointsOptions } from './keypoint-track.js';
import { keypointsFormat, posesFormat, readKeypointCsv, readOwnJson } from './own-text.js';

/** Largest text file that is read: beyond it, JSON does not fit into one string. */
const longestText = 400_000_000;

/** Largest file of any kind: what Node reads in one go. */
const longestFile = 2 ** 31 - 1;

const knownOptions = new Set(['layout', 'person', 'entry']);

/**
 * Reads one person's 2D joints from a file of any of the kinds that people have; what it is shows in its content:
 * `.npz` (this project's, an array of keypoints, VideoPose3D's or Detectron's pickled detections), `.npy` (T, J, 2 or 3),
 * AlphaPose's JSON (17 or 26 joints), COCO's annotations or results, this project's JSON and CSV.
 *
 * Frames where the person was not found are filled by linear interpolation and marked. Throws `PoseError`: `ERR_FILE`
 * for a file that cannot be read, `ERR_FORMAT` for one that is none of these or is broken, `ERR_UNSUPPORTED` for other
 * detectors' files, `ERR_ARGUMENT` for options that do not fit.
 */
export function readKeypoints(path: string, options: ReadKeypointsOptions = {}): KeypointTrack {
  let bytes: Uint8Array;
  try {
    const status = statSync(path);
    if (!status.isFile()) {
      throw new PoseError(
        'ERR_FILE',
        `${path}: expected a file, got ${status.isDirectory() ? 'a folder' : 'a device'}.`,
      );
    }
    if (status.size > longestFile) {
      throw new PoseError('ERR_LIMIT', `${path}: expected at most ${longestFile} bytes, got ${status.size}.`);
    }
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof PoseError) throw cause;
    const reason = cause instanceof Error ? cause.message : cause;
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${reason}.`, { cause });
  }
  return parseKeypoints(bytes, path, options);
}

/** {@link readKeypoints} on bytes that are there already; `where` names them in messages. */
export function parseKeypoints(bytes: Uint8Array, where: string, options: ReadKeypointsOptions = {}): KeypointTrack {
  for (const name of Object.keys(options)) {
    if (!knownOptions.has(name)) {
      throw new PoseError('ERR_ARGUMENT', `readKeypoints: expected the options layout, person, entry, got ${name}.`);
    }
  }
  return assembleTrack(where, find(bytes, where, options), options);
}

function find(bytes: Uint8Array, where: string, options: ReadKeypointsOptions): FoundTrack {
  const start = Buffer.from(bytes.subarray(0, 8)).toString('latin1');
  if (start.startsWith('PK')) return readKeypointNpz(where, readNpz(bytes, { where }), options);
  if (start.startsWith('\x93NUMPY')) return readKeypointArray(where, readNpy(bytes, { where }), options);
  const text = textOf(bytes, where);
  const head = text.slice(0, 65_536).trimStart();
  if (head.startsWith('{') || head.startsWith('[')) return readJson(where, text, options);
  if (head.split('\n', 1)[0].includes('_x_px')) return readKeypointCsv(where, text, options);
  throw new PoseError(
    'ERR_FORMAT',
    `${where}: expected npz, npy, JSON (AlphaPose, COCO or pstmo) or CSV with <joint>_x_px columns, got ${shown(text.slice(0, 40))}.`,
  );
}

function readJson(where: string, text: string, options: ReadKeypointsOptions): FoundTrack {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch (cause) {
    throw new PoseError('ERR_FORMAT', `${where}: expected JSON, got ${(cause as Error).message}.`, { cause });
  }
  if (Array.isArray(file)) return readDetectionList(where, file, options);
  if (isRecord(file)) {
    if (file.format === keypointsFormat || file.format === posesFormat) return readOwnJson(where, file);
    if ('annotations' in file && 'images' in file) return readCocoAnnotations(where, file, options);
    const inner = Object.values(file)[0];
    if ('people' in file || (isRecord(inner) && ('people' in inner || 'bodies' in inner))) {
      throw new PoseError(
        'ERR_UNSUPPORTED',
        `${where}: OpenPose's JSON is not read; AlphaPose writes a list that is, when run without --format.`,
      );
    }
  }
  const keys = isRecord(file) ? Object.keys(file).slice(0, 6).join(', ') : shown(file);
  throw new PoseError(
    'ERR_FORMAT',
    `${where}: expected a list of detections, COCO annotations or a ${keypointsFormat} file, got JSON with ${keys || 'nothing'}.`,
  );
}

function textOf(bytes: Uint8Array, where: string): string {
  if (bytes.length > longestText) {
    throw new PoseError('ERR_LIMIT', `${where}: expected at most ${longestText} bytes of text, got ${bytes.length}.`);
  }
  return new TextDecoder('utf-8').decode(bytes);
}
