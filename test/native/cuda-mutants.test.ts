import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { writeCases, writeLifterCases } from '../../tools/emulation/cases.mjs';
import { casesReaching, mutantAddon, verdictOf } from '../../tools/emulation/mutant-runs.mjs';
import { explanationOf, withoutMutant } from '../../tools/emulation/mutants-explained.mjs';
import { mutateKernels } from '../../tools/emulation/mutate.mjs';
import { nativeConfig } from '../helpers/native-model.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { lifterCases, lifterTolerance } from './lifter-cases.js';
import { opCases } from './op-cases.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SAMPLE = 20;
/**
 * Of all mutants some 95% are caught, and the others have a reason (bench/results/cuda-mutants.md). Of 20 without one,
 * at least these are.
 */
const LEAST_CAUGHT = 17;
/** Of processor time for one mutant: some never end. */
const SECONDS = 20;

const addon = mutantAddon(root);
const { mutants, sources } = mutateKernels(root);

describe('the explanations of mutants that survive', () => {
  it('name a mutant each', () => {
    expect(withoutMutant(mutants)).toEqual([]);
  });
});

describe.skipIf(!existsSync(addon))('mutants of the CUDA kernels (needs `npm run build:emulated`)', () => {
  it('are made of every barrier, bound and index of the kernels, and of nothing else', () => {
    const count = (kind: string) => mutants.filter((mutant) => mutant.kind === kind).length;
    expect(count('barrier')).toBeGreaterThanOrEqual(20);
    expect(count('bound')).toBeGreaterThan(200);
    expect(count('index')).toBeGreaterThan(300);
    const barriers = [...sources]
      .filter(([file]) => file.endsWith('.cu'))
      .flatMap(([, text]) => text.match(/^.*\b__syncthreads\(\);.*$/gm) ?? []);
    expect(barriers.filter((line) => !line.includes('mutant('))).toEqual([]);
    expect(sources.get('cuda/peaks.cu')).not.toContain('mutant(');
  });

  it('are caught by the cases that reach them: a sample, one of every so many', async () => {
    const folder = join(temporaryFolder(), 'cases');
    const short = lifterCases.filter(({ long }) => !long);
    const shortCases = short.map((one) => ({ ...one, config: nativeConfig(one.config) }));
    const cases = [
      ...writeCases(opCases, folder),
      ...writeLifterCases({ lifterCases: shortCases, lifterTolerance }, folder),
    ];
    const reaching = casesReaching(addon, cases, 10 * SECONDS);
    const survivors: string[] = [];
    const unexplained = mutants.filter((mutant) => explanationOf(mutant) === undefined);
    for (let i = 0; i < SAMPLE; i++) {
      const { number, file, line, change } = unexplained[Math.floor(((i + 0.5) * unexplained.length) / SAMPLE)];
      const verdict = await verdictOf(addon, number, reaching.get(number) ?? [], SECONDS);
      if (verdict === undefined) survivors.push(`${file}:${line} ${change}`);
    }
    expect(SAMPLE - survivors.length, `survivors: ${survivors.join('; ')}`).toBeGreaterThanOrEqual(LEAST_CAUGHT);
  });
});
