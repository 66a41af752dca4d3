import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../../build/emulated/emulated-layouts', import.meta.url));
/** What tools/gpu/check.sh holds a GPU against: the emulation and the hardware must agree line by line. */
const golden = readFileSync(new URL('../fixtures/cuda-layouts.txt', import.meta.url), 'utf8');

describe.skipIf(!existsSync(program))('the emulated tensor cores and shuffles (need `npm run build:emulated`)', () => {
  it('answer the layout probe as the golden has it', () => {
    expect(execFileSync(program, { encoding: 'utf8' })).toBe(golden);
  });
});

describe('the golden of layouts', () => {
  const lines = golden.trim().split('\n');
  /** Element of A -> what each element of C that depends on it met of B. */
  const matmul = (format: string) =>
    lines
      .filter((line) => line.startsWith(`${format} A `))
      .map((line) => [...line.matchAll(/(\d+)\.(\d)=(\d+)/g)].map(([, lane, e, b]) => [lane, e, b].map(Number)));

  it.each([
    ['tf32', 8],
    ['bf16', 16],
  ] as const)('meets each element of B once a row in %s', (format, inner) => {
    const asked = matmul(format);
    expect(asked).toHaveLength(16 * inner);
    for (const met of asked) {
      // One row of C: eight neighbouring elements of four lanes, and eight different elements of B.
      expect(met).toHaveLength(8);
      expect(new Set(met.map(([lane]) => Math.floor(lane / 4))).size).toBe(1);
      expect(new Set(met.map(([, e]) => Math.floor(e / 2))).size).toBe(1);
      expect(new Set(met.map(([, , b]) => b)).size).toBe(8);
    }
    const all = asked.flatMap((met) => met.map(([, , b]) => b));
    expect(new Set(all).size).toBe(8 * inner);
  });
});
