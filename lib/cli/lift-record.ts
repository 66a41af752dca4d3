import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { parseJsonText } from '../base/json-text.js';
import { PoseError } from '../base/pose-error.js';
import * as z from '../base/schema.js';
import { schemaProblems } from '../base/schema-problems.js';
import { withSource } from '../formats/bytes/byte-source.js';
import { writeAtomically } from '../formats/files/atomic-file.js';
import { FileLock } from '../formats/files/file-lock.js';
import { isFolder } from '../formats/files/make-folder.js';
import { fileMark, type LiftTask, RECORD } from './lift-files.js';

/** Files up to this many bytes are told apart by their content, larger ones by size and time. */
const SMALL_BYTES = 4 << 20;
const PIECE_BYTES = 16 << 20;

const outputSchema = z.strictObject({ name: z.string(), bytes: z.whole(0), sha256: z.string() });
const entrySchema = z.strictObject({
  /** Path from the record's folder, size and time of change. */
  input: z.string(),
  bytes: z.number(),
  modified: z.number(),
  settings: z.string(),
  /** Flags that name a file, and what tells the file from another version of it. */
  files: z.record(z.string(), z.string()),
  /** The files that were written: one a clip. */
  outputs: z.array(outputSchema),
});
const recordSchema = z.record(z.string(), entrySchema);

/** A file that was written. */
export type OutputFile = z.output<typeof outputSchema>;
type Entry = z.output<typeof entrySchema>;

/** How everything is lifted: values of flags, and the files that flags name. */
export interface LiftSettings {
  values: object;
  files: Readonly<Record<string, string | undefined>>;
}

/** What decides a task's poses: its input and the settings, as they were before they were read. */
export type LiftMark = Omit<Entry, 'outputs'>;

/** Whether a task is done, and a sentence where it was done before and is not any more. */
export interface Standing {
  done: boolean;
  why?: string;
}

/** How waiting for another process is watched. */
interface Waiting {
  signal?: AbortSignal | undefined;
  notice?: ((text: string) => void) | undefined;
}

/**
 * Remembers which outputs are done, with what settings and from which input, so that a stopped run can go on. Several
 * processes may lift into the folder: they add to one record.
 */
export class LiftRecord {
  /** Why what was recorded is not used; undefined where it is. */
  readonly problem: string | undefined;
  private readonly path: string;
  private readonly settings: Pick<Entry, 'settings' | 'files'>;
  private readonly entries: Record<string, Entry>;
  /** Which input each file of this run is of. */
  private readonly writers = new Map<string, string>();
  private readonly waiting: Waiting;

  constructor(folder: string, { values, files }: LiftSettings, waiting: Waiting = {}) {
    this.path = join(folder, RECORD);
    const named = Object.entries(files).filter((file): file is [string, string] => file[1] !== undefined);
    this.settings = {
      settings: JSON.stringify(values),
      files: Object.fromEntries(named.map(([flag, path]) => [flag, versionOf(path)])),
    };
    const { entries, problem } = readRecord(this.path);
    this.entries = entries;
    this.problem = problem && `${this.path}: ${problem}; everything is lifted again.`;
    this.waiting = waiting;
  }

  /**
   * What is known of a task's input now. Taken before the input is read: one that changes meanwhile differs from its mark
   * in the next run, and is lifted again.
   */
  markOf(input: string): LiftMark {
    return { input: relative(dirname(this.path), input), ...fileMark(input), ...this.settings };
  }

  /** Compares a task with what the record says of it, and the outputs with what was written. */
  standing({ input, output }: LiftTask, mark: LiftMark): Standing {
    const entry = this.entries[basename(output)];
    if (entry === undefined) return { done: false };
    const { outputs, files, ...rest } = entry;
    const { files: filesNow, ...now } = mark;
    if (JSON.stringify(rest) !== JSON.stringify(now)) return { done: false };
    for (const flag of new Set([...Object.keys(files), ...Object.keys(filesNow)])) {
      if (files[flag] !== filesNow[flag]) {
        return { done: false, why: `The file of ${flag} changed: what was lifted with it before is lifted again.` };
      }
    }
    if (outputs.length === 0) return { done: false };
    for (const { name, bytes, sha256 } of outputs) {
      const path = join(dirname(this.path), name);
      const again = `${path}: lifted again, since`;
      if (!existsSync(path)) return { done: false, why: `${again} it is missing.` };
      const found = statSync(path).size;
      if (found !== bytes) return { done: false, why: `${again} it had ${bytes} bytes and has ${found}.` };
      if (digestOf(path) !== sha256) return { done: false, why: `${again} its content changed.` };
    }
    for (const { name } of outputs) this.writers.set(join(dirname(this.path), name), input);
    return { done: true };
  }

  /**
   * Runs `write`, which writes the file `output`, while no other process writes it, and remembers what was written. Throws
   * `ERR_USAGE` where another input of this run has it: `walk.json`'s second person and `walk-person1.json`.
   */
  async written<Result>(
    { input }: LiftTask,
    output: string,
    write: () => Promise<Result>,
  ): Promise<{ result: Result; file: OutputFile }> {
    const other = this.writers.get(output);
    if (other !== undefined && other !== input) {
      throw new PoseError(
        'ERR_USAGE',
        `${input}: expected a file of its own for each person and clip, but ${output} is that of ${other}; ` +
          'lift the two into different folders.',
      );
    }
    this.writers.set(output, input);
    const lock = await FileLock.wait(`${output}.lock`, this.waiting);
    try {
      const result = await write();
      lock.check();
      return { result, file: { name: basename(output), bytes: statSync(output).size, sha256: digestOf(output) } };
    } finally {
      lock.release();
    }
  }

  /** Adds a finished task to the record as it stands now. */
  async add({ output }: LiftTask, mark: LiftMark, outputs: readonly OutputFile[]): Promise<void> {
    this.entries[basename(output)] = { ...mark, outputs: [...outputs] };
    const lock = await FileLock.wait(`${this.path}.lock`, this.waiting);
    try {
      const entries = { ...readRecord(this.path).entries, [basename(output)]: this.entries[basename(output)] };
      writeAtomically(this.path, (append) => append(Buffer.from(`${JSON.stringify(entries, undefined, 1)}\n`)));
    } finally {
      lock.release();
    }
  }
}

function readRecord(path: string): { entries: Record<string, Entry>; problem?: string } {
  if (!existsSync(path)) return { entries: {} };
  let value: unknown;
  try {
    value = parseJsonText(readFileSync(path, 'utf8'));
  } catch (error) {
    return { entries: {}, problem: `cannot be read (${(error as Error).message})` };
  }
  const record = recordSchema.safeParse(value, { reportInput: true });
  if (record.success) return { entries: record.data };
  const [first] = schemaProblems(record.error).split('; ');
  return { entries: {}, problem: `damaged or of another version (${first})` };
}

function versionOf(path: string): string {
  const mark = fileMark(path);
  return isFolder(path) || mark.bytes > SMALL_BYTES ? JSON.stringify(mark) : digestOf(path);
}

function digestOf(path: string): string {
  const hash = createHash('sha256');
  withSource(path, undefined, ({ size, read }) => {
    for (let at = 0; at < size; at += PIECE_BYTES) hash.update(read(at, Math.min(PIECE_BYTES, size - at)));
  });
  return hash.digest('hex');
}
