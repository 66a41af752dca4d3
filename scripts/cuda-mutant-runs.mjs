// What a mutant of the CUDA kernels does to the operation cases that reach it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const child = path.join(import.meta.dirname, 'cuda-case-child.mjs');

/** An addon made of the mutated sources: 'mutants', or 'sanitized' with AddressSanitizer. */
export function mutantAddon(root, name = 'mutants') {
  return path.join(root, `build/${name}/build/Release/pstmo.node`);
}

function run(addon, cases, environment, seconds) {
  const env = { ...process.env, PSTMO_EMULATION_MUTANT: '', PSTMO_EMULATION_REACHED: '', ...environment };
  return spawnSync(process.execPath, [child, addon, ...cases], { encoding: 'utf8', env, timeout: 1000 * seconds });
}

/** For each mutant's number the cases that reach it, the cheapest first. Throws where a case fails with no mutant. */
export function casesReaching(addon, cases, seconds, environment = {}) {
  const reaching = new Map();
  for (const { reached } of cases) rmSync(reached, { force: true });
  const { status, stdout, stderr } = run(
    addon,
    cases.map(({ argument, reached }) => `${argument}:${reached}`),
    environment,
    seconds,
  );
  if (status !== 0) throw new Error(`The cases fail with no mutant: ${stdout}${stderr}`);
  for (const one of cases) {
    const lines = existsSync(one.reached) ? readFileSync(one.reached, 'utf8').split('\n').filter(Boolean) : [];
    for (const number of new Set(lines.map(Number))) reaching.set(number, [...(reaching.get(number) ?? []), one]);
  }
  return reaching;
}

/** What the cases say of a mutant; undefined: nothing, it survives. */
export function verdictOf(addon, number, cases, seconds, environment = {}) {
  const { status, signal, stdout, stderr, error } = run(
    addon,
    cases.map(({ argument }) => argument),
    { ...environment, PSTMO_EMULATION_MUTANT: String(number) },
    seconds,
  );
  if (error?.code === 'ETIMEDOUT') return `not done after ${seconds} s`;
  if (signal) return `ended by ${signal}`;
  if (status === 0) return undefined;
  return stdout.trim() || /AddressSanitizer: [\w-]+/.exec(stderr)?.[0] || `exit status ${status}`;
}
