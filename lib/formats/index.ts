export { PoseError, type PoseErrorCode } from '../pose-error.js';
export type { Tensor, TensorData } from '../tensor.js';
export type { PathOrBytes } from './byte-source.js';
export {
  isMatCells,
  isMatStructs,
  type MatCells,
  type MatOptions,
  type MatStructs,
  type MatValue,
} from './mat-value.js';
export { readMat5 } from './mat5.js';
export { readMat73 } from './mat73.js';
export { DEFAULT_LIMIT_BYTES, type ReadOptions } from './memory-budget.js';
export { type NpyValue, readNpy } from './npy.js';
export { writeNpy } from './npy-writer.js';
export { type NpzFile, openNpz, readNpz } from './npz.js';
export { writeNpz } from './npz-writer.js';
export { readPickle } from './pickle.js';
export type { PickleOptions } from './pickle-machine.js';
export {
  isObjectArray,
  isStringArray,
  isTensor,
  type ObjectArray,
  type PickleValue,
  type StringArray,
} from './pickle-value.js';
export {
  openSafetensors,
  readSafetensors,
  type SafetensorsEntry,
  type SafetensorsFile,
  type TensorMap,
  writeSafetensors,
} from './safetensors.js';
export { type FileFormat, sniffFormat } from './sniff.js';
export { findStateDict, readTorch } from './torch.js';
