import type { OpCase } from '../test/native/op-case.js';

/** An operation case in a file, in one precision. */
export interface WrittenCase {
  id: string;
  op: string;
  name: string;
  file: string;
  precision: 'fp32' | 'tf32' | 'bf16';
  cost: number;
}

export function compiledCases(root: string): Promise<OpCase[]>;
export function writeCases(opCases: readonly OpCase[], folder: string): WrittenCase[];
