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

/** An abort signal that the first SIGINT or SIGTERM gives; the second ends the process at once. */
export function stopRequests(notice: (text: string) => void): AbortSignal {
  const controller = new AbortController();
  for (const name of REQUESTS) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(exitCodeOf(name));
      controller.abort(new StopRequest(name));
      const again = name === 'SIGINT' ? 'Ctrl-C once more' : 'The signal once more';
      notice(`\nStopping after what is under way. ${again} stops at once.\n`);
    });
  }
  return controller.signal;
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
