import { PoseError } from '../base/pose-error.js';
import { basename, extname, join, readdirSync, readFileSync, statSync } from '../base/system/node.js';
import type { FoundDetections } from './detections.js';
import { inputFormats } from './input-format.js';
import type { ReadKeypointsOptions } from './keypoint-track.js';
import { frameFormatOf, readYoloFrames } from './read-input.js';
import { type FrameFormat, type FrameValue, readFrames } from './readers/frame-format.js';
import { parseJson } from './readers/json-value.js';
import { isYoloText } from './readers/yolo-text.js';

/** Files that are looked into to find out what a folder holds: the first ones may show nobody. */
const mostLooked = 200;

/** Whether a folder holds one file a frame, as OpenPose, AlphaPose, MMPose, MediaPipe's users and YOLO write them. */
export function isFrameFolder(path: string): boolean {
  const { json, text } = filesIn(path);
  try {
    if (json.length > 0) return formatOf(json.slice(0, mostLooked), {}) !== undefined;
    return text.slice(0, mostLooked).some((file) => isYoloText(readFileSync(file, 'utf8')));
  } catch {
    return false;
  }
}

/** Reads a folder of one JSON or text file a frame. Throws `ERR_FILE` for another folder, `ERR_FORMAT`. */
export function readFrameFolder(path: string, options: ReadKeypointsOptions): FoundDetections {
  const { json, text } = filesIn(path);
  if (json.length > 0) {
    const format = formatOf(json, options);
    if (format) {
      const values: FrameValue[] = json.map((file) => ({ place: file, value: contentOf(file), name: nameOf(file) }));
      return readFrames(format, values, options);
    }
  } else if (text.length > 0 && (options.format ?? 'yolo') === 'yolo') {
    return readYoloFrames(text.map((file) => ({ where: file, text: readFileSync(file, 'utf8'), name: nameOf(file) })));
  }
  throw new PoseError(
    'ERR_FILE',
    `${path}: expected a file, or a folder of one file a frame (.json or YOLO's .txt), got a folder with ` +
      `${json.length} .json and ${text.length} .txt files; formats are ${inputFormats.join(', ')}.`,
  );
}

function filesIn(path: string): { json: string[]; text: string[] } {
  let names: string[];
  try {
    names = readdirSync(path).sort();
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
  const ending = (wanted: string) =>
    names.filter((name) => extname(name).toLowerCase() === wanted).map((name) => join(path, name));
  return { json: ending('.json').filter((file) => statSync(file).isFile()), text: ending('.txt') };
}

function nameOf(file: string): string {
  return basename(file, extname(file));
}

function contentOf(file: string): unknown {
  return parseJson(file, readFileSync(file, 'utf8'));
}

/** The detector of the first file that shows somebody; a file that is no frame makes the folder none of frames. */
function formatOf(files: readonly string[], { format }: ReadKeypointsOptions): FrameFormat | undefined {
  for (const file of files) {
    const value = contentOf(file);
    if (Array.isArray(value) && value.length === 0) continue;
    return frameFormatOf(value, format);
  }
  return undefined;
}
