export { PoseError, type PoseErrorCode } from '../base/pose-error.js';
export type { Tensor, TensorData } from '../base/tensor.js';
export type { PathOrBytes } from './bytes/byte-source.js';
export { DEFAULT_LIMIT_BYTES, type ReadOptions } from './bytes/memory-budget.js';
export {
  isMatCells,
  isMatStructs,
  type MatCells,
  type MatOptions,
  type MatStructs,
  type MatValue,
} from './matlab/mat-value.js';
export { readMat5 } from './matlab/mat5.js';
export { readMat73 } from './matlab/mat73.js';
export { type NpyValue, readNpy } from './numpy/npy.js';
export { writeNpy } from './numpy/npy-writer.js';
export { type NpzFile, openNpz, readNpz } from './numpy/npz.js';
export { writeNpz } from './numpy/npz-writer.js';
export type { PickleOptions } from './pickle/machine.js';
export { readPickle } from './pickle/pickle.js';
export {
  isObjectArray,
  isStringArray,
  isTensor,
  type ObjectArray,
  type PickleValue,
  type StringArray,
} from './pickle/value.js';
export {
  openSafetensors,
  readSafetensors,
  type SafetensorsEntry,
  type SafetensorsFile,
  type TensorMap,
  writeSafetensors,
} from './safetensors.js';
export { type FileFormat, sniffFormat } from './sniff.js';
export { findStateDict, readTorch } from './torch/torch.js';
