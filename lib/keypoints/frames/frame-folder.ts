import { checkArguments } from '../../base/check-arguments.js';
import { PoseError } from '../../base/pose-error.js';
import { basename, extname, join, readdirSync, readFileSync, statSync } from '../../base/system/node.js';
import type { FoundDetections } from '../detections.js';
import { inputFormats } from '../input-format.js';
import type { ReadKeypointsOptions } from '../keypoint-track.js';
import { candidates, readYoloFrames, showsNobody } from '../read-input.js';
import { decodeText } from '../readers/decode-text.js';
import { isBlank } from '../readers/json/frame-fields.js';
import { type FrameFormat, type FrameValue, isOneFrame, peopleIn } from '../readers/json/frame-format.js';
import { sizeIn } from '../readers/json/image-size.js';
import { described, parseJson } from '../readers/json/json-value.js';
import { everyItem, LongList, made } from '../readers/json/long-value.js';
import { readFrames } from '../readers/json/read-frames.js';
import { isYoloText } from '../readers/yolo-text.js';

/** Files that are looked into to find out whether a folder holds frames. */
const mostLooked = 200;

/** A file of a folder with its content. */
interface FrameFile {
  file: string;
  value: unknown;
}

/** Files with their contents, read when somebody goes through them and again each time: an hour has 216,000. */
function contentsOf(files: readonly string[]): Iterable<FrameFile> {
  return {
    *[Symbol.iterator]() {
      for (const file of files) yield { file, value: contentOf(file) };
    },
  };
}

/** Whether a folder holds one file a frame, as OpenPose, AlphaPose, MMPose, MediaPipe's users and YOLO write them. */
export function isFrameFolder(path: string): boolean {
  checkArguments('isFrameFolder', { path }, 'text');
  const { json, text } = filesIn(path);
  try {
    const frames = Array.from(contentsOf(json.slice(0, mostLooked)));
    if (formatOf(frames, {}) !== undefined) return true;
    if (frames.length > 0 && frames.every(({ file, value }) => isNumbered(file) && showsNobody(value))) return true;
    return json.length === 0 && text.slice(0, mostLooked).some((file) => isYoloText(textOf(file)));
  } catch {
    return false;
  }
}

/** Reads a folder of one JSON or text file a frame. Throws `ERR_FILE` for another folder, `ERR_FORMAT`. */
export function readFrameFolder(path: string, options: ReadKeypointsOptions): FoundDetections {
  const { json, text } = filesIn(path);
  const frames = contentsOf(json);
  const format = formatOf(frames, options);
  if (format) return readJsonFrames(format, frames, options);
  if (json.length > 0 && everyItem(frames, (frame) => showsNobody((frame as FrameFile).value))) {
    throw new PoseError('ERR_FORMAT', `${path}: expected detected people, got none in ${json.length} files.`);
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
  frames: Iterable<FrameFile>,
  options: ReadKeypointsOptions,
): FoundDetections {
  const others = new Set<string>();
  const values = made(function* (): Generator<FrameValue> {
    for (const { file, value } of frames) {
      const people = showsNobody(value) ? [] : peopleIn(format, value);
      if (people !== undefined) yield { place: file, people, key: {}, name: nameOf(file) };
      else if (!isNumbered(file)) others.add(basename(file));
      else {
        const got = described(value);
        throw new PoseError('ERR_FORMAT', `${file}: expected a frame as the other files have, got ${got}.`);
      }
    }
  });
  const said: string[] = [];
  const size = sizeIn(new LongList(() => valuesOf(frames)), format.isPerson, said);
  const found = readFrames(format, values, options);
  return { ...size, ...found, notices: [...passedOver([...others]), ...said, ...found.notices] };
}

function* valuesOf(frames: Iterable<FrameFile>): Generator<unknown> {
  for (const { value } of frames) yield value;
}

function readYoloFolder(files: readonly string[]): FoundDetections {
  const others: string[] = [];
  const found = readYoloFrames(
    (function* () {
      for (const where of files) {
        const text = textOf(where);
        if (isNumbered(where) || isYoloText(text)) yield { where, text, name: nameOf(where) };
        else others.push(basename(where));
      }
    })(),
  );
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
function formatOf(files: Iterable<FrameFile>, { format: named }: ReadKeypointsOptions): FrameFormat | undefined {
  for (const { value } of files) {
    if (isBlank(value)) continue;
    const format = candidates(named).find((candidate) => isOneFrame(candidate, value));
    if (format) return format;
  }
  return undefined;
}
