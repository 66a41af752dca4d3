import { shownLines, shownText } from '../base/shown-text.js';

/** Where a command writes: results to `out`, all else to `err`. Tests give their own. */
export interface Io {
  out: (text: string) => void;
  err: (text: string) => void;
  /** All that comes in on standard input; absent where there is none. */
  stdin?: () => Promise<Uint8Array>;
  /** true: `err` is a terminal, so a progress line may be drawn and redrawn. */
  live: boolean;
  /** Aborted by Ctrl-C and SIGTERM. */
  signal: AbortSignal;
  /** Runs what reads files without giving JavaScript a turn: Ctrl-C and SIGTERM end the process meanwhile. */
  reading?: <Result>(read: () => Result) => Result | Promise<Result>;
  /** What was typed, without `node` and the script: for the record. */
  commandLine?: readonly string[];
  /** What the process ends with when nothing throws: 0 unless a command says otherwise. */
  exitCode: number;
}

/** Whether an error's code says that what was asked for cannot be: exit code 2. */
export function isUsage(code: string): boolean {
  return code === 'ERR_USAGE' || code === 'ERR_ARGUMENT' || code === 'ERR_CONFIG';
}

/** A line for people, beside the results. */
export function notice(io: Io, text: string): void {
  io.err(`${shownText(text)}\n`);
}

/** Prints a value as JSON, or as text where it was not asked for. */
export function print(io: Io, json: boolean | undefined, value: unknown, text: () => string): void {
  io.out(`${shownLines(json ? jsonText(value) : text())}\n`);
}

/** What a line of JSON may hold at most. */
const LINE = 160;

/** JSON in which what fits a line is on one: a row of a table, an array of numbers. */
export function jsonText(value: unknown, indent = ''): string {
  const flat = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || flat.length + indent.length <= LINE) {
    return flat;
  }
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((item) => jsonText(item ?? null, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => `${JSON.stringify(name)}: ${jsonText(item, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`;
}
