/** One change of a kernel, behind the switch of its number. */
export interface Mutant {
  number: number;
  file: string;
  line: number;
  column: number;
  kind: 'barrier' | 'bound' | 'index';
  change: string;
  source: string;
}

export function mutateKernels(root: string): { sources: Map<string, string>; mutants: Mutant[] };
export function writeMutants(root: string, folder: string): void;
