import { PoseError } from '../base/pose-error.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import type { FoundDetections } from './detections.js';
import type { InputFormat } from './input-format.js';
import type { ReadKeypointsOptions } from './keypoint-track.js';
import type { FoundTrack } from './people/assemble-track.js';
import { isDeepLabCut, readDeepLabCut } from './readers/deeplabcut.js';
import { readCocoAnnotations, readDetectionList } from './readers/detection-json.js';
import { type FrameFormat, framesIn, readFrames } from './readers/frame-format.js';
import { isRecord, shown } from './readers/json-value.js';
import { mediaPipe } from './readers/mediapipe.js';
import { mmPose } from './readers/mmpose.js';
import { moveNet } from './readers/movenet.js';
import { openPose } from './readers/openpose.js';
import { keypointsFormat, posesFormat, readKeypointCsv, readOwnJson } from './readers/own-text.js';
import { isPlainCsv, readPlainCsv } from './readers/plain-csv.js';
import { ultralytics } from './readers/ultralytics.js';
import { isYoloText, readYoloText } from './readers/yolo-text.js';

/** Detectors whose JSON is made of frames. */
export const frameFormats: ReadonlyMap<InputFormat, FrameFormat> = new Map([
  ['openpose', openPose],
  ['mmpose', mmPose],
  ['yolo', ultralytics],
  ['mediapipe', mediaPipe],
  ['movenet', moveNet],
]);

/** The detector whose frame a JSON value is; undefined for other values and for an empty list. */
export function frameFormatOf(value: unknown, named: InputFormat | undefined): FrameFormat | undefined {
  const candidates = named === undefined ? [...frameFormats.values()] : [frameFormatNamed(named)];
  return candidates.find((format) => format?.isFrame(value));
}

function frameFormatNamed(name: InputFormat): FrameFormat | undefined {
  return frameFormats.get(name === 'alphapose' ? 'openpose' : name);
}

/** People in a parsed JSON file. Throws `ERR_FORMAT`. */
export function readJsonValue(
  where: string,
  value: unknown,
  options: ReadKeypointsOptions,
): FoundTrack[] | FoundDetections {
  const { format } = options;
  const own = isRecord(value) && (value.format === keypointsFormat || value.format === posesFormat);
  if (isRecord(value) && (format === 'pstmo' || (own && format === undefined))) return [readOwnJson(where, value)];
  const annotations = isRecord(value) && 'annotations' in value && 'images' in value;
  if (annotations && (format === undefined || format === 'coco')) return readCocoAnnotations(where, value);
  const list = Array.isArray(value) && isRecord(value[0]) && 'image_id' in value[0];
  if (!list) {
    const named = format === undefined ? [...frameFormats.values()] : [frameFormatNamed(format)];
    for (const candidate of named) {
      const frames = candidate && framesIn(where, value, candidate);
      if (frames) return readFrames(candidate, frames, options);
    }
  }
  const plain = format === undefined || format === 'alphapose' || format === 'coco';
  if (Array.isArray(value) && plain) return readDetectionList(where, value);
  const keys = isRecord(value) ? Object.keys(value).slice(0, 6).join(', ').slice(0, 200) : shown(value);
  const expected =
    format === undefined
      ? `AlphaPose's, COCO's, OpenPose's, MMPose's, MediaPipe's, YOLO's or MoveNet's people, or a ${keypointsFormat} file`
      : `JSON of the format ${format}`;
  throw new PoseError('ERR_FORMAT', `${where}: expected ${expected}, got JSON with ${keys || 'nothing'}.`);
}

/** People in a text file that is no JSON. Throws `ERR_FORMAT`. */
export function readTextFile(where: string, text: string, options: ReadKeypointsOptions): FoundDetections {
  const { format } = options;
  const first = text.slice(0, 65_536).trimStart().split('\n', 1)[0];
  if (format === 'deeplabcut' || (format === undefined && isDeepLabCut(first))) return readDeepLabCut(where, text);
  if (format === 'pstmo' || (format === undefined && first.includes('_x_px'))) return readKeypointCsv(where, text);
  if (format === 'yolo' || (format === undefined && isYoloText(text))) return readYoloFrames([{ where, text }]);
  if (format === 'csv' || (format === undefined && isPlainCsv(first))) {
    const { layout } = options;
    const joints = typeof layout === 'string' ? skeletonByName(layout).joints.length : layout?.joints.length;
    return readPlainCsv(where, text, joints);
  }
  const expected = format ?? "npz, npy, JSON, CSV, DeepLabCut's CSV or YOLO's lines";
  throw new PoseError('ERR_FORMAT', `${where}: expected ${expected}, got ${shown(text.slice(0, 40))}.`);
}

/** YOLO's text files, a frame each. */
export function readYoloFrames(files: readonly { where: string; text: string; name?: string }[]): FoundDetections {
  const frames = files.map(({ where, text }) => readYoloText(where, text));
  return {
    images: files.map(({ name }, index) => name ?? index),
    detections: frames.flatMap(({ people }, image) => people.map((person) => ({ ...person, image }))),
    layout: 'coco-17',
    fractions: true,
    notices: [],
  };
}
