import type { Mutant } from './mutate.mjs';

export const READS_BEYOND: string;
/** File under native/, part of the statement, begin of the change, reason. */
export type Explanation = readonly [file: string, statement: string, change: string, reason: string];

export function explanationOf(mutant: Mutant): string | undefined;
export function withoutMutant(mutants: readonly Mutant[]): Explanation[];
