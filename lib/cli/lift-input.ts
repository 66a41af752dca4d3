import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { PoseError } from '../base/pose-error.js';
import type { PixelCamera } from '../keypoints/camera.js';
import { readCustomLayout } from '../keypoints/custom-layout.js';
import { type InputFormat, inputFormats } from '../keypoints/input-format.js';
import type { KeypointTrack, ReadKeypointsOptions } from '../keypoints/keypoint-track.js';
import { splitAtGaps } from '../keypoints/people/split-track.js';
import { readKeypoints, readPeople } from '../keypoints/read-keypoints.js';
import { readVideo } from '../video/read-video.js';
import { isVideo } from '../video/video-frames.js';
import { STANDARD } from './lift-files.js';
import {
  camera,
  frameRate,
  frameRates,
  imageSize,
  layoutName,
  mergedIds,
  numberFromZero,
  RepeatableOption,
  type Smoothing,
  smoothing,
  wholeNumber,
} from './parse.js';

/** What is said of the 2D on the command line. */
export interface InputFlags {
  inputFormat?: InputFormat;
  size?: { width: number; height: number };
  fps?: number;
  layout?: string;
  person?: number | 'all';
  entry?: string;
  ignoreIds?: boolean;
  mergeIds?: Record<string, string[]>;
  maxGap?: number;
  minConfidence?: number;
  camera?: PixelCamera;
  smooth2d?: Smoothing;
  smooth3d?: Smoothing;
  detector?: string;
  boxes?: string;
}

/** One person's frames without a long gap, with the size and rate that are used. */
export interface Clip {
  track: KeypointTrack & { width: number; height: number };
  /** What tells its output from others of the same input: "", "-person1", "-clip0". */
  suffix: string;
}

/** Adds the flags of {@link InputFlags}. */
export function addInputFlags(command: Command): Command {
  return command
    .addOption(new Option('--input-format <name>', 'what the input is; else its content tells').choices(inputFormats))
    .option(
      '--size <WxH>',
      "the video's width and height in pixels as it is shown (upright for an upright phone)",
      imageSize,
    )
    .option('--fps <rate>', "the video's frames a second, where the file does not say it", frameRate)
    .option('--layout <name>', 'joint layout: coco-17, halpe-26, h36m-17, ..., or a JSON file of your own', layoutFlag)
    .option('--person <number>', 'which of several people, 0 being largest for longest, or all', personFlag)
    .option('--ignore-ids', "pass over the file's track ids: link people by their poses alone")
    .addOption(
      new RepeatableOption(
        '--merge-ids <id=ids>',
        'tracks of one person: 3=7,9 makes 7 and 9 parts of 3; again for others',
      ).argParser(mergedIds),
    )
    .option('--entry <name>', 'which array of an npz, or subject/action/camera of a detections file')
    .option(
      '--max-gap <seconds>',
      'longest gap that is filled; longer ones cut the clip (default: 0.5)',
      numberFromZero,
    )
    .option('--min-confidence <number>', 'points below are taken as not found (default: 0)', numberFromZero)
    .option('--camera <numbers>', 'calibration in pixels: fx,fy,cx,cy and, of a lens, k1,k2,p1,p2,k3', camera)
    .option('--detector <file>', 'for a video: an ONNX file of a YOLO pose network or of RTMPose')
    .option('--boxes <file>', "for RTMPose: YOLO's ONNX file that finds the people; else one person is followed")
    .option('--smooth-2d <filter>', 'none, one-euro[:cutoff:beta] or savitzky-golay[:window:degree]', smoothing)
    .option('--smooth-3d <filter>', 'the same, of the poses', smoothing);
}

function layoutFlag(text: string): string {
  return isLayoutFile(text) ? text : layoutName(text);
}

function personFlag(text: string): number | 'all' {
  return text === 'all' ? 'all' : wholeNumber(0)(text);
}

/** How far the detector is in a video. */
export interface Watch {
  /** Standard input, which the input "-" is. */
  stdin?: (() => Promise<Uint8Array>) | undefined;
  signal?: AbortSignal;
  /** Runs what reads a file. */
  reading?: <Result>(read: () => Result) => Result | Promise<Result>;
  onProgress?: (done: number, total: number | undefined) => void;
}

/** Reads an input's clips: of one person, or of all. A video's are found by a detector. Throws `PoseError`. */
export async function readClips(input: string, flags: InputFlags, watch: Watch = {}): Promise<Clip[]> {
  const people = isVideo(input) ? await peopleInVideo(input, flags, watch) : await peopleInFile(input, flags, watch);
  return people.flatMap((track, index) => {
    const clips = splitAtGaps(withSize(input, track));
    const who = people.length > 1 ? `-person${index}` : '';
    return clips.map((clip, number) => ({
      track: clip as Clip['track'],
      suffix: clips.length > 1 ? `${who}-clip${number}` : who,
    }));
  });
}

async function peopleInFile(input: string, flags: InputFlags, watch: Watch): Promise<KeypointTrack[]> {
  const { stdin, reading = (read) => read() } = watch;
  const { person = 0, detector, boxes } = flags;
  if (detector !== undefined || boxes !== undefined) {
    throw new PoseError('ERR_USAGE', `--detector, --boxes: expected a video to find people in, got ${input}.`);
  }
  const standard = input === STANDARD && stdin !== undefined;
  const source = standard ? await stdin() : input;
  return reading(() => {
    const options = { ...readOptions(flags), ...(standard && { where: 'standard input' }) };
    return person === 'all' ? readPeople(source, options) : [readKeypoints(source, { ...options, person })];
  });
}

async function peopleInVideo(input: string, flags: InputFlags, watch: Watch): Promise<KeypointTrack[]> {
  const { person = 0, detector, boxes } = flags;
  const { size, format, entry, ...options } = readOptions(flags);
  if (size !== undefined || format !== undefined || entry !== undefined) {
    throw new PoseError('ERR_USAGE', `--size, --input-format, --entry: ${input} is a video, which says these itself.`);
  }
  const people = await readVideo(input, { ...options, ...watch, detector, boxes });
  if (person === 'all') return people;
  if (person >= people.length) {
    throw new PoseError('ERR_USAGE', `--person ${person}: expected 0 to ${people.length - 1}, the people in ${input}.`);
  }
  return [people[person]];
}

function readOptions({
  inputFormat,
  size,
  fps,
  layout,
  entry,
  ignoreIds,
  mergeIds,
  maxGap,
  minConfidence,
}: InputFlags): ReadKeypointsOptions {
  return {
    ...(inputFormat !== undefined && { format: inputFormat }),
    ...(size !== undefined && { size }),
    ...(fps !== undefined && { fps }),
    ...(layout !== undefined && { layout: isLayoutFile(layout) ? readCustomLayout(layout) : layout }),
    ...(entry !== undefined && { entry }),
    ...(ignoreIds && { ignoreIds }),
    ...(mergeIds && { mergeIds }),
    ...(maxGap !== undefined && { maxGap }),
    ...(minConfidence !== undefined && { minConfidence }),
  };
}

function isLayoutFile(layout: string): boolean {
  return layout.endsWith('.json') || existsSync(layout);
}

/** The track, whose size must be known and whose rate must be one. */
function withSize(input: string, track: KeypointTrack): Clip['track'] {
  const { width, height, fps: rate } = track;
  if (width === undefined || height === undefined) {
    throw new PoseError(
      'ERR_USAGE',
      `${input} does not say the size of the video's image; give --size WIDTHxHEIGHT. ` +
        '`ffprobe -v error -select_streams v:0 -show_entries stream=width,height:stream_side_data=rotation -of default=nw=1 video.mp4` ' +
        'tells it; with a rotation of 90 or -90 (a phone held upright) width and height change places.',
    );
  }
  if (rate !== undefined && !(rate >= frameRates.least && rate <= frameRates.most)) {
    const range = `${frameRates.least} to ${frameRates.most}`;
    throw new PoseError(
      'ERR_FORMAT',
      `${input}: expected a video of ${range} frames a second, got ${rate}; --fps says the right rate.`,
    );
  }
  return { ...track, width, height };
}
