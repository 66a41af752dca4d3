// The long forms one after the other, with the rows of the table in docs/testing.md: node tools/stress/long.mjs [name...]
import { runChecks } from './checks.mjs';

process.exitCode = runChecks('long', process.argv.slice(2)) ? 0 : 1;
