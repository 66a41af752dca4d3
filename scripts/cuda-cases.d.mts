import type { OpCase } from '../test/native/op-case.js';

/** An operation case in a file, in one precision, with own products or with the emulated cuBLASLt. */
export interface WrittenCase {
  op: string;
  name: string;
  /** What scripts/cuda-case-child.mjs takes. */
  argument: string;
  /** The file that gets the numbers of the mutants that it reaches. */
  reached: string;
  cost: number;
}

export const emulatedCublasLt: string;
export function compiledCases(root: string): Promise<OpCase[]>;
export function writeCases(opCases: readonly OpCase[], folder: string): WrittenCase[];
