// What a mutant of the CUDA kernels does to the cases that reach it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** @typedef {import('./cases.mjs').WrittenCase} WrittenCase */

const child = path.join(import.meta.dirname, 'case-child.mjs');

/**
 * An addon made of the mutated sources: 'mutants', or 'sanitized' with AddressSanitizer.
 * @param {string} root
 * @param {'mutants' | 'sanitized'} name
 */
export function mutantAddon(root, name = 'mutants') {
  return path.join(root, `build/${name}/build/Release/pstmo.node`);
}

/** `seconds` of processor time: a machine at other work ends nothing early. */
function limited(addon, cases, environment, seconds) {
  const env = { ...process.env, PSTMO_EMULATION_MUTANT: '', PSTMO_EMULATION_REACHED: '', ...environment };
  const args = ['-c', `ulimit -t ${seconds}; exec "$@"`, 'sh', process.execPath, child, addon, ...cases];
  return ['sh', args, { encoding: 'utf8', env }];
}

/**
 * For each mutant's number the cases that reach it, the cheapest first. Throws where a case fails with no mutant.
 * @param {string} addon
 * @param {readonly WrittenCase[]} cases
 * @param {number} seconds
 * @param {Record<string, string>} environment
 * @returns {Map<number, WrittenCase[]>}
 */
export function casesReaching(addon, cases, seconds, environment = {}) {
  const reaching = new Map();
  for (const { reached } of cases) rmSync(reached, { force: true });
  const named = cases.map(({ argument, reached }) => `${argument}:${reached}`);
  const { status, stdout, stderr } = spawnSync(...limited(addon, named, environment, seconds));
  if (status !== 0) throw new Error(`The cases fail with no mutant: ${stdout}${stderr}`);
  for (const one of cases) {
    const lines = existsSync(one.reached) ? readFileSync(one.reached, 'utf8').split('\n').filter(Boolean) : [];
    for (const number of new Set(lines.map(Number))) reaching.set(number, [...(reaching.get(number) ?? []), one]);
  }
  return reaching;
}

/**
 * How the cases fail under a mutant; undefined where they pass and it survives. Mutants may be asked for at once, each in its process.
 * @param {string} addon
 * @param {number} number
 * @param {readonly WrittenCase[]} cases
 * @param {number} seconds
 * @param {Record<string, string>} environment
 * @returns {Promise<string | undefined>}
 */
export async function verdictOf(addon, number, cases, seconds, environment = {}) {
  const named = cases.map(({ argument }) => argument);
  const mutated = { ...environment, PSTMO_EMULATION_MUTANT: String(number) };
  const { status, signal, stdout, stderr } = await ended(spawn(...limited(addon, named, mutated, seconds)));
  if (signal === 'SIGXCPU' || signal === 'SIGKILL') return `not done after ${seconds} s`;
  if (signal) return `ended by ${signal}`;
  if (status === 0) return undefined;
  return stdout.trim() || /AddressSanitizer: [\w-]+/.exec(stderr)?.[0] || `exit status ${status}`;
}

async function ended(process) {
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    process[stream].setEncoding('utf8').on('data', (text) => {
      said[stream] += text;
    });
  }
  const [status, signal] = await once(process, 'close');
  return { status, signal, ...said };
}
