import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { PoseError } from '../base/pose-error.js';
import { type OutputFormat, outputFormatOf } from '../export/write-motion.js';
import { writeAtomically } from '../formats/files/atomic-file.js';
import { isFolder } from '../formats/files/make-folder.js';
import { isFrameFolder } from '../keypoints/frame-folder.js';

/** One file to lift and where its poses go. */
export interface LiftTask {
  input: string;
  output: string;
}

/** Name of the record, in the output folder, of what was lifted how. */
const RECORD = 'pstmo-lift.json';
const INPUTS = ['.npz', '.npy', '.json', '.csv'];
const SUFFIX = '-3d';

/**
 * Lists what to lift: files and folders of one file a frame as they are, of other folders those in them. One input goes to `out` when that is
 * a file's name; else each goes to `<name>-3d.<format>` in the folder `out`, which is the current one for a single file
 * and `lifted` for several. Throws `ERR_USAGE` when two would go to one place.
 */
export function liftTasks(
  inputs: readonly string[],
  out: string | undefined,
  format: OutputFormat | undefined,
): LiftTask[] {
  if (out === '') {
    throw new PoseError('ERR_USAGE', '--out: expected the name of a file or folder, got an empty one.');
  }
  const files = inputs.flatMap(filesOf);
  const single = inputs.length === 1 && files[0] === inputs[0];
  const named = out !== undefined && !isFolder(out) && extname(out) !== '';
  if (named && single) {
    outputFormatOf(out);
    if (format !== undefined && outputFormatOf(out) !== format) {
      throw new PoseError('ERR_USAGE', `--out ${out} and --format ${format} disagree.`);
    }
    if (resolve(out) === resolve(files[0])) {
      throw new PoseError('ERR_USAGE', `--out ${out}: expected another file than the one that is lifted.`);
    }
    return [{ input: files[0], output: out }];
  }
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
  return tasks;
}

/** A file's name without its ending; a folder's as it is. */
function stemOf(input: string): string {
  return isFolder(input) ? basename(resolve(input)) : basename(input, extname(input));
}

/** The name of an output with a suffix: "walk-3d.npz" and "-person1" make "walk-person1-3d.npz". */
export function outputWith(output: string, suffix: string): string {
  const ending = extname(output);
  const stem = output.slice(0, output.length - ending.length);
  const plain = stem.endsWith(SUFFIX) ? stem.slice(0, -SUFFIX.length) : stem;
  return `${plain}${suffix}${stem.slice(plain.length)}${ending}`;
}

function filesOf(input: string): string[] {
  if (!existsSync(input) || !isFolder(input) || isFrameFolder(input)) {
    return [input];
  }
  const names = readdirSync(input).filter((name) => {
    if (isFolder(join(input, name))) {
      return isFrameFolder(join(input, name));
    }
    const ending = extname(name).toLowerCase();
    return INPUTS.includes(ending) && !basename(name, extname(name)).endsWith(SUFFIX) && name !== RECORD;
  });
  if (names.length === 0) {
    throw new PoseError('ERR_FILE', `${input} holds no ${INPUTS.join(', ')} file to lift.`);
  }
  return names.sort().map((name) => join(input, name));
}

/** Tells a file, or a folder's files, from another version of it. */
export function fileMark(path: string): { bytes: number; modified: number } {
  const files = isFolder(path) ? readdirSync(path).map((name) => join(path, name)) : [path];
  const states = files.map((file) => statSync(file));
  return {
    bytes: states.reduce((sum, { size }) => sum + size, 0),
    modified: states.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0),
  };
}

interface Entry {
  input: string;
  bytes: number;
  modified: number;
  settings: string;
  /** Names of the files that were written: one a clip. */
  outputs?: string[];
}

/** Remembers which outputs are done, with what settings and from which input, so that a stopped run can go on. */
export class LiftRecord {
  private readonly path: string;
  private readonly settings: string;
  private readonly entries: Record<string, Entry>;

  constructor(folder: string, settings: unknown) {
    this.path = join(folder, RECORD);
    this.settings = JSON.stringify(settings);
    this.entries = readEntries(this.path);
  }

  /** true: the outputs are there, made with these settings from the input as it is now. */
  isDone({ input, output }: LiftTask): boolean {
    const { outputs = [], ...entry } = this.entries[basename(output)] ?? {};
    const there = outputs.length > 0 && outputs.every((name) => existsSync(join(dirname(this.path), name)));
    return there && JSON.stringify(entry) === JSON.stringify(this.entryOf(input));
  }

  add({ input, output }: LiftTask, outputs: readonly string[]): void {
    this.entries[basename(output)] = { ...this.entryOf(input), outputs: outputs.map((path) => basename(path)) };
    writeAtomically(this.path, (append) => append(Buffer.from(`${JSON.stringify(this.entries, undefined, 1)}\n`)));
  }

  private entryOf(input: string): Entry {
    return { input: relative(dirname(this.path), input), ...fileMark(input), settings: this.settings };
  }
}

function readEntries(path: string): Record<string, Entry> {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, Entry>;
  } catch {
    return {};
  }
}
