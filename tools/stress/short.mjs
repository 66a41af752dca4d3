// The short forms, as CI runs them: node tools/stress/short.mjs [name...]
import { runChecks } from './checks.mjs';

process.exitCode = runChecks('short', process.argv.slice(2)) ? 0 : 1;
