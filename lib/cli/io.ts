/** Where a command writes: results to `out`, all else to `err`. Tests give their own. */
export interface Io {
  out: (text: string) => void;
  err: (text: string) => void;
  /** true: `err` is a terminal, so a progress line may be drawn and redrawn. */
  live: boolean;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** What the process ends with when nothing throws: 0 unless a command says otherwise. */
  exitCode: number;
}

/** A line for people, beside the results. */
export function notice(io: Io, text: string): void {
  io.err(`${text}\n`);
}

/** Prints a value as JSON, or as text where it was not asked for. */
export function print(io: Io, json: boolean | undefined, value: unknown, text: () => string): void {
  io.out(json ? `${JSON.stringify(value, undefined, 2)}\n` : `${text()}\n`);
}
