import type { Tensor, TensorData } from '../../base/tensor.js';
import type { ReadOptions } from '../bytes/memory-budget.js';
import type { StringArray } from '../pickle/value.js';

/** A MATLAB cell array, row-major. */
export interface MatCells {
  cells: MatValue[];
  shape: readonly number[];
}

/** A MATLAB struct array, row-major: one Map of fields for each element (a plain struct is a 1 x 1 array). */
export interface MatStructs {
  structs: Map<string, MatValue>[];
  shape: readonly number[];
}

/**
 * What a MATLAB variable holds. Numbers keep their class (truth values are 0 and 1) and MATLAB's shape, row-major here;
 * one row of text is a string, several rows are an array of texts.
 */
export type MatValue = Tensor<TensorData> | string | StringArray | MatCells | MatStructs;

export interface MatOptions extends ReadOptions {
  /** Names of the variables to read; the others are passed over, even those that could not be read. Default: all. */
  variables?: readonly string[];
}

/** Whether a value is a cell array. */
export function isMatCells(value: unknown): value is MatCells {
  return typeof value === 'object' && value !== null && 'cells' in value;
}

/** Whether a value is a struct array. */
export function isMatStructs(value: unknown): value is MatStructs {
  return typeof value === 'object' && value !== null && 'structs' in value;
}
