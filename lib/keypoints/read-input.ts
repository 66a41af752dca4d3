import { PoseError } from '../base/pose-error.js';
import type { ByteSource } from '../formats/bytes/byte-source.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { DetectionTable } from './detection-table.js';
import type { FoundDetections } from './detections.js';
import type { InputFormat } from './input-format.js';
import type { ReadKeypointsOptions } from './keypoint-track.js';
import type { FoundTrack } from './people/assemble-track.js';
import { readCocoAnnotations } from './readers/coco-annotations.js';
import { linesIn } from './readers/decode-text.js';
import { isEasyVitPose, readEasyVitPose } from './readers/easy-vitpose.js';
import { bareLists } from './readers/json/bare-lists.js';
import { flatList } from './readers/json/flat-list.js';
import { isBlank } from './readers/json/frame-fields.js';
import { type FrameFormat, framesIn, ListFacts } from './readers/json/frame-format.js';
import { sizeIn } from './readers/json/image-size.js';
import { described, isRecord, shown } from './readers/json/json-value.js';
import { everyItem, isList } from './readers/json/long-value.js';
import { readFrames } from './readers/json/read-frames.js';
import { kineticsSkeleton } from './readers/kinetics-skeleton.js';
import { mediaPipe } from './readers/mediapipe.js';
import { jointNamesIn, mmPose } from './readers/mmpose.js';
import { moveNet } from './readers/movenet.js';
import { openPose } from './readers/openpose.js';
import { keypointsFormat, posesFormat, readKeypointCsv, readOwnJson } from './readers/own-text.js';
import { isDeepLabCut, readDeepLabCut } from './readers/tables/deeplabcut.js';
import { isPlainCsv, readPlainCsv } from './readers/tables/plain-csv.js';
import { ultralytics } from './readers/ultralytics.js';
import { isYoloText, readYoloText } from './readers/yolo-text.js';

/** Detectors whose JSON is made of frames. */
const frameFormats: ReadonlyMap<string, FrameFormat> = new Map([
  ['openpose', openPose],
  ['mmpose', mmPose],
  ['yolo', ultralytics],
  ['mediapipe', mediaPipe],
  ['movenet', moveNet],
  ['coco', flatList],
  ['kinetics', kineticsSkeleton],
  ['bare', bareLists],
]);

const jsonRead =
  "AlphaPose's or COCO's people (image_id, keypoints), OpenPose's (people, pose_keypoints_2d), MMPose's (instances, keypoints, " +
  "keypoint_scores), MediaPipe's (landmarks), YOLO's (keypoints with x, y, visible), MoveNet's or PoseNet's (keypoints with x, y, " +
  `name), lists of [x, y, confidence], or a ${keypointsFormat} file`;

/** The formats that a file may have by the option's name: all of them where there is none. */
export function candidates(named: InputFormat | undefined): FrameFormat[] {
  if (named === undefined) return [...frameFormats.values()];
  if (named === 'alphapose') return [flatList, openPose];
  const format = frameFormats.get(named);
  return format ? [format] : [];
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
  if (isEasyVitPose(value) && format === undefined) return readEasyVitPose(where, value);
  const formats = candidates(format);
  const facts = new ListFacts(formats);
  for (const candidate of formats) {
    const notices: string[] = [];
    const frames = framesIn(candidate, where, value, notices, facts);
    if (!frames) continue;
    const found = { ...sizeIn(value, candidate.isPerson, notices), ...readFrames(candidate, frames, options, notices) };
    const names = candidate === mmPose ? jointNamesIn(value) : undefined;
    const { odd, width } = found.detections;
    const fits = names !== undefined && odd === undefined && (width === 0 || width === names.length * 3);
    return fits ? { ...found, layout: undefined, jointNames: names } : found;
  }
  if (showsNobody(value, format)) {
    const frames = isList(value) && value.length > 0 ? ` in ${value.length} frames` : '';
    throw new PoseError('ERR_FORMAT', `${where}: expected detected people, got none${frames}.`);
  }
  const expected = format === undefined ? jsonRead : `JSON of the format ${format}`;
  throw new PoseError('ERR_FORMAT', `${where}: expected ${expected}; got ${described(value)}.`);
}

/** Whether a JSON value is empty, or made of frames that are, or of frames that say so. */
export function showsNobody(value: unknown, named?: InputFormat): boolean {
  if (isBlank(value)) return named === undefined || !isRecord(value);
  if (isList(value)) return everyItem(value, (item) => showsNobody(item, named));
  return isRecord(value) && candidates(named).some((format) => isBlank(format.peopleOf(value) ?? 0));
}

/** People in a text file that is no JSON; `head` is how it begins. Throws `ERR_FORMAT`. */
export function readTextFile(source: ByteSource, head: string, options: ReadKeypointsOptions): FoundDetections {
  const { format } = options;
  const { where } = source;
  const lines = linesIn(source);
  const first = head.trimStart().split('\n', 1)[0];
  if (format === 'deeplabcut' || (format === undefined && isDeepLabCut(first))) return readDeepLabCut(where, lines);
  if (format === 'pstmo' || (format === undefined && first.includes('_x_px'))) return readKeypointCsv(where, lines);
  if (format === 'yolo' || (format === undefined && isYoloText(head))) {
    return readYoloFrames([{ where, text: Array.from(lines).join('\n') }]);
  }
  if (format === 'csv' || (format === undefined && isPlainCsv(first))) {
    const { layout } = options;
    const joints = typeof layout === 'string' ? skeletonByName(layout).joints.length : layout?.joints.length;
    return readPlainCsv(where, lines, joints);
  }
  const expected = format ?? "npz, npy, JSON, CSV, DeepLabCut's CSV or YOLO's lines";
  throw new PoseError('ERR_FORMAT', `${where}: expected ${expected}, got ${shown(head.slice(0, 40))}.`);
}

/** YOLO's text files, a frame each. */
export function readYoloFrames(files: Iterable<{ where: string; text: string; name?: string }>): FoundDetections {
  const detections = new DetectionTable();
  const images: (string | number)[] = [];
  let boxes = 0;
  for (const { where, text, name } of files) {
    const frame = readYoloText(where, text);
    for (const { triples, track } of frame.people) detections.push({ image: images.length, triples, track });
    boxes += frame.boxes;
    images.push(name ?? images.length);
  }
  return {
    images,
    detections,
    layout: 'coco-17',
    fractions: true,
    notices: boxes > 0 ? [`${boxes} ${boxes === 1 ? 'box has' : 'boxes have'} no points: passed over.`] : [],
  };
}
