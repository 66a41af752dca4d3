import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from '../../lib/cli/program.js';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface CliResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
}

/** Starts the compiled command line, with flags of Node where they are given; `done` settles when the process has ended. */
export function startCli(
  args: readonly string[],
  { cwd, node = [] }: { cwd?: string | undefined; node?: readonly string[] } = {},
): { child: ChildProcess; done: Promise<CliResult> } {
  if (!existsSync(main)) {
    throw new Error('The command line is not compiled: run `npm run compile` first.');
  }
  const child = spawn(process.execPath, [...node, main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (bytes) => {
    out += bytes;
  });
  child.stderr.on('data', (bytes) => {
    err += bytes;
  });
  const done = new Promise<CliResult>((settle, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => settle({ code, signal, out, err }));
  });
  return { child, done };
}

/** Runs the compiled command line to its end. */
export function runCli(args: readonly string[], cwd?: string): Promise<CliResult> {
  return startCli(args, { cwd }).done;
}

/** Runs a command line in this process: faster than {@link runCli}, same code. */
export async function runHere(args: readonly string[], signal = new AbortController().signal): Promise<CliResult> {
  const result: CliResult = { code: 0, signal: null, out: '', err: '' };
  result.code = await runCommandLine(args, {
    out: (text) => {
      result.out += text;
    },
    err: (text) => {
      result.err += text;
    },
    ...{ live: false, signal, exitCode: 0 },
  });
  return result;
}
