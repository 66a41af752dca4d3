// What a mutant of the CUDA kernels does to the operation cases that reach it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const child = path.join(import.meta.dirname, 'cuda-case-child.mjs');

export function mutantAddon(root) {
  return path.join(root, 'build/mutants/build/Release/pstmo.node');
}

function run(root, cases, environment, seconds) {
  const env = { ...process.env, PSTMO_EMULATION_MUTANT: '', PSTMO_EMULATION_REACHED: '', ...environment };
  return spawnSync(process.execPath, [child, mutantAddon(root), ...cases], {
    encoding: 'utf8',
    env,
    timeout: 1000 * seconds,
  });
}

/** For each mutant's number the cases that reach it, the cheapest first. Throws where a case fails with no mutant. */
export function casesReaching(root, cases, seconds) {
  const reaching = new Map();
  const files = cases.map(({ file, precision }) => `${file}.${precision}.reached`);
  for (const file of files) rmSync(file, { force: true });
  const { status, stdout, stderr } = run(
    root,
    cases.map(({ file, precision }, i) => `${file}:${precision}:${files[i]}`),
    {},
    seconds,
  );
  if (status !== 0) throw new Error(`The cases fail with no mutant: ${stdout}${stderr}`);
  cases.forEach((one, i) => {
    const lines = existsSync(files[i]) ? readFileSync(files[i], 'utf8').split('\n').filter(Boolean) : [];
    for (const number of new Set(lines.map(Number))) reaching.set(number, [...(reaching.get(number) ?? []), one]);
  });
  return reaching;
}

/** What the cases say of a mutant; undefined: nothing, it survives. */
export function verdictOf(root, number, cases, seconds) {
  const { status, signal, stdout, error } = run(
    root,
    cases.map(({ file, precision }) => `${file}:${precision}`),
    { PSTMO_EMULATION_MUTANT: String(number) },
    seconds,
  );
  if (error?.code === 'ETIMEDOUT') return `not done after ${seconds} s`;
  if (signal) return `ended by ${signal}`;
  return status === 0 ? undefined : stdout.trim() || `exit status ${status}`;
}
