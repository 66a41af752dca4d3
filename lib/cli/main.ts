#!/usr/bin/env node
import { StopRequests, standardInput } from './interrupt.js';
import { runCommandLine } from './program.js';
import { printTo } from './standard-output.js';

const err = printTo(process.stderr, () => {});
let lost = false;
const out = printTo(process.stdout, ({ message }) => {
  err(`pstmo: standard output: cannot be written: ${message}.\n`);
  lost = true;
  process.exitCode ||= 1;
});

let requests: StopRequests | undefined;

const code = await runCommandLine(process.argv.slice(2), {
  ...{ out, err },
  stdin() {
    return standardInput(this.signal);
  },
  live: process.stderr.isTTY === true,
  /** Signals are caught from the first time that a command asks for this: one that never does ends at once. */
  get signal() {
    requests ??= new StopRequests(err);
    return requests.signal;
  },
  reading: (read) => (requests ? requests.reading(read) : read()),
  commandLine: process.argv.slice(2),
  exitCode: 0,
});
process.exitCode = code || Number(lost);
