import type { Mutant } from './mutate.mjs';

export const READS_BEYOND: string;
export function explanationOf(mutant: Mutant): string | undefined;
