import { existsSync } from 'node:fs';
import { dirname, extname } from 'node:path';
import { Command, Option } from 'commander';
import { inPieces } from '../../base/lists.js';
import { PoseError } from '../../base/pose-error.js';
import { shownText } from '../../base/shown-text.js';
import type { LiftedPoses } from '../../export/poses/lifted-poses.js';
import { csvLines } from '../../export/poses/poses-csv.js';
import { jsonParts } from '../../export/poses/poses-json.js';
import { motionFormatOf, type OutputFormat, outputFormats } from '../../export/write-motion.js';
import { removeDeadLocks } from '../../formats/files/file-lock.js';
import { isFolder, makeFolder } from '../../formats/files/make-folder.js';
import { removeDeadTemporaries } from '../../formats/files/temporary-file.js';
import { undistortKeypoints } from '../../keypoints/camera.js';
import { type FrameRateFit, fitFrameRate } from '../../models/frame-rate.js';
import type { CompiledChoice } from '../../models/loaded-network.js';
import { PoseLifter } from '../../models/pose-lifter.js';
import type { Intrinsics } from '../../motion/camera.js';
import { modelPath } from '../../networks/bundled.js';
import type { ModelConfig } from '../../networks/config.js';
import type { DeviceOption } from '../../networks/device.js';
import { stoppedExitCode } from '../interrupt.js';
import { type Io, isUsage, notice, print } from '../io.js';
import { liftClip } from '../lift-clip.js';
import { isOutputName, type LiftTask, liftTasks, outputWith, STANDARD } from '../lift-files.js';
import { addInputFlags, type Clip, type InputFlags, readClips } from '../lift-input.js';
import { LiftRecord, type OutputFile } from '../lift-record.js';
import { addMotionFlags, type MotionFlags, type MotionSettings, motionSettings, writeLifted } from '../motion-flags.js';
import {
  collected,
  compiledOption,
  deviceOption,
  matmulOption,
  precisionOption,
  RepeatableOption,
  threadsOption,
  wholeNumber,
} from '../parse.js';
import { ProgressLine } from '../progress-line.js';

interface LiftFlags extends InputFlags, MotionFlags {
  model: string;
  out?: string[];
  format?: OutputFormat;
  flip: boolean;
  device: DeviceOption;
  precision: 'fp32' | 'tf32' | 'bf16';
  batch: number;
  threads: number;
  matmul: string;
  compiled: CompiledChoice;
  force?: boolean;
  json?: boolean;
  quiet?: boolean;
}

/** What came of one clip of an input. */
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
  const command = new Command('lift')
    .description('2D keypoints, or videos with a detector, to 3D poses')
    .argument(
      '<inputs...>',
      "files of any detector's keypoints, folders of one file a frame, folders of these, videos, or - for standard input",
    )
    .addOption(
      new RepeatableOption(
        '--out <path>',
        'file (.npz, .npy, .json, .csv, .bvh, .trc, .c3d, .glb), again for further formats; folder for several inputs; - for standard output (json, csv)',
      ).argParser(collected),
    )
    .addOption(new Option('--format <format>', 'of files in an --out folder (default: npz)').choices(outputFormats));
  return addMotionFlags(addInputFlags(command))
    .option('--model <model>', 'file or bundled model', 'pstmo-s-27')
    .option('--no-flip', 'without the mirrored second pass: twice as fast, a little less accurate')
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(matmulOption())
    .addOption(compiledOption())
    .option('--batch <windows>', 'windows at a time, 0: chosen', wholeNumber(0, 1 << 20), 0)
    .option('--force', 'lift again what an earlier run has done')
    .option('--json', 'print what was done as JSON')
    .option('--quiet', 'print nothing but what failed')
    .action(async (inputs: string[], flags: LiftFlags) => {
      if (flags.json && streams(flags)) {
        throw new PoseError('ERR_USAGE', `--json and --out ${STANDARD}: both would be printed; leave one out.`);
      }
      const { tasks, skipped } = liftTasks(inputs, flags.out ?? [], flags.format);
      const motion = motionSettings(tasks.flatMap(outputsOf), flags);
      // Before the model is read: one that changes meanwhile differs from the record's in the next run.
      const line = new ProgressLine(io);
      const say = (text: string) => {
        line.clear();
        notice(io, text);
      };
      const record = recordOf(io, tasks, flags, say);
      const lifter = await PoseLifter.load(flags.model, {
        device: flags.device,
        precision: flags.precision,
        threads: flags.threads,
        matmul: flags.matmul,
        compiled: flags.compiled,
        onNotice: (text) => (flags.quiet ? undefined : notice(io, text)),
      });
      if (lifter.config.refine) {
        notice(
          io,
          'The model refines where the camera and the root are known; keypoint files say neither: not refined.',
        );
      }
      if (!flags.quiet) for (const text of skipped) notice(io, text);
      try {
        await liftAll(io, lifter, tasks, { record, line, say }, motion, flags);
      } finally {
        await lifter.close();
      }
    });
}

/** Whether the poses go to standard output. */
function streams({ out }: LiftFlags): boolean {
  return out?.includes(STANDARD) === true;
}

function outputsOf({ output, also = [] }: LiftTask): string[] {
  return [output, ...also];
}

/** The files that flags name, whose content decides the poses. */
function filesOf({ model, layout, world, detector, boxes }: LiftFlags): Record<string, string | undefined> {
  return {
    '--model': modelPath(model),
    '--layout': layout !== undefined && existsSync(layout) ? layout : undefined,
    '--world': world !== undefined && existsSync(world) ? world : undefined,
    '--detector': detector,
    '--boxes': boxes,
  };
}

/** What was lifted into the folder of several tasks. */
function recordOf(
  { signal }: Io,
  tasks: readonly LiftTask[],
  flags: LiftFlags,
  say: (text: string) => void,
): LiftRecord | undefined {
  if (tasks.length < 2) return undefined;
  const { json, quiet, out, device, threads, matmul, compiled, force, batch, ...values } = flags;
  return new LiftRecord(dirname(tasks[0].output), { values, files: filesOf(flags) }, { signal, notice: say });
}

/** Lifts one file after the other; one that fails is reported and makes the exit code 1, the others go on. */
async function liftAll(
  io: Io,
  lifter: PoseLifter,
  tasks: readonly LiftTask[],
  { record, line, say }: { record: LiftRecord | undefined; line: ProgressLine; say: (text: string) => void },
  motion: MotionSettings,
  flags: LiftFlags,
): Promise<void> {
  const { json, quiet, force } = flags;
  // What a killed run was writing when it ended.
  for (const folder of new Set(tasks.flatMap(outputsOf).map((output) => dirname(output)))) {
    if (!isFolder(folder)) continue;
    removeDeadTemporaries(folder, isOutputName);
    removeDeadLocks(folder, isOutputName);
  }
  const outcomes: Outcome[] = [];
  // The same reason for many files is said once.
  const reasons = new Set<string>();
  const because = (text: string | undefined) => {
    if (text !== undefined && !quiet && !reasons.has(text)) say(text);
    reasons.add(text ?? '');
  };
  if (!force) because(record?.problem);
  for (const [index, task] of tasks.entries()) {
    if (io.signal.aborted) {
      break;
    }
    try {
      const mark = record?.markOf(task.input);
      const standing = force || !mark ? undefined : record?.standing(task, mark);
      if (standing?.done) {
        outcomes.push({ ...task, skipped: true });
        continue;
      }
      because(standing?.why);
      const outputs: OutputFile[] = [];
      // What is so of the whole file is said once, not with each of its people.
      const saidBefore = new Set<string>();
      const onProgress = (done: number, total: number) =>
        line.update(() => `lift  ${index + 1}/${tasks.length}  ${task.input}  ${done}/${total} frames`);
      for await (const { file, ...lifted } of liftOne(io, lifter, task, record, motion, flags, onProgress)) {
        if (file) outputs.push(file);
        outcomes.push(lifted);
        for (const text of lifted.notices) {
          if (!quiet && !saidBefore.has(text)) say(`${task.input}: ${text}`);
          saidBefore.add(text);
        }
        if (!json && !quiet) {
          line.clear();
          const print = streams(flags) ? io.err : io.out;
          print(`${liftedText(lifted, manner(lifter, flags))}\n`);
        }
      }
      if (mark) await record?.add(task, mark, outputs);
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

/** Lifts an input's clips, one of each person unless long gaps cut it, and writes each. */
async function* liftOne(
  io: Io,
  lifter: PoseLifter,
  task: LiftTask,
  record: LiftRecord | undefined,
  motion: MotionSettings,
  flags: LiftFlags,
  onProgress: (done: number, total: number) => void,
): AsyncGenerator<Lifted & { file?: OutputFile }> {
  const watch = {
    stdin: io.stdin && (() => io.stdin!()),
    signal: io.signal,
    ...(io.reading && { reading: io.reading }),
    onProgress: (done: number, total = 0) => onProgress(done, total),
  };
  // Everybody in a video stands before one camera: the first clip, of who is seen largest for longest, says where up is.
  let shared = motion;
  for (const clip of await readClips(task.input, flags, watch)) {
    const { track, suffix } = clip;
    const streamed = task.output === STANDARD;
    if (streamed && suffix !== '') {
      throw new PoseError(
        'ERR_USAGE',
        `--out ${STANDARD}: expected one clip of one person, got more (${suffix.slice(1)}); name a folder.`,
      );
    }
    const outputs = streamed ? [STANDARD] : outputsOf(task).map((output) => outputWith(output, suffix));
    const rate = fitFrameRate(lifter.config, track.fps);
    const timed = outputs.find((output) => motionFormatOf(output) !== undefined);
    if (track.fps === undefined && timed !== undefined) {
      throw new PoseError(
        'ERR_USAGE',
        `${task.input} does not say its frames a second, which ${extname(timed)} needs; give --fps.`,
      );
    }
    if (!streamed) for (const output of outputs) makeFolder(dirname(output));
    const put = (result: LiftedPoses) => {
      for (const piece of inPieces(flags.format === 'csv' ? csvLines(result) : jsonParts(result))) io.out(piece);
    };
    const start = performance.now();
    const settings = { flip: flags.flip, batch: flags.batch, signal: io.signal, onProgress };
    const poses = await liftClip(lifter, clip, flags, settings);
    const seconds = (performance.now() - start) / 1000;
    const { seen, intrinsics } = seenBy(track, flags);
    const lifted = { poses, layout: lifter.config.outputLayout, model: flags.model, track: seen };
    const { frames } = track;
    const about = { frames, seconds, framesPerSecond: frames / seconds, stride: rate.stride };
    const told = [...track.notices, ...cameraNotice(track, flags), rateNotice(track.fps, rate, lifter.config)];
    const settled = shared;
    for (const output of outputs) {
      const write = () => writeLifted(output, lifted, settled, intrinsics, streamed ? put : undefined);
      const { result, file } = record
        ? await record.written(task, output, write)
        : { result: await write(), file: undefined };
      const { notices: said, stance } = result;
      if (stance) shared = { ...motion, world: { from: 'stance', found: stance } };
      yield { input: task.input, output, ...about, notices: [...told, ...said], ...(file && { file }) };
    }
  }
}

/** The track as the network saw it: with a calibrated camera its points are undistorted, pixels about the middle of the image. */
function seenBy(track: Clip['track'], { camera }: InputFlags): { seen: Clip['track']; intrinsics?: Intrinsics } {
  if (!camera) {
    return { seen: track };
  }
  return {
    seen: { ...track, keypoints: undistortKeypoints(track.keypoints, camera, track) },
    intrinsics: { fx: camera.fx, fy: camera.fx, cx: track.width / 2, cy: track.height / 2 },
  };
}

/** Says what a calibration without a lens is used for: its points are moved and scaled, and nothing is straightened. */
function cameraNotice({ width, height }: Clip['track'], { camera, trajectory }: LiftFlags): string[] {
  if (!camera || camera.distortion?.some((value) => value !== 0)) return [];
  const { fx, fy, cx, cy } = camera;
  const path = trajectory ? 'the path' : 'the path alone, which --trajectory asks for';
  if (fx === fy && cx === width / 2 && cy === height / 2) {
    return [`--camera says no distortion of the lens and the image's middle: it changes no point and is for ${path}.`];
  }
  const by = [width / 2 - cx, height / 2 - cy].map((value) => value.toFixed(0)).join(', ');
  const scaled = fx === fy ? '' : ', pixels made square';
  return [`--camera says no distortion of the lens: points are moved by ${by} pixels to the image's middle${scaled}.`];
}

/** Says what a window spans, since poses are worse where that departs from the training. */
function rateNotice(
  fps: number | undefined,
  { step, fps: rate, stride }: FrameRateFit,
  { frames, fps: modelFps, stride: modelStride }: ModelConfig,
): string {
  const trained = ((frames - 1) * modelStride) / modelFps;
  if (fps === undefined || rate === undefined) {
    return `The frame rate is unknown: taken as the model's ${modelFps} a second; --fps says it.`;
  }
  const resampled = step === 1 ? '' : `resampled to ${Number(rate.toFixed(3))} for the network, `;
  const spans = ((frames - 1) * stride) / rate;
  return (
    `${Number(fps.toFixed(3))} frames a second: ${resampled}windows take ${stride === 1 ? 'every frame' : `one frame in ${stride}`} and span ` +
    `${spans.toFixed(2)} s (${trained.toFixed(2)} s in training).`
  );
}

function liftedText({ input, output, frames, seconds, framesPerSecond }: Lifted, how: string): string {
  return (
    `${shownText(`${input} -> ${output}`)}: ${frames} frames in ${seconds.toFixed(2)} s, ` +
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
    if (skipped > 0 && !flags.quiet) {
      notice(io, `${skipped} of ${total} were lifted before and are kept; --force lifts them again.`);
    }
    if (first && !flags.quiet && !streams(flags)) {
      io.out(`${shownText(lookText(first.output, flags))}\n`);
    }
  }
  if (failed > 0) {
    if (total > 1) {
      notice(io, `${failed} of ${total} failed.`);
    }
    const [only] = outcomes;
    io.exitCode = total === 1 && 'code' in only && isUsage(only.code) ? 2 : 1;
  }
  if (stopped) {
    notice(io, `Stopped with ${outcomes.length} of ${total} done; the same command goes on from there.`);
    io.exitCode = stoppedExitCode(io.signal);
  }
}

/** How to look at a result. */
function lookText(output: string, { trajectory, world, rigid }: MotionFlags): string {
  const worked = trajectory || world !== undefined || rigid;
  const axes = world === undefined ? 'camera axes (x right, y down, z away)' : 'y up';
  const motion = `metres, ${axes}, ${trajectory ? 'the hip where it was found' : 'the hip at one place'}`;
  const lifted = 'metres, camera axes (x right, y down, z away), the hip at zero';
  const ending = extname(output);
  if (motionFormatOf(output) !== undefined) {
    return `Motion, y up. Open ${output} in the tool of its format, or look at it: pstmo view ${output}`;
  }
  const numpy = `python3 -c "import numpy; print(numpy.load('${output}')${ending === '.npz' ? "['poses']" : ''}.shape)"`;
  const other = ending === '.npz' || ending === '.npy' ? `, or ${numpy}` : '';
  const both = ending === '.npz' || ending === '.json';
  const about = worked ? (both ? `${lifted}; motion (T, 17, 3), ${motion}` : motion) : lifted;
  return `Poses (T, 17, 3), ${about}. Look at them: pstmo view ${output}${other}`;
}
