import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { basename, extname, join, readdirSync, readFileSync, statSync } from '../../base/system/node.js';
import { inputFormats } from '../input-format.js';
import type { ReadKeypointsOptions } from '../keypoint-track.js';
import { candidates, readYoloFrames, showsNobody } from '../read-input.js';
import { decodeText } from '../readers/decode-text.js';
import { isBlank } from '../readers/json/frame-fields.js';
import { type FrameFormat, type FrameValue, isOneFrame, peopleIn, readFrames } from '../readers/json/frame-format.js';
import { described, parseJson } from '../readers/json/json-value.js';
import { isYoloText } from '../readers/yolo-text.js';
import type { RawDetections } from '../settle-detections.js';

/** Files that are looked into to find out whether a folder holds frames. */
const mostLooked = 200;

/** A file of a folder with its content. */
interface FrameFile {
  file: string;
  value: unknown;
}

/** Whether a folder holds one file a frame, as OpenPose, AlphaPose, MMPose, MediaPipe's users and YOLO write them. */
export function isFrameFolder(path: string): boolean {
  checkArguments('isFrameFolder', { path }, 'text');
  const { json, text } = filesIn(path);
  try {
    const frames = json.slice(0, mostLooked).map((file) => ({ file, value: contentOf(file) }));
    if (formatOf(frames, {}) !== undefined) return true;
    if (frames.length > 0 && frames.every(({ file, value }) => isNumbered(file) && showsNobody(value))) return true;
    return json.length === 0 && text.slice(0, mostLooked).some((file) => isYoloText(textOf(file)));
  } catch {
    return false;
  }
}

/** Reads a folder of one JSON or text file a frame. Throws `ERR_FILE` for another folder, `ERR_FORMAT`. */
export function readFrameFolder(path: string, options: ReadKeypointsOptions): RawDetections {
  const { json, text } = filesIn(path);
  const frames = json.map((file) => ({ file, value: contentOf(file) }));
  const format = formatOf(frames, options);
  if (format) return readJsonFrames(format, frames, options);
  if (frames.length > 0 && frames.every(({ value }) => showsNobody(value))) {
    throw new PoseError('ERR_FORMAT', `${path}: expected detected people, got none in ${frames.length} files.`);
  }
  if (json.length === 0 && text.length > 0 && (options.format ?? 'yolo') === 'yolo') return readYoloFolder(text);
  throw new PoseError(
    'ERR_FILE',
    `${path}: expected a file, or a folder of one file a frame (.json or YOLO's .txt), got a folder with ` +
      `${json.length} .json and ${text.length} .txt files; formats are ${inputFormats.join(', ')}.`,
  );
}

function readJsonFrames(
  format: FrameFormat,
  frames: readonly FrameFile[],
  options: ReadKeypointsOptions,
): RawDetections {
  const others: string[] = [];
  const values = frames.flatMap(({ file, value }): FrameValue[] => {
    const people = showsNobody(value) ? [] : peopleIn(format, value);
    if (people !== undefined) return [{ place: file, people, key: {}, name: nameOf(file) }];
    if (isNumbered(file)) {
      throw new PoseError('ERR_FORMAT', `${file}: expected a frame as the other files have, got ${described(value)}.`);
    }
    others.push(basename(file));
    return [];
  });
  return readFrames(format, values, options, passedOver(others));
}

function readYoloFolder(files: readonly string[]): RawDetections {
  const labels = files.map((where) => ({ where, text: textOf(where), name: nameOf(where) }));
  const isLabel = ({ where, text }: (typeof labels)[number]) => isNumbered(where) || isYoloText(text);
  const others = labels.filter((label) => !isLabel(label)).map(({ where }) => basename(where));
  const found = readYoloFrames(labels.filter(isLabel));
  return { ...found, notices: [...passedOver(others), ...found.notices] };
}

function passedOver(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`Passed over, being no frames: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', ...' : ''}.`];
}

function filesIn(path: string): { json: string[]; text: string[] } {
  let names: string[];
  try {
    names = readdirSync(path).sort();
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
  const ending = (wanted: string) =>
    names
      .filter((name) => extname(name).toLowerCase() === wanted)
      .map((name) => join(path, name))
      .filter((file) => statSync(file).isFile());
  return { json: ending('.json'), text: ending('.txt') };
}

function nameOf(file: string): string {
  return basename(file, extname(file));
}

function isNumbered(file: string): boolean {
  return /\d/.test(nameOf(file));
}

function textOf(file: string): string {
  return decodeText(readFileSync(file));
}

/** An empty file shows nobody. */
function contentOf(file: string): unknown {
  const text = textOf(file);
  return text.trim() === '' ? null : parseJson(file, text);
}

/** The detector of the first file that is one frame with somebody in it; undefined where a numbered file is a whole clip. */
function formatOf(files: readonly FrameFile[], { format: named }: ReadKeypointsOptions): FrameFormat | undefined {
  for (const { value } of files) {
    if (isBlank(value)) continue;
    const format = candidates(named).find((candidate) => isOneFrame(candidate, value));
    if (format) return format;
  }
  return undefined;
}
