// Adds what a part of tools/gpu/check.sh found to its JSON, which is whole after each part.
//   node tools/gpu/report.mjs <json> <title> <exit status> <seconds> <file of JSON lines>
//   node tools/gpu/report.mjs --profile <json of pstmo profile> <file of JSON lines>     prints the profile's head and adds it
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const OUTCOMES = { 0: 'passed', 77: 'not allowed here', 124: 'out of time' };

function addProfile(file, lines) {
  const profile = JSON.parse(readFileSync(file, 'utf8'));
  const { ops, launches, opSeconds, gapSeconds, passSeconds, peaks, rates } = profile;
  const flops = ops.reduce((sum, op) => sum + op.flops, 0);
  const ms = (seconds) => `${(1e3 * seconds).toFixed(3)} ms`;
  process.stdout.write(
    `  pass ${ms(passSeconds)}, ${Math.round(rates.pass)} windows/s (paper ${rates.paper ?? '-'}), ` +
      `${((100 * flops) / passSeconds / 1e9 / peaks.product).toFixed(0)}% of ${peaks.product.toFixed(0)} GFLOP/s; ` +
      `${launches} ops ${ms(opSeconds)}, gaps ${ms(gapSeconds)}; ` +
      `lift ${Math.round(rates.liftFlip ?? 0)} frames/s, ${Math.round(rates.lift ?? 0)} without the mirrored pass; step ${Math.round(rates.step ?? 0)}/s\n`,
  );
  for (const { op, shape, count, seconds } of ops.slice(0, 6)) {
    process.stdout.write(`    ${ms(seconds).padStart(12)}  ${count} x ${op} ${shape}\n`);
  }
  appendFileSync(lines, `${JSON.stringify(profile)}\n`);
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return null;
  }
}

function addPart(json, part, status, seconds, lines) {
  const found = existsSync(json)
    ? JSON.parse(readFileSync(json, 'utf8'))
    : { device: process.env.GPU_CHECK_DEVICE, commit: commit(), parts: [] };
  const data = readFileSync(lines, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const outcome = OUTCOMES[status] ?? 'failed';
  const others = found.parts.filter((one) => one.part !== part);
  found.parts = [...others, { part, outcome, seconds: Number(seconds), ...(data.length > 0 && { data }) }];
  writeFileSync(`${json}.partial`, `${JSON.stringify(found, null, 1)}\n`);
  renameSync(`${json}.partial`, json);
}

const args = process.argv.slice(2);
if (args[0] === '--profile') {
  addProfile(args[1], args[2]);
} else {
  addPart(...args);
}
