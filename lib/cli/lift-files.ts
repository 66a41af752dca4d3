import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { PoseError } from '../base/pose-error.js';
import { type OutputFormat, outputFormatOf, outputFormats } from '../export/write-motion.js';
import { lockedName } from '../formats/files/file-lock.js';
import { isFolder } from '../formats/files/make-folder.js';
import { isFrameFolder } from '../keypoints/frames/frame-folder.js';
import { isVideo } from '../video/video-frames.js';

/** One file to lift and where its poses go. */
export interface LiftTask {
  input: string;
  output: string;
  /** Further files of the same poses: `--out` given again. */
  also?: readonly string[];
}

/** What is lifted, and a sentence for each folder that holds something else too. */
export interface LiftList {
  tasks: LiftTask[];
  skipped: string[];
}

/** Name of the record, in the output folder, of what was lifted how. */
export const RECORD = 'pstmo-lift.json';
const INPUTS = ['.npz', '.npy', '.json', '.jsonl', '.csv', '.tsv'];
/** Folders in folders that are looked into. */
const DEEPEST = 4;
const SUFFIX = '-3d';
/** Standard input as an input, and standard output as `--out`. */
export const STANDARD = '-';
/** What can be written to standard output. */
const STREAMED: readonly (OutputFormat | undefined)[] = ['json', 'csv', undefined];

/**
 * Lists what to lift: files and folders of one file a frame as they are, of other folders those in them, and says what is
 * left out of these. One input goes to `out` when that is a file's name, or to each of several; else each goes to `<name>-3d.<format>` in the
 * folder `out`, which is the current one for a single file and `lifted` for several. Throws `ERR_USAGE` when two would go to
 * one place, `ERR_FILE` for a folder that holds nothing to lift.
 */
export function liftTasks(
  inputs: readonly string[],
  outs: readonly string[],
  format: OutputFormat | undefined,
): LiftList {
  const [out, ...also] = outs;
  if (outs.includes('')) {
    throw new PoseError('ERR_USAGE', '--out: expected the name of a file or folder, got an empty one.');
  }
  if (inputs.includes(STANDARD) && inputs.length > 1) {
    throw new PoseError('ERR_USAGE', `${STANDARD}: expected standard input by itself, got ${inputs.length} inputs.`);
  }
  if (out === STANDARD && !STREAMED.includes(format)) {
    throw new PoseError('ERR_USAGE', `--out ${STANDARD}: expected --format json or csv, got ${format}.`);
  }
  const skipped: string[] = [];
  const files = inputs.flatMap((input) => filesOf(input, skipped));
  const single = inputs.length === 1 && files[0] === inputs[0];
  if (also.length > 0 && outs.includes(STANDARD)) throw severalOuts(STANDARD);
  if (out === STANDARD) {
    if (!single) throw new PoseError('ERR_USAGE', `--out ${STANDARD}: expected one input, got ${files.length}.`);
    return { tasks: [{ input: files[0], output: STANDARD }], skipped };
  }
  const named = out !== undefined && isFileName(out);
  if (named && single) {
    const before = new Set([resolve(files[0])]);
    for (const one of outs) checkOutput(one, format, before);
    return { tasks: [{ input: files[0], output: out, ...(also.length > 0 && { also }) }], skipped };
  }
  if (also.length > 0) throw severalOuts(single ? outs.find((one) => !isFileName(one))! : `${files.length} inputs`);
  if (named) {
    throw new PoseError('ERR_USAGE', `--out ${out} is a file's name, but several files are lifted; name a folder.`);
  }
  const folder = out ?? (single ? '.' : 'lifted');
  const tasks = files.map((input) => ({
    input,
    output: join(folder, `${stemOf(input)}${SUFFIX}.${format ?? 'npz'}`),
  }));
  const places = new Map<string, string>();
  for (const { input, output } of tasks) {
    const other = places.get(output);
    if (other !== undefined) {
      throw new PoseError('ERR_USAGE', `${other} and ${input} would both be written to ${output}; lift them apart.`);
    }
    places.set(output, input);
  }
  return { tasks, skipped };
}

/** Whether `--out` names a file and no folder. */
function isFileName(out: string): boolean {
  return !isFolder(out) && extname(out) !== '';
}

/** Checks one name of `--out` and adds it to those before: the input and other outputs. */
function checkOutput(out: string, format: OutputFormat | undefined, before: Set<string>): void {
  if (!isFileName(out)) throw severalOuts(out);
  if (format !== undefined && outputFormatOf(out) !== format) {
    throw new PoseError('ERR_USAGE', `--out ${out} and --format ${format} disagree.`);
  }
  outputFormatOf(out);
  if (before.has(resolve(out))) {
    const other = before.size === 1 ? 'the one that is lifted' : 'those before it and the one that is lifted';
    throw new PoseError('ERR_USAGE', `--out ${out}: expected another file than ${other}.`);
  }
  before.add(resolve(out));
}

function severalOuts(got: string): PoseError {
  return new PoseError(
    'ERR_USAGE',
    `--out, given again: expected names of files, for one input, such as --out walk.npz --out walk.bvh; got ${got}.`,
  );
}

/** A file's name without its ending; a folder's as it is. */
function stemOf(input: string): string {
  if (input === STANDARD) return 'stdin';
  return isFolder(input) ? basename(resolve(input)) : basename(input, extname(input));
}

/** The name of an output with a suffix: "walk-3d.npz" and "-person1" make "walk-person1-3d.npz". */
export function outputWith(output: string, suffix: string): string {
  const ending = extname(output);
  const stem = output.slice(0, output.length - ending.length);
  const plain = stem.endsWith(SUFFIX) ? stem.slice(0, -SUFFIX.length) : stem;
  return `${plain}${suffix}${stem.slice(plain.length)}${ending}`;
}

/** What an input stands for: itself, or the files and folders of frames in a folder. */
function filesOf(input: string, skipped: string[], depth = 0): string[] {
  if (input === STANDARD || !existsSync(input) || !isFolder(input) || isFrameFolder(input)) return [input];
  const left = new Map<string, string[]>();
  const found = readdirSync(input)
    .sort()
    .flatMap((name) => {
      const path = join(input, name);
      if (isFolder(path) && depth < DEEPEST && !name.startsWith('.')) {
        const inside = filesOf(path, skipped, depth + 1);
        if (inside.length > 0) return inside;
      }
      const reason = reasonToSkip(path, name);
      if (reason === undefined) return [path];
      left.set(reason, [...(left.get(reason) ?? []), name]);
      return [];
    });
  const others = [...left].map(([reason, names]) => {
    const list = `${names.slice(0, 5).join(', ')}${names.length > 5 ? `, ... (${names.length})` : ''}`;
    return `${list} (${reason})`;
  });
  if (found.length === 0 && depth === 0) {
    const holds = others.length === 0 ? 'nothing' : others.join('; ');
    throw new PoseError('ERR_FILE', `${input}: expected files to lift (${INPUTS.join(', ')}) or frames, got ${holds}.`);
  }
  if (others.length > 0) skipped.push(`${input}: skipped ${others.join('; ')}.`);
  return found;
}

/** Why a folder's entry is not lifted; undefined for one that is. */
function reasonToSkip(path: string, name: string): string | undefined {
  if (isFolder(path)) return name.startsWith('.') ? 'hidden' : 'a folder without anything to lift';
  const ending = extname(name).toLowerCase();
  const written = lockedName(name);
  if (written === RECORD || basename(written, extname(written)).endsWith(SUFFIX)) return 'of an earlier lift';
  if (name.startsWith('.')) return 'hidden';
  if (isVideo(path)) return 'a video: name it by itself, with --detector';
  return INPUTS.includes(ending)
    ? undefined
    : 'no keypoints by its ending; a file named by itself is read whatever its ending';
}

/** Tells a file, or a folder's files, from another version of it; a file that is renamed changes its folder. */
export function fileMark(path: string): { bytes: number; modified: number } {
  const files = isFolder(path) ? ['', ...readdirSync(path)].map((name) => join(path, name)) : [path];
  const gone = { size: 0, mtimeMs: 0 };
  const states = files.map((file) => statSync(file, { throwIfNoEntry: false }) ?? gone);
  return {
    bytes: states.reduce((sum, { size }) => sum + size, 0),
    modified: states.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
  };
}

/** Whether a lift writes files of that name: poses, motion, the record or their locks. */
export function isOutputName(name: string): boolean {
  const written = lockedName(name);
  return written === RECORD || outputFormats.some((format) => extname(written).toLowerCase() === `.${format}`);
}
