import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeCases } from '../../scripts/cuda-cases.mjs';
import { casesReaching, mutantAddon, verdictOf } from '../../scripts/cuda-mutant-runs.mjs';
import { mutateKernels } from '../../scripts/cuda-mutate.mjs';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { opCases } from './op-cases.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SAMPLE = 20;
/** Of all mutants some 95% are caught (bench/results/cuda-mutants.md), of 20 so at least these. */
const LEAST_CAUGHT = 17;
/** For one mutant: some never end. */
const SECONDS = 20;

const addon = mutantAddon(root);

describe.skipIf(!existsSync(addon))('mutants of the CUDA kernels (needs `npm run build:emulated`)', () => {
  const { mutants, sources } = mutateKernels(root);

  it('are made of every barrier, bound and index of the kernels, and of nothing else', () => {
    const count = (kind: string) => mutants.filter((mutant) => mutant.kind === kind).length;
    expect(count('barrier')).toBeGreaterThanOrEqual(20);
    expect(count('bound')).toBeGreaterThan(200);
    expect(count('index')).toBeGreaterThan(300);
    const barriers = [...sources]
      .filter(([file]) => file.endsWith('.cu'))
      .flatMap(([, text]) => text.match(/^.*\b__syncthreads\(\);.*$/gm) ?? []);
    expect(barriers.filter((line) => !line.includes('mutant('))).toEqual([]);
    expect(sources.get('peaks.cu')).not.toContain('mutant(');
  });

  it('are caught by the cases that reach them: a sample, one of every so many', () => {
    const cases = writeCases(opCases, join(temporaryFolder(), 'cases'));
    const reaching = casesReaching(addon, cases, 10 * SECONDS);
    const survivors: string[] = [];
    for (let i = 0; i < SAMPLE; i++) {
      const { number, file, line, change } = mutants[Math.floor(((i + 0.5) * mutants.length) / SAMPLE)];
      const verdict = verdictOf(addon, number, reaching.get(number) ?? [], SECONDS);
      if (verdict === undefined) survivors.push(`${file}:${line} ${change}`);
    }
    expect(SAMPLE - survivors.length, `survivors: ${survivors.join('; ')}`).toBeGreaterThanOrEqual(LEAST_CAUGHT);
  });
});
