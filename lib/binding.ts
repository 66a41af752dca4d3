import { createRequire } from 'node:module';
import type {
  MachineInfo,
  NativeConfig,
  NativeModel,
  NativeOptions,
  OpCost,
  OpTensors,
  PrecisionName,
} from '../binding.js';
import { packageRoot } from './base/package-root.js';
import { PoseError, type PoseErrorCode } from './base/pose-error.js';

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

let loaded: Binding | undefined;

/** True on Linux with musl instead of glibc: Node's report names the glibc that it runs on. */
function runsOnMusl(): boolean {
  if (process.platform !== 'linux') {
    return false;
  }
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime === undefined;
}

function load(): Binding {
  const require = createRequire(import.meta.url);
  try {
    const build = require('node-gyp-build') as (folder: string) => Binding;
    return build(packageRoot());
  } catch (cause) {
    if (/^E[MN]FILE$/.test((cause as NodeJS.ErrnoException).code ?? '')) {
      throw new PoseError(
        'ERR_FILE',
        `The native build cannot be loaded: ${(cause as Error).message}; expected a few free file handles (ulimit -n).`,
        { cause },
      );
    }
    if ((cause as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED') {
      throw new PoseError(
        'ERR_NATIVE',
        'pstmo works by an addon, and this Node loads none: start it without --no-addons, and with --allow-addons beside --permission.',
        { cause },
      );
    }
    const platform = `${process.platform} ${process.arch}${runsOnMusl() ? ' with musl' : ''}`;
    const missing = (cause as Error).message.startsWith('No native build was found');
    const what = missing ? `has no native build for ${platform}` : `could not load its native build on ${platform}`;
    const why = missing ? '' : ` (${(cause as Error).message})`;
    throw new PoseError(
      'ERR_NATIVE',
      `pstmo ${what}${why}: run \`npm run build:native\` in a clone of it with CMake and a C++20 compiler.`,
      { cause },
    );
  }
}

function asPoseError(error: unknown): unknown {
  // Native code makes its errors in the realm that loaded it, which need not be this one.
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && NATIVE_CODES.has(code)) {
    return new PoseError(code as PoseErrorCode, String(message), { cause: error });
  }
  return error;
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

function binding(): Binding {
  if (loaded === undefined) {
    const native = load();
    loaded = { ...native, NativeModel: guardedClass(native.NativeModel) };
  }
  return loaded;
}

/** A network on a device. Throws `ERR_ARGUMENT`, `ERR_CONFIG`, `ERR_MEMORY`, `ERR_NO_CUDA` or `ERR_UNSUPPORTED`. */
export function createNativeModel(config: NativeConfig, options: NativeOptions): NativeModel {
  return guarded(() => new (binding().NativeModel)(config, options));
}

/** What this build and this machine offer. */
export function machine(): MachineInfo {
  return guarded(() => binding().machine());
}

/** What multiplies on the first GPU: which cuBLASLt, from which file, or own kernels and why. */
export function cudaMatmul(): string {
  return guarded(() => binding().cudaMatmul());
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
    return await binding().measurePeak(threads, precision, seconds, device);
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
  return guarded(() => binding().runOp(device, op, tensors, attributes, repeats));
}

/** What one operation computes and moves. */
export function opCost(op: string, tensors: OpTensors, attributes: { [name: string]: number }): OpCost {
  return guarded(() => binding().opCost(op, tensors, attributes));
}

/** The arrays of every operation. */
export function describeOps(): ReturnType<Binding['describeOps']> {
  return guarded(() => binding().describeOps());
}
