import { createRequire } from 'node:module';
import type {
  CudaInfo,
  MachineInfo,
  NativeConfig,
  NativeModel,
  NativeOptions,
  OpCost,
  OpTensors,
  PrecisionName,
} from '../binding.js';
import { asMemoryError } from './base/memory-error.js';
import { packageRoot } from './base/package-root.js';
import { PoseError, type PoseErrorCode } from './base/pose-error.js';
import { hasWasm } from './wasm/module.js';
import { wasmBinding } from './wasm/wasm-binding.js';

type Binding = typeof import('../binding.js');

/** Codes that native code gives its errors. */
const NATIVE_CODES: ReadonlySet<string> = new Set<PoseErrorCode>([
  'ERR_ABORTED',
  'ERR_ARGUMENT',
  'ERR_CLOSED',
  'ERR_CONFIG',
  'ERR_CUDA_ARCH',
  'ERR_CUDA_DRIVER',
  'ERR_CUDA_OOM',
  'ERR_FILE',
  'ERR_FORMAT',
  'ERR_MEMORY',
  'ERR_MODEL',
  'ERR_NATIVE',
  'ERR_NO_CUDA',
  'ERR_UNSUPPORTED',
]);

/** The native build of this platform. */
export interface NativeBuild {
  /** The file that was tried; undefined where there is none for this platform. */
  path: string | undefined;
  /** Why it does not serve; WebAssembly then does. */
  problem: string | undefined;
}

/** The native build where it loads, and what became of it. */
interface Loaded {
  binding: Binding | undefined;
  build: NativeBuild;
}

let loaded: Loaded | undefined;
/** What serves. */
let serving: Binding | undefined;

/** How much slower WebAssembly lifts than AVX2 or AVX-512, thread for thread: bench/results/webassembly.md. */
const WASM_SLOWER = 'about 4 times';

/** True on Linux with musl instead of glibc: Node's report names the glibc that it runs on. */
function runsOnMusl(): boolean {
  if (process.platform !== 'linux') {
    return false;
  }
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}

/** "linux x64 with musl" */
function platformText(): string {
  return `${process.platform} ${process.arch}${runsOnMusl() ? ' with musl' : ''}`;
}

/** Loads the native build where there is one that can be. */
function load(): Loaded {
  const require = createRequire(import.meta.url);
  const build: NativeBuild = { path: undefined, problem: undefined };
  try {
    build.path = (require('node-gyp-build') as { resolve(folder: string): string }).resolve(packageRoot());
    const native = require(build.path) as Binding;
    return { binding: { ...native, NativeModel: guardedClass(native.NativeModel) }, build };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (/^E[MN]FILE$/.test(code ?? '')) {
      throw new PoseError(
        'ERR_FILE',
        `The native build cannot be loaded: ${message}; expected a few free file handles (ulimit -n).`,
        { cause },
      );
    }
    // Not remembered: there may be memory when it is asked for again.
    if (/cannot allocate memory|failed to map segment|cannot create shared object descriptor/i.test(message)) {
      throw new PoseError(
        'ERR_MEMORY',
        `The native build cannot be loaded: ${message}; expected some tens of megabytes more (ulimit -v).`,
        { cause },
      );
    }
    build.problem =
      code === 'ERR_DLOPEN_DISABLED'
        ? 'This Node loads no native build of pstmo (start it without --no-addons, and with --allow-addons beside --permission)'
        : build.path === undefined
          ? `pstmo has no native build for ${platformText()}`
          : `pstmo could not load its native build on ${platformText()} (${message})`;
    return { binding: undefined, build };
  }
}

/** WebAssembly in place of the native build; says so once. */
function fallback(problem: string | undefined): Binding {
  if (!hasWasm()) {
    throw new PoseError(
      'ERR_NATIVE',
      `${problem}, and this copy of it no WebAssembly: run \`npm run build:native\` in a clone with CMake and a C++20 compiler.`,
    );
  }
  process.emitWarning(
    `${problem}: WebAssembly lifts in its place, ${WASM_SLOWER} slower; \`pstmo doctor\` says more.`,
    {
      type: 'Warning',
      code: 'PSTMO_WASM',
    },
  );
  return wasm();
}

let guardedWasm: Binding | undefined;

function wasm(): Binding {
  guardedWasm ??= { ...wasmBinding, NativeModel: guardedClass(wasmBinding.NativeModel) };
  return guardedWasm;
}

function asPoseError(error: unknown): unknown {
  if (error instanceof PoseError) return error;
  // Native code makes its errors in the realm that loaded it, which need not be this one.
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && NATIVE_CODES.has(code)) {
    return new PoseError(code as PoseErrorCode, String(message), { cause: error });
  }
  return asMemoryError(error);
}

/** Calls native code; an error of its own comes out as a `PoseError`. */
function guarded<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw asPoseError(error);
  }
}

/** The native class with the errors of every method made `PoseError`s. */
function guardedClass(Native: Binding['NativeModel']): Binding['NativeModel'] {
  class GuardedModel extends Native {}
  for (const name of Object.getOwnPropertyNames(Native.prototype)) {
    const value: unknown = Object.getOwnPropertyDescriptor(Native.prototype, name)?.value;
    if (typeof value !== 'function' || name === 'constructor') {
      continue;
    }
    Object.defineProperty(GuardedModel.prototype, name, {
      value: async function guardedMethod(this: NativeModel, ...args: unknown[]): Promise<unknown> {
        try {
          return await value.apply(this, args);
        } catch (error) {
          throw asPoseError(error);
        }
      },
    });
  }
  return GuardedModel;
}

/** The addon, or WebAssembly where that was asked for or the addon does not load. */
function binding(device?: NativeOptions['device']): Binding {
  if (device === 'wasm') return wasm();
  loaded ??= load();
  serving ??= loaded.binding ?? fallback(loaded.build.problem);
  return serving;
}

/** Which native build was tried, and why it does not serve where it does not. */
export function nativeBuild(): NativeBuild {
  loaded ??= load();
  return loaded.build;
}

/** A network on a device. Throws `ERR_ARGUMENT`, `ERR_CONFIG`, `ERR_MEMORY`, `ERR_NO_CUDA` or `ERR_UNSUPPORTED`. */
export function createNativeModel(config: NativeConfig, options: NativeOptions): NativeModel {
  return guarded(() => new (binding(options?.device).NativeModel)(config, options));
}

/** What this build and this machine offer; of `wasm` what WebAssembly does. */
export function machine(device?: 'cpu' | 'wasm'): MachineInfo {
  return guarded(() => binding(device).machine());
}

/** Whether `cuda:<device>` can be used, and why not. */
export function cudaDevice(device: number): CudaInfo {
  return guarded(() => binding().cudaDevice(device));
}

/** What multiplies on `cuda:<device>`: which cuBLASLt, from which file, or own kernels and why. */
export function cudaMatmul(device: number): string {
  return guarded(() => binding().cudaMatmul(device));
}

/**
 * GFLOP/s of fused multiply-adds, or GB/s of `copy` in memory (read and written), measured for `seconds` on a device, the
 * CPU with `threads` threads by default.
 */
export async function measurePeak(
  threads: number,
  precision: PrecisionName | 'copy',
  seconds: number,
  device: NativeOptions['device'] = 'cpu',
): Promise<number> {
  try {
    return await binding(device).measurePeak(threads, precision, seconds, device);
  } catch (error) {
    throw asPoseError(error);
  }
}

/** One operation of the device backends on plain arrays, for tests and benches; seconds of the median run. */
export function runOp(
  device: Parameters<Binding['runOp']>[0],
  op: string,
  tensors: OpTensors,
  attributes: { [name: string]: number },
  repeats?: number,
): number {
  return guarded(() => binding(device?.device).runOp(device, op, tensors, attributes, repeats));
}

/** What one operation computes and moves. */
export function opCost(op: string, tensors: OpTensors, attributes: { [name: string]: number }): OpCost {
  return guarded(() => binding().opCost(op, tensors, attributes));
}

/** The arrays of every operation. */
export function describeOps(device?: 'cpu' | 'wasm'): ReturnType<Binding['describeOps']> {
  return guarded(() => binding(device).describeOps());
}
