import { throwIfAborted } from './abort.js';

/** How long JavaScript works before the program has its turn. */
const WORK_MS = 50;

/** Parts long work: between two pieces the program hears signals of the system, timers and connections. */
export class Turns {
  readonly #signal: AbortSignal | undefined;
  #since = performance.now();

  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  /** Called between pieces. Throws `ERR_ABORTED` where the signal was given meanwhile. */
  async take(): Promise<void> {
    if (performance.now() - this.#since < WORK_MS) return;
    await new Promise((turn) => {
      setTimeout(turn);
    });
    this.#since = performance.now();
    throwIfAborted(this.#signal);
  }
}
