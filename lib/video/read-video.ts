import { existsSync } from 'node:fs';
import { withCallbacks } from '../base/callbacks.js';
import { checkArguments, checkOptionKinds } from '../base/check-arguments.js';
import { largest, smallest } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { DetectionTable } from '../keypoints/detection-table.js';
import type { FoundDetections } from '../keypoints/detections.js';
import type { KeypointTrack, ReadKeypointsOptions } from '../keypoints/keypoint-track.js';
import { READ_KEYPOINTS } from '../keypoints/option-kinds.js';
import { tracksFrom } from '../keypoints/read-keypoints.js';
import { OnnxNetwork } from './onnx.js';
import { isRtmPose, RtmPose } from './rtmpose.js';
import type { RgbImage } from './sample-image.js';
import { probeVideo, videoFrames } from './video-frames.js';
import { type FoundPerson, Yolo } from './yolo.js';

export interface VideoOptions extends Omit<ReadKeypointsOptions, 'format' | 'entry' | 'where' | 'size'> {
  /** An ONNX file of YOLO's pose networks or of RTMPose. */
  detector?: string | undefined;
  /** For RTMPose: an ONNX file of YOLO that finds the people; without it one person is followed. */
  boxes?: string | undefined;
  signal?: AbortSignal | undefined;
  /** After each frame; the total is what the file says, where it does. */
  onProgress?: ((done: number, total: number | undefined) => void) | undefined;
}

/** Joints of a network's output and the layout that has as many. */
const layouts: Readonly<Record<number, string>> = { 17: 'coco-17', 26: 'halpe-26', 133: 'coco-133', 136: 'halpe-136' };
/** Points surer than this tell where the person is in the next frame. */
const seen = 0.3;

/**
 * Finds people's 2D joints in a video: ffmpeg decodes it, a detector that the caller has as an ONNX file runs on
 * onnxruntime-node, and people are linked and gaps filled as `readPeople` does. Throws `ERR_USAGE` without a detector,
 * `ERR_UNSUPPORTED` where ffmpeg or onnxruntime-node is not installed, `ERR_MODEL` for a file that is no such detector.
 */
export async function readVideo(path: string, options: VideoOptions = {}): Promise<KeypointTrack[]> {
  checkArguments('readVideo', { path, options }, 'text', 'object?');
  checkOptionKinds('readVideo', options, { ...READ_KEYPOINTS, detector: 'text', boxes: 'text' });
  return withCallbacks(options, (watched) => readFrames(path, watched));
}

async function readFrames(path: string, options: VideoOptions): Promise<KeypointTrack[]> {
  const { detector, boxes, signal, onProgress, ...reading } = options;
  if (detector === undefined) {
    throw new PoseError(
      'ERR_USAGE',
      `${path} is a video: expected a detector that finds people's joints in it (--detector file.onnx): a YOLO pose network ` +
        '(yolo export model=yolo11n-pose.pt format=onnx) or RTMPose, or the keypoints that a detector wrote.',
    );
  }
  for (const file of [detector, boxes]) {
    if (file !== undefined && !existsSync(file)) throw new PoseError('ERR_FILE', `${file}: there is no such file.`);
  }
  const about = await probeVideo(path);
  await using open = await openDetector(detector, boxes);
  const detections = new DetectionTable();
  const images: number[] = [];
  for await (const data of videoFrames(path, about, signal)) {
    const image = images.push(images.length) - 1;
    for (const { triples } of await open.find({ data, width: about.width, height: about.height })) {
      detections.push({ image, triples });
    }
    onProgress?.(images.length, about.frames);
  }
  const { width, height, fps } = about;
  const found: FoundDetections = { images, detections, width, height, fps, notices: open.notices };
  const layout = layouts[detections.width / 3];
  return tracksFrom(path, layout === undefined ? found : { ...found, layout }, reading);
}

interface OpenDetector extends AsyncDisposable {
  notices: string[];
  find(image: RgbImage): Promise<FoundPerson[]>;
}

async function openDetector(detector: string, boxes: string | undefined): Promise<OpenDetector> {
  const network = await OnnxNetwork.load(detector);
  const finder = boxes === undefined ? undefined : await OnnxNetwork.load(boxes);
  const close = async () => {
    await network[Symbol.asyncDispose]();
    await finder?.[Symbol.asyncDispose]();
  };
  if (!isRtmPose(network)) {
    const yolo = new Yolo(network);
    return { notices: [], find: (image) => people(detector, yolo, image), [Symbol.asyncDispose]: close };
  }
  const pose = new RtmPose(network);
  const yolo = finder && new Yolo(finder);
  let before: FoundPerson['box'] | undefined;
  const find = async (image: RgbImage): Promise<FoundPerson[]> => {
    const whole = [0, 0, image.width, image.height] as const;
    const where = yolo ? await yolo.find(image) : [{ box: before ?? whole, score: 1, triples: [] }];
    const triples = await pose.find(
      image,
      where.map(({ box }) => box),
    );
    if (!yolo) before = boxAbout(triples[0]);
    return where.map((person, index) => ({ ...person, triples: triples[index] }));
  };
  const one =
    'RTMPose without boxes follows one person, from the whole first image on; --boxes yolo.onnx finds everybody.';
  return { notices: yolo ? [] : [one], find, [Symbol.asyncDispose]: close };
}

async function people(detector: string, yolo: Yolo, image: RgbImage): Promise<FoundPerson[]> {
  const found = await yolo.find(image);
  if (found.some(({ triples }) => triples.length === 0)) {
    throw new PoseError(
      'ERR_MODEL',
      `${detector}: expected a network that finds joints, got one that finds boxes: give it as --boxes beside an RTMPose --detector.`,
    );
  }
  return found;
}

/** About the points that are sure; undefined where too few are. */
function boxAbout(triples: readonly number[]): FoundPerson['box'] | undefined {
  const sure = triples.map((_, at) => at).filter((at) => at % 3 === 0 && triples[at + 2] > seen);
  const [xs, ys] = [0, 1].map((axis) => sure.map((at) => triples[at + axis]));
  const box = [smallest(xs), smallest(ys), largest(xs), largest(ys)] as const;
  return sure.length >= 4 && box[2] > box[0] && box[3] > box[1] ? box : undefined;
}
