import type { WrittenCase } from './cuda-cases.mjs';

export function mutantAddon(root: string): string;
export function casesReaching(root: string, cases: readonly WrittenCase[], seconds: number): Map<number, WrittenCase[]>;
export function verdictOf(
  root: string,
  number: number,
  cases: readonly WrittenCase[],
  seconds: number,
): string | undefined;
