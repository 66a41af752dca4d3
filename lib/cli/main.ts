#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { runCommandLine } from './program.js';

const interrupt = new AbortController();
process.on('SIGINT', () => {
  if (interrupt.signal.aborted) {
    process.exit(130);
  }
  interrupt.abort();
  process.stderr.write('\nStopping after what is under way; Ctrl-C once more stops at once.\n');
});
// A reader that closes the pipe early (`pstmo models | head -1`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  stdin: () => readFileSync(0),
  live: process.stderr.isTTY === true,
  signal: interrupt.signal,
  commandLine: process.argv.slice(2),
  exitCode: 0,
});
