import { constants } from 'node:os';
import { addAbortSignal } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { throwIfAborted } from '../base/abort.js';

/** Signals that ask a process to end: Ctrl-C, and what Slurm, Docker and Kubernetes send before they kill. */
const REQUESTS = ['SIGINT', 'SIGTERM'] as const;

/** The reason of the command line's abort signal: which signal came. */
export class StopRequest extends Error {
  /** What a shell reports of a process that the signal ended: 130, 143. */
  readonly exitCode: number;

  constructor(name: (typeof REQUESTS)[number]) {
    super(`The process received ${name}.`);
    this.name = 'StopRequest';
    this.exitCode = exitCodeOf(name);
  }
}

function exitCodeOf(name: (typeof REQUESTS)[number]): number {
  return 128 + constants.signals[name];
}

/** Listens for SIGINT and SIGTERM. */
export class StopRequests {
  /** Given by the first of them; the second ends the process at once. */
  readonly signal: AbortSignal;
  readonly #listeners: readonly [(typeof REQUESTS)[number], () => void][];

  constructor(notice: (text: string) => void) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.#listeners = REQUESTS.map((name) => [
      name,
      () => {
        if (controller.signal.aborted) process.exit(exitCodeOf(name));
        controller.abort(new StopRequest(name));
        const again = name === 'SIGINT' ? 'Ctrl-C once more' : 'The signal once more';
        notice(`\nStopping after what is under way. ${again} stops at once.\n`);
      },
    ]);
    for (const [name, listener] of this.#listeners) process.on(name, listener);
  }

  /**
   * Runs `read`, which reads without giving JavaScript a turn: a signal ends the process meanwhile, since no listener would
   * hear it. A pipe whose writer never comes can be left in this way. The first process of a container keeps its listeners: Linux
   * would drop the signal, and the command would not stop behind the file either. Throws `ERR_ABORTED` where a signal came before.
   */
  async reading<Result>(read: () => Result): Promise<Result> {
    // A signal that is on its way is heard first.
    await new Promise((turn) => {
      setImmediate(turn);
    });
    throwIfAborted(this.signal);
    if (process.pid === 1) return read();
    for (const [name, listener] of this.#listeners) process.off(name, listener);
    try {
      return read();
    } finally {
      for (const [name, listener] of this.#listeners) process.on(name, listener);
    }
  }
}

/** The exit code of a command that this signal stopped: 130 after Ctrl-C, 143 after SIGTERM. */
export function stoppedExitCode({ reason }: AbortSignal): number {
  return reason instanceof StopRequest ? reason.exitCode : exitCodeOf('SIGINT');
}

/** All of standard input; throws `ERR_ABORTED` when the signal comes first. */
export async function standardInput(signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await buffer(addAbortSignal(signal, process.stdin));
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}
