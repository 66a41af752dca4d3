import type { OpTensors } from '../../binding.js';
import type { OpCase } from '../../test/native/op-case.js';

export function toBrainFloat(values: Float32Array): Uint16Array;
export function narrowFields(op: string): string[];
export function narrowings(opCase: OpCase): string[][];
export function narrowed(tensors: OpTensors, names: readonly string[]): OpTensors;
export function widened(tensors: OpTensors): OpTensors;
