import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ANSWER_MS = 600_000;
const END_MS = 10_000;
const BENCH = fileURLToPath(new URL('..', import.meta.url));
const PYTHON = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));

/** Program and environment of a script of this folder; `language` is node or python. */
export function commandOf(language, { threads }) {
  if (language === 'python' && !existsSync(PYTHON)) {
    throw new Error('There is no .venv with the peers: run bench/sides/python/setup.sh first.');
  }
  const env = { ...process.env, OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
  // Further certificates of this machine's network, which Node would read before anything else: nothing here connects to one.
  delete env.NODE_EXTRA_CA_CERTS;
  return { command: language === 'python' ? PYTHON : process.execPath, folder: BENCH, env };
}

/**
 * A process that does one kind of work when it is told to, so that two implementations can take turns in one run. It gets
 * one JSON a line on its standard input and answers each with one JSON line; the end of the input ends it.
 */
export class Runner {
  #process;
  #lines;

  /** `script`: an absolute path, or one relative to this folder of benchmarks. */
  constructor(language, script, { threads }) {
    const { command, folder, env } = commandOf(language, { threads });
    // A process group of its own: Ctrl-C reaches the benchmark alone, which then writes what it has and ends its runners.
    this.#process = spawn(command, [resolve(folder, script)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env,
      detached: true,
    });
    // What is written after the process has died shows as the missing answer.
    this.#process.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** One request, one answer; throws what the runner reports as an error. One that never answers is ended. */
  async ask(request) {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), ANSWER_MS);
    const { value, done } = await this.#lines.next();
    clearTimeout(limit);
    if (done) {
      throw new Error(`The runner ended without an answer to ${JSON.stringify(request).slice(0, 200)}.`);
    }
    const answer = JSON.parse(value);
    if (answer.error !== undefined) {
      throw new Error(answer.error);
    }
    return answer;
  }

  async close() {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.stdin.end();
      const limit = setTimeout(() => this.#process.kill('SIGKILL'), END_MS);
      await ended;
      clearTimeout(limit);
    }
  }
}
