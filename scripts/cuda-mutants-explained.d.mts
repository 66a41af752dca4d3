import type { Mutant } from './cuda-mutate.mjs';

export const READS_BEYOND: string;
export function explanationOf(mutant: Mutant): string | undefined;
