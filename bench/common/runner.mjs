import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BENCH = fileURLToPath(new URL('..', import.meta.url));
const PYTHON = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));

/**
 * A process that does one kind of work when it is told to, so that two implementations can take turns in one run. It gets
 * one JSON a line on its standard input and answers each with one JSON line; the end of the input ends it.
 */
export class Runner {
  #process;
  #lines;

  /** `script` is relative to this folder of benchmarks; `language` is node or python. */
  constructor(language, script, { threads }) {
    if (language === 'python' && !existsSync(PYTHON)) {
      throw new Error('There is no .venv with the peers: run bench/peers/setup.sh first.');
    }
    const command = language === 'python' ? PYTHON : process.execPath;
    this.#process = spawn(command, [`${BENCH}${script}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) },
    });
    // What is written after the process has died shows as the missing answer.
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** One request, one answer. */
  async ask(request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) {
      throw new Error(`The runner ended without an answer to ${JSON.stringify(request).slice(0, 200)}.`);
    }
    return JSON.parse(value);
  }

  async close() {
    if (this.#process.exitCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.stdin.end();
      await ended;
    }
  }
}
