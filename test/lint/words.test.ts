import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { oldNames, readWords } from '../../tools/lint/words.mjs';

const words = readWords(readFileSync(new URL('../../tools/words.txt', import.meta.url), 'utf8'));

describe('the check of words', () => {
  it('finds a replaced name in code, with its line and the name to use', () => {
    const text = 'int one;\nPlanKernels kernels; // a Crew in a comment\nlog("Keep");\n';
    expect(oldNames('native/inference/lifter.cpp', text, words)).toEqual([
      'native/inference/lifter.cpp:2: PlanKernels, use CompiledLifter, or the name of the part of inference',
    ]);
  });

  it('finds words of native code there alone', () => {
    expect(oldNames('native/cpu/run.cpp', 'Crew crew;', words)).toHaveLength(2);
    expect(oldNames('lib/models/job.ts', 'await settle();', words)).toEqual([]);
  });

  it('reads the code in a template, and not its text', () => {
    const text = '`$' + '{modelProducts} of products`';
    expect(oldNames('lib/a.ts', text, words)).toEqual(['lib/a.ts:1: modelProducts, use matmul, gemm']);
  });

  it("finds a file's name", () => {
    expect(oldNames('test/native/plan-cases.ts', '', words)).toHaveLength(1);
    expect(oldNames('lib/networks/plan-obstacle.ts', '', words)).toHaveLength(2);
    expect(oldNames('lib/motion/world.ts', 'const world = 1;', words)).toEqual([]);
  });

  it('refuses a line that is no pattern', () => {
    expect(() => readWords('forbidden Crew Workers')).toThrow(/expected identifier, native or file/);
  });
});
