import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { throwIfAborted } from '../../base/abort.js';
import { parseJsonText } from '../../base/json-text.js';
import { PoseError } from '../../base/pose-error.js';
import { shownText } from '../../base/shown-text.js';
import { evaluateOcclusion } from '../../evaluation/occlusion.js';
import { readPoses } from '../../export/poses/read-poses.js';
import { attentionFigure } from '../../figures/attention-figure.js';
import { errorBars, type ReportedErrors } from '../../figures/error-bars.js';
import { occlusionCurve } from '../../figures/occlusion-curve.js';
import { skeletonStrip } from '../../figures/skeleton-strip.js';
import { type LoggedLine, trainingCurves } from '../../figures/training-curves.js';
import { writeAtomically } from '../../formats/files/atomic-file.js';
import { makeFolder } from '../../formats/files/make-folder.js';
import { type Io, print } from '../io.js';
import { addInputFlags, type InputFlags } from '../lift-input.js';
import { list, numberFromZero, positiveNumber, wholeNumber } from '../parse.js';
import { ProgressLine } from '../progress-line.js';
import { attentionOf } from './attention.js';

export function plotCommand(io: Io): Command {
  return new Command('plot')
    .description("the papers' kinds of figures, as SVG")
    .addCommand(strip(io))
    .addCommand(attention(io))
    .addCommand(errors(io))
    .addCommand(occlusion(io))
    .addCommand(training(io));
}

function strip(io: Io): Command {
  const command = new Command('strip')
    .description('frames of a lifted clip: 2D above, 3D below, and others of the same clip under it')
    .argument('<result>', '.npz or .json that `pstmo lift` wrote')
    .option('--beside <files>', 'results of other models, or the truth, for the same frames', list)
    .option('--columns <count>', 'frames that are shown', wholeNumber(1), 8)
    .option('--azimuth <degrees>', 'how far the viewer walked round, 50', degrees);
  return outFlag(command, 'strip.svg').action(
    (result: string, flags: { out: string; beside?: string[]; columns: number; azimuth?: number }) => {
      const { out, beside = [], ...options } = flags;
      const others = beside.map((path) => ({ name: path, ...readPoses(path) }));
      save(io, out, skeletonStrip(readPoses(result), { ...options, others }));
    },
  );
}

function attention(io: Io): Command {
  const command = new Command('attention')
    .description('attention maps of the window around a frame, a row a layer and a column a head')
    .argument('<model>', 'model file or bundled model, of either stage')
    .argument('<keypoints>', "a detector's file")
    .option('--frame <number>', 'the frame, from 0; else the middle one', wholeNumber(0))
    .addOption(new Option('--module <name>', 'tem').choices(['tem', 'mofa', 'decoder']).default('tem'))
    .option('--layer <number>', 'one layer, from 0; else all', wholeNumber(0))
    .option('--seed <number>', 'of the masks of a Stage I model', wholeNumber(0), 0);
  return outFlag(addInputFlags(command), 'attention.svg').action(
    async (model: string, keypoints: string, flags: InputFlags & AttentionFlags) => {
      save(io, flags.out, attentionFigure(await attentionOf(model, keypoints, flags)));
    },
  );
}

interface AttentionFlags {
  out: string;
  frame?: number;
  module: 'tem' | 'mofa' | 'decoder';
  layer?: number;
  seed: number;
}

function errors(io: Io): Command {
  const command = new Command('errors')
    .description('error by action and by joint')
    .argument('<report>', 'what `pstmo evaluate --json` printed');
  return outFlag(command, 'errors.svg').action((report: string, { out }: { out: string }) => {
    save(io, out, errorBars(reportOf(report)));
  });
}

function occlusion(io: Io): Command {
  const command = new Command('occlusion')
    .description('error of a test split over the share of its joints that are hidden')
    .argument('<model>', 'model file or bundled model')
    .argument('<dataset>', 'data set file made by `pstmo prepare`')
    .option('--shares <numbers>', 'shares of the joints, by commas: 0,0.1,0.2,0.3,0.4,0.5,0.6', shares)
    .option('--seconds <number>', 'how long a joint is hidden at a time, 0.4', positiveNumber)
    .option('--subjects <names>', 'test subjects to keep, by commas', list)
    .option('--no-flip', 'without the mirrored second pass')
    .option('--seed <number>', 'of what is hidden', wholeNumber(0), 0)
    .option('--json', 'print the figures as JSON');
  return outFlag(command, 'occlusion.svg').action(
    async (model: string, dataset: string, { out, json, ...options }: OcclusionFlags) => {
      const line = new ProgressLine(io);
      const report = await evaluateOcclusion({
        ...options,
        ...{ model, dataset, signal: io.signal },
        onProgress: (done, total, sequence) => line.update(() => `occlusion  ${done}/${total}  ${sequence}`),
      });
      line.clear();
      write(io, out, occlusionCurve(report));
      print(io, json, report, () => shownText(out));
    },
  );
}

interface OcclusionFlags {
  out: string;
  shares?: number[];
  seconds?: number;
  subjects?: string[];
  flip: boolean;
  seed: number;
  json?: boolean;
}

function training(io: Io): Command {
  const command = new Command('training')
    .description('loss and validation over the steps, a row a log')
    .argument('<logs...>', '`log.jsonl` of `pstmo pretrain` and `pstmo finetune`');
  return outFlag(command, 'training.svg').action((logs: string[], { out }: { out: string }) => {
    save(io, out, trainingCurves(logs.map((path) => ({ name: path, lines: logLines(path) }))));
  });
}

function outFlag(command: Command, name: string): Command {
  return command.option('--out <file>', 'the picture', name);
}

function save(io: Io, path: string, svg: string): void {
  write(io, path, svg);
  io.out(`${shownText(path)}\n`);
}

function write(io: Io, path: string, svg: string): void {
  throwIfAborted(io.signal);
  makeFolder(dirname(path));
  writeAtomically(path, (append) => append(new TextEncoder().encode(svg)));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

function parsed(path: string, text: string, expected: string): Record<string, unknown> {
  try {
    const value: unknown = parseJsonText(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new PoseError('ERR_FORMAT', `${path}: expected ${expected}, got ${text.slice(0, 40)}.`);
}

function reportOf(path: string): ReportedErrors {
  const expected = 'the report that `pstmo evaluate --json` prints';
  const report = parsed(path, textOf(path), expected);
  if (!Array.isArray(report.conditions) || typeof report.model !== 'object') {
    throw new PoseError('ERR_FORMAT', `${path}: expected ${expected}, got JSON without model and conditions.`);
  }
  return report as unknown as ReportedErrors;
}

/** Lines of a training's log; a torn last line, of a training that is under way, is left out. */
function logLines(path: string): LoggedLine[] {
  const rows = textOf(path).split('\n').slice(0, -1);
  return rows.map((row) => parsed(path, row, 'a training log, a JSON object a line') as unknown as LoggedLine);
}

function shares(text: string): number[] {
  return list(text).map(numberFromZero);
}

function degrees(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number of degrees.');
  return value;
}
