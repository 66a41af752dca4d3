import { dirname, extname } from 'node:path';
import { Command, Option } from 'commander';
import { type PoseFormat, poseFormats, writePoses } from '../export/write-poses.js';
import type { KeypointTrack } from '../keypoints/keypoint-track.js';
import { readKeypoints } from '../keypoints/read-keypoints.js';
import { modelPath } from '../models/bundled.js';
import type { ModelConfig } from '../models/config.js';
import { windowStride } from '../models/network-input.js';
import { PoseLifter } from '../models/pose-lifter.js';
import { PoseError } from '../pose-error.js';
import { tensor } from '../tensor.js';
import { type Io, notice, print } from './io.js';
import { fileMark, LiftRecord, type LiftTask, makeFolderOf, planLift } from './lift-files.js';
import {
  type DeviceOption,
  deviceOption,
  imageSize,
  positiveNumber,
  precisionOption,
  threadsOption,
  wholeNumber,
} from './parse.js';
import { ProgressLine } from './progress-line.js';

interface LiftFlags {
  model: string;
  out?: string;
  format?: PoseFormat;
  size?: { width: number; height: number };
  fps?: number;
  layout?: string;
  person?: number;
  entry?: string;
  flip: boolean;
  device: DeviceOption;
  precision: 'fp32' | 'tf32' | 'bf16';
  batch: number;
  threads: number;
  force?: boolean;
  json?: boolean;
}

/** What came of one input. */
interface Lifted {
  input: string;
  output: string;
  frames: number;
  seconds: number;
  framesPerSecond: number;
  stride: number;
  notices: string[];
}

type Outcome =
  | Lifted
  | { input: string; output: string; skipped: true }
  | { input: string; error: string; code: string };

export function liftCommand(io: Io): Command {
  return new Command('lift')
    .description('2D keypoints to 3D poses')
    .argument('<inputs...>', 'npz, npy, AlphaPose or COCO JSON, CSV, or folders of them')
    .option('--out <path>', 'file (.npz, .npy, .json, .csv), or folder for several')
    .addOption(new Option('--format <format>', 'of files in an --out folder, npz').choices(poseFormats))
    .option('--size <WxH>', "the video's width and height in pixels, where the file does not say it", imageSize)
    .option('--fps <rate>', "the video's frames a second, where the file does not say it", positiveNumber)
    .option('--layout <name>', 'joint layout, where the file does not say it: coco-17, halpe-26, h36m-17, ...')
    .option('--person <number>', 'which of several people, 0 being largest for longest', wholeNumber(0))
    .option('--entry <name>', 'which array of an npz, or subject/action/camera of a detections file')
    .option('--model <model>', 'file or bundled model', 'pstmo-s-27')
    .option('--no-flip', 'without the mirrored second pass: twice as fast, a little less accurate')
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .option('--batch <windows>', 'windows at a time, 0: chosen', wholeNumber(0), 0)
    .option('--force', 'lift again what an earlier run has done')
    .option('--json', 'print what was done as JSON')
    .action(async (inputs: string[], flags: LiftFlags) => {
      const tasks = planLift(inputs, flags.out, flags.format);
      const lifter = await PoseLifter.load(flags.model, {
        device: flags.device,
        precision: flags.precision,
        threads: flags.threads,
        onNotice: (text) => notice(io, text),
      });
      if (lifter.config.refine) {
        notice(
          io,
          'The model refines where the camera and the root are known; keypoint files say neither: not refined.',
        );
      }
      try {
        await liftAll(io, lifter, tasks, flags);
      } finally {
        await lifter.close();
      }
    });
}

/** Lifts one file after the other; one that fails is reported and makes the exit code 1, the others go on. */
async function liftAll(io: Io, lifter: PoseLifter, tasks: readonly LiftTask[], flags: LiftFlags): Promise<void> {
  const line = new ProgressLine(io);
  const { json, out, device, threads, force, batch, ...settings } = flags;
  const modelFile = fileMark(modelPath(flags.model));
  const record = tasks.length > 1 ? new LiftRecord(dirname(tasks[0].output), { ...settings, modelFile }) : undefined;
  const outcomes: Outcome[] = [];
  const say = (text: string) => {
    line.clear();
    notice(io, text);
  };
  for (const [index, task] of tasks.entries()) {
    if (io.signal.aborted) {
      break;
    }
    try {
      if (!force && record?.isDone(task)) {
        outcomes.push({ ...task, skipped: true });
        continue;
      }
      const lifted = await liftOne(io, lifter, task, flags, (done, total) =>
        line.update(() => `lift  ${index + 1}/${tasks.length}  ${task.input}  ${done}/${total} frames`),
      );
      record?.add(task);
      outcomes.push(lifted);
      for (const text of lifted.notices) {
        say(`${task.input}: ${text}`);
      }
      if (!json) {
        line.clear();
        io.out(`${liftedText(lifted, manner(lifter, flags))}\n`);
      }
    } catch (error) {
      if (!(error instanceof PoseError)) {
        throw error;
      }
      if (io.signal.aborted) {
        break;
      }
      outcomes.push({ input: task.input, error: error.message, code: error.code });
      say(error.message.includes(task.input) ? error.message : `${task.input}: ${error.message}`);
    }
  }
  line.clear();
  finish(io, lifter, outcomes, tasks.length, flags);
}

async function liftOne(
  io: Io,
  lifter: PoseLifter,
  task: LiftTask,
  flags: LiftFlags,
  onProgress: (done: number, total: number) => void,
): Promise<Lifted> {
  const { layout, person, entry } = flags;
  const read = readKeypoints(task.input, {
    ...(layout !== undefined && { layout }),
    ...(person !== undefined && { person }),
    ...(entry !== undefined && { entry }),
  });
  const { track, width, height } = withFlags(task.input, read, flags);
  const stride = windowStride(lifter.config, track.fps);
  const start = performance.now();
  const { data: poses } = await lifter.lift(tensor(track.keypoints, [track.frames, track.joints, 2]), {
    ...{ width, height, layout: track.layout, fps: track.fps, flip: flags.flip, batch: flags.batch },
    ...{ signal: io.signal, onProgress },
  });
  const seconds = (performance.now() - start) / 1000;
  makeFolderOf(task.output);
  writePoses(task.output, { poses, layout: lifter.config.outputLayout, model: flags.model, track });
  const notices = [...track.notices, rateNotice(track.fps, stride, lifter.config)];
  return { ...task, frames: track.frames, seconds, framesPerSecond: track.frames / seconds, stride, notices };
}

/** Says what a window spans, since poses are worse where that departs from the training. */
function rateNotice(
  fps: number | undefined,
  stride: number,
  { frames, fps: modelFps, stride: modelStride }: ModelConfig,
): string {
  const trained = ((frames - 1) * modelStride) / modelFps;
  if (fps === undefined) {
    return `The frame rate is unknown: taken as the model's ${modelFps} a second; --fps says it.`;
  }
  const spans = ((frames - 1) * stride) / fps;
  return (
    `${fps} frames a second: windows take ${stride === 1 ? 'every frame' : `one frame in ${stride}`} and span ` +
    `${spans.toFixed(2)} s (${trained.toFixed(2)} s in training).`
  );
}

/** The track with the size and rate that are used; what the command line says wins over the file. */
function withFlags(
  input: string,
  track: KeypointTrack,
  { size, fps }: LiftFlags,
): { track: KeypointTrack; width: number; height: number } {
  const width = size?.width ?? track.width;
  const height = size?.height ?? track.height;
  if (width === undefined || height === undefined) {
    throw new PoseError(
      'ERR_USAGE',
      `${input} does not say the size of the video's image; give --size WIDTHxHEIGHT. ` +
        '`ffprobe -v error -select_streams v:0 -show_entries stream=width,height -of csv=p=0 video.mp4` tells it.',
    );
  }
  const rate = fps ?? track.fps;
  return { track: { ...track, width, height, ...(rate !== undefined && { fps: rate }) }, width, height };
}

function liftedText({ input, output, frames, seconds, framesPerSecond }: Lifted, how: string): string {
  return (
    `${input} -> ${output}: ${frames} frames in ${seconds.toFixed(2)} s, ` +
    `${framesPerSecond.toFixed(0)} frames/s (${how})`
  );
}

/** "CPU, AVX-512, 2 threads, fp32, mirrored pass, batch chosen" */
function manner(lifter: PoseLifter, { precision, flip, batch }: LiftFlags): string {
  const pass = flip ? 'mirrored pass included' : 'no mirrored pass';
  return `${lifter.device}, ${precision}, ${pass}, batch ${batch === 0 ? 'chosen' : batch}`;
}

function finish(io: Io, lifter: PoseLifter, outcomes: readonly Outcome[], total: number, flags: LiftFlags): void {
  const failed = outcomes.filter((outcome) => 'error' in outcome).length;
  const skipped = outcomes.filter((outcome) => 'skipped' in outcome).length;
  const first = outcomes.find((outcome) => 'frames' in outcome);
  const stopped = io.signal.aborted;
  if (flags.json) {
    const model = { name: flags.model, device: lifter.device, precision: flags.precision, flip: flags.flip };
    print(io, true, { model, stopped, files: outcomes }, () => '');
  } else {
    if (skipped > 0) {
      notice(io, `${skipped} of ${total} were lifted before and are kept; --force lifts them again.`);
    }
    if (first) {
      io.out(`${lookText(first.output)}\n`);
    }
  }
  if (failed > 0) {
    if (total > 1) {
      notice(io, `${failed} of ${total} failed.`);
    }
    io.exitCode = 1;
  }
  if (stopped) {
    notice(io, `Stopped with ${outcomes.length} of ${total} done; the same command goes on from there.`);
    io.exitCode = 130;
  }
}

/** How to look at a result. */
function lookText(output: string): string {
  const about = 'metres, camera axes (x right, y down, z away), the hip at zero';
  const ending = extname(output);
  const load = ending === '.npz' ? `numpy.load('${output}')['poses']` : `numpy.load('${output}')`;
  const numpy = `python3 -c "import numpy; print(${load}.shape)"`;
  const command =
    ending === '.npz' || ending === '.npy' ? `${numpy}, or pstmo inspect ${output}` : `pstmo inspect ${output}`;
  return `Poses (T, 17, 3), ${about}. Look at them: ${command}`;
}
