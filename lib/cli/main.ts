#!/usr/bin/env node
import { standardInput, stopRequests } from './interrupt.js';
import { runCommandLine } from './program.js';

// A reader that closes the pipe early (`pstmo models | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

let signal: AbortSignal | undefined;

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  stdin() {
    return standardInput(this.signal);
  },
  live: process.stderr.isTTY === true,
  /** Signals are caught from the first time that a command asks for this: one that never does ends at once. */
  get signal() {
    signal ??= stopRequests((text) => process.stderr.write(text));
    return signal;
  },
  commandLine: process.argv.slice(2),
  exitCode: 0,
});
