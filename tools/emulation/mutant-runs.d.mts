import type { WrittenCase } from './cases.mjs';

export function mutantAddon(root: string, name?: 'mutants' | 'sanitized'): string;
export function casesReaching(
  addon: string,
  cases: readonly WrittenCase[],
  seconds: number,
  environment?: Record<string, string>,
): Map<number, WrittenCase[]>;
export function verdictOf(
  addon: string,
  number: number,
  cases: readonly WrittenCase[],
  seconds: number,
  environment?: Record<string, string>,
): Promise<string | undefined>;
