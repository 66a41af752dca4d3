/**
 * The native addon, written by hand; a test holds it against the real exports. Used by lib/binding.ts alone. lib/wasm gives the same in
 * WebAssembly.
 */

export type DeviceName = 'auto' | 'cpu' | 'wasm' | 'cuda' | `cuda:${number}`;
export type PrecisionName = 'fp32' | 'tf32' | 'bf16';
export type TensorState = 'value' | 'gradient' | 'adamMean' | 'adamVariance' | 'adamMaximum';

export interface NativeConfig {
  stage: 1 | 2;
  frames: number;
  joints: number;
  outputJoints: number;
  layers: number;
  decoderLayers: number;
  width: number;
  hidden: number;
  heads: number;
  backbone: 'mlp' | 'fc' | 'transformer';
  mlpBlocks: number;
  temporal: boolean;
  aggregate: boolean;
  dropout: number;
  lossWeight: number;
  semVisibleOnly: boolean;
  refine: boolean;
  rootJoint: number;
  /** (joints) which joint each takes when mirrored. */
  mirrorInput: Int32Array;
  mirrorOutput: Int32Array;
}

export interface NativeOptions {
  /** `wasm`: WebAssembly, which the addon itself is not. */
  device: 'cpu' | 'wasm' | `cuda:${number}`;
  precision: PrecisionName;
  /** 0: as many as the machine gives this process. */
  threads: number;
  /** Time the work: see startProfile. Default false. */
  profile?: boolean;
  /** CPU: an instruction set of `machine().isas`; default `auto`, the best (or what PSTMO_CPU_ISA says). */
  isa?: string | undefined;
  /**
   * How lifting runs. `auto`, the default: by the compiled lifter where it supports the network, on a GPU once it has passed its self-test
   * there; `on`: by the compiled lifter, or ERR_UNSUPPORTED where it does not support the network; `off`: op by op.
   */
  compiled?: 'auto' | 'on' | 'off' | undefined;
  /** For benches and tests: optimizations that the compiled lifter leaves out. */
  withoutFolds?: Fold[] | undefined;
  /**
   * What multiplies on a GPU: `auto` (the default: cuBLASLt where it is found, else own kernels), `cublaslt`, `own`, or the
   * path of a cuBLASLt.
   */
  matmul?: string | undefined;
}

/** One piece of work: an op, a copy, or a pass, which is ops with no copy between them. */
export interface ProfileRecord {
  /** As in native/ops/operations.h, or "copyIn", "copyOut", "zero", "pass", or a stage of the compiled lifter. */
  op: string;
  /** "243 x 256 -> 512" */
  shape: string;
  /** Seconds since the first record began, by the device's clock. */
  start: number;
  seconds: number;
  /** native/ops/cost.h says what counts. */
  flops: number;
  bytes: number;
  /** `bytes` where a device keeps in bfloat16 what it may: native/ops/activations.h. */
  narrowBytes: number;
  /** Which thread did it, counted from 0; 0 where a device has none of its own. */
  thread: number;
}

/** Optimizations of the compiled lifter that can be switched off; native/inference/compiled-lifter.h says what each is. */
export type Fold = 'firstLayer' | 'feedForward' | 'encoder';

/** Where a tensor's numbers lie in a file, by the names of safetensors. */
export interface StoredTensor {
  name: string;
  type: 'F32' | 'F16' | 'BF16';
  /** First byte. */
  offset: number;
}

export interface TensorInfo {
  name: string;
  shape: number[];
  role: 'parameter' | 'statistic' | 'unused';
}

/** (2) on a SharedArrayBuffer: [0] set to 1 by JavaScript stops the job with ERR_ABORTED after the batch, [1] counts frames or steps done. */
export type JobControl = Int32Array;

export interface Sequences {
  keypoints: Float32Array;
  poses?: Float32Array | undefined;
  roots?: Float32Array | undefined;
  cameras?: Float32Array | undefined;
  lengths: Int32Array;
}

export interface LiftRequest {
  keypoints: Float32Array;
  stride: number;
  flip: boolean;
  /** First frame to lift and how many. */
  first: number;
  count: number;
  batch: number;
  root?: Float32Array | undefined;
  camera?: Float32Array | undefined;
  /** Several clips end to end, lifted whole: how many frames each has. */
  lengths?: Int32Array | undefined;
  /** Each window's frames in an order drawn from this and its middle frame, whose pose is the result; in order without it. */
  shuffleSeed?: number | undefined;
}

export interface TrainRequest {
  /** (samples, 3): sequence, centre frame, mirrored. */
  samples: Int32Array;
  batch: number;
  stride: number;
  shuffleFrames: boolean;
  learningRate: number;
  seed: number;
  firstStep: number;
  /** false: losses in evaluation mode, nothing changes. */
  update: boolean;
  flip: boolean;
  /** Stage I: (steps, N) and (steps, N, J). */
  masked?: Uint8Array | undefined;
  jointMask?: Uint8Array | undefined;
}

export interface WindowInput {
  /** (B, N, J, 2) normalised. */
  keypoints: Float32Array;
  batch: number;
  targets?: Float32Array | undefined;
  masked?: Uint8Array | undefined;
  jointMask?: Uint8Array | undefined;
  roots?: Float32Array | undefined;
  cameras?: Float32Array | undefined;
}

/** A network on a device. Calls queue up and run in order on a thread of their own; `close()` cancels and frees. */
export class NativeModel {
  constructor(config: NativeConfig, options: NativeOptions);
  readonly tensors: TensorInfo[];
  /** "CPU, AVX-512, 2 threads" */
  readonly device: string;
  readonly memoryBytes: number;
  /** Threads that were asked for and that the system did not give: the model works with fewer. */
  readonly missingThreads: number;
  /** Why lifting runs op by op; empty where it runs compiled, and before the self-test of {@link prepareLifter}. */
  readonly unsupportedReason: string;
  read(state: TensorState, name: string): Promise<Float32Array>;
  write(state: TensorState, name: string, data: Float32Array): Promise<void>;
  /**
   * Takes values from an open file, little endian: of each tensor its type and the first byte; `path` names it in
   * messages, and the descriptor may be closed once the call has returned. The file is read now for the compiled lifter, and again when
   * the network itself first runs, where it must not have changed. Throws `ERR_FILE` or `ERR_FORMAT`.
   */
  readValues(path: string, descriptor: number, tensors: readonly StoredTensor[]): Promise<void>;
  initialize(seed: number): Promise<void>;
  /**
   * Compiles the lifter of the weights as they are, where it is to run. On a GPU with `compiled: 'auto'` it must then lift one window as
   * the network does op by op, or it is not used: the promise's text says so, and is empty where all is well.
   */
  prepareLifter(): Promise<string>;
  forward(input: WindowInput): Promise<{ single: Float32Array; multiple?: Float32Array; refined?: Float32Array }>;
  reconstruct(input: WindowInput): Promise<Float32Array>;
  attention(
    input: WindowInput,
    module: 'tem' | 'mofa' | 'decoder' | 'joints',
    layer: number,
  ): Promise<{ tokens: number; maps: Float32Array }>;
  gradients(input: WindowInput, seed: number, step: number): Promise<Float64Array>;
  adamStep(learningRate: number, step: number): Promise<void>;
  setSequences(sequences: Sequences): Promise<void>;
  lift(request: LiftRequest, control?: JobControl): Promise<Float32Array>;
  /** (B, J', 3): the middle frames' poses of windows given whole, compiled where the lifter is. */
  liftWindows(input: WindowInput): Promise<Float32Array>;
  /**
   * A stream of frames: which one it is. `lookahead`: how many frames must have come after one before its pose does, 0 to
   * (N - 1) / 2 * stride; frames that have not come count as the last one repeated.
   */
  openStream(options: { stride: number; flip: boolean; lookahead: number }): Promise<number>;
  /** Takes the next frame (J, 2); the pose (J', 3) of `lookahead` frames ago, or nothing while there is none. */
  pushFrame(stream: number, keypoints: Float32Array): Promise<Float32Array>;
  /** The poses still owed, and the end of the stream. Streams end, too, where the weights change. */
  endStream(stream: number): Promise<Float32Array>;
  /** Frees a stream whose poses nobody wants any more; one that has ended already is no error. */
  closeStream(stream: number): Promise<void>;
  /** (steps, 3) losses: total, single (or Stage I), multiple. */
  train(request: TrainRequest, control?: JobControl): Promise<Float64Array>;
  /**
   * Notes the time of what follows, op by op or pass by pass, for models made with `profile`; or stage by stage of the compiled lifter,
   * each thread's by itself, in which a GPU then replays no recorded batch.
   */
  startProfile(detail: 'ops' | 'passes' | 'stages'): Promise<void>;
  /** Waits for the device; what was noted. */
  stopProfile(): Promise<ProfileRecord[]>;
  close(): Promise<void>;
}

/** Whether a GPU can be used; `code` and `reason` say why it cannot, `code` is '' where it can. */
export interface CudaInfo {
  built: boolean;
  found: boolean;
  code: '' | 'ERR_NO_CUDA' | 'ERR_CUDA_ARCH' | 'ERR_CUDA_DRIVER';
  reason: string;
}

export interface MachineInfo {
  isas: string[];
  bf16: boolean;
  threads: number;
  /** Of the first GPU that can be used, `cuda:<device>`; where none can, of the first. `devices`: how many there are. */
  cuda: CudaInfo & { devices: number; device: number };
  version: string;
}

export function machine(): MachineInfo;
/** Whether `cuda:<device>` can be used. */
export function cudaDevice(device: number): CudaInfo;
/** What multiplies on `cuda:<device>` where nothing else is asked for: "cuBLASLt 13.0.0 (file)", or own kernels and why. */
export function cudaMatmul(device: number): string;
/** GFLOP/s of fused multiply-adds, or GB/s of `copy` in memory (read and written), measured for `seconds` on a device, `cpu` by default. */
export function measurePeak(
  threads: number,
  precision: PrecisionName | 'copy',
  seconds: number,
  device?: NativeOptions['device'],
): Promise<number>;

/** The seam for tests and benches: one operation of native/ops/operations.h on plain arrays. */
export interface OpTensors {
  [name: string]: Float32Array | Int32Array | Uint8Array | Uint16Array;
}
export function runOp(
  device: {
    device: NativeOptions['device'];
    precision: PrecisionName;
    threads: number;
    isa: string;
    matmul?: string | undefined;
  },
  op: string,
  /**
   * Inputs, and outputs as arrays that are filled in place (`+=` fields start from what they hold). A Uint16Array is an array in bfloat16, where
   * the device keeps that one narrow (native/ops/activations.h).
   */
  tensors: OpTensors,
  attributes: { [name: string]: number },
  /** Repeat and time: returns seconds per run (median). */
  repeats?: number,
): number;
/** What one run computes and moves; native/ops/cost.h says what counts. */
export interface OpCost {
  /** "243 x 256 -> 512" */
  shape: string;
  flops: number;
  bytes: number;
  /** `bytes` where a device keeps in bfloat16 what it may. */
  narrowBytes: number;
}
export function opCost(op: string, tensors: OpTensors, attributes: { [name: string]: number }): OpCost;
export interface OpArray {
  /** Read, written, or added to. */
  access: 'in' | 'out' | 'add';
  /** A device may keep it in bfloat16. */
  narrow: boolean;
}
/** The arrays of every operation by name. */
export function describeOps(): { [op: string]: { [array: string]: OpArray } };
