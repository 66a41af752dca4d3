import type { OpCase } from './op-case.js';
import { poseCases } from './op-cases-poses.js';
import { productCases } from './op-cases-products.js';
import { rowCases } from './op-cases-rows.js';
import { tokenCases } from './op-cases-tokens.js';

/** At least one case of every operation of native/ops/backend.h. */
export const opCases: OpCase[] = [...productCases, ...rowCases, ...tokenCases, ...poseCases];

/** Bytes of the arrays of one run, each counted once. */
export function bytesOf(opCase: OpCase): number {
  return [...new Set(Object.values(opCase.arrays()))].reduce((sum, array) => sum + array.byteLength, 0);
}
