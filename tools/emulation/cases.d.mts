import type { NativeConfig, PrecisionName } from '../../binding.js';
import type { OpCase } from '../../test/native/op-case.js';
import type { PlanCase } from '../../test/native/plan-cases.js';

/** An operation case in a file, in one precision, with own products or with the emulated cuBLASLt. */
export interface WrittenCase {
  op: string;
  name: string;
  /** What tools/emulation/case-child.mjs takes. */
  argument: string;
  /** The file that gets the numbers of the mutants that it reaches. */
  reached: string;
  cost: number;
  /** Too long for each of a thousand mutants. */
  long?: true;
}

/** The plan's cases, their networks described in full. */
export interface CompiledPlans {
  plans: readonly (PlanCase & { config: NativeConfig })[];
  planTolerance: Record<PrecisionName, number>;
}

export const emulatedCublasLt: string;
export function compiledCases(root: string): Promise<CompiledPlans & { opCases: OpCase[] }>;
export function writeCases(opCases: readonly OpCase[], folder: string): WrittenCase[];
export function writePlanCases(compiled: CompiledPlans, folder: string): WrittenCase[];
