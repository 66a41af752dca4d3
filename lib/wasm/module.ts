import { packageRoot } from '../base/package-root.js';
import { PoseError } from '../base/pose-error.js';
import { existsSync, join, readFileSync } from '../base/system/node.js';
import { WasmInstance } from './instance.js';
import { Module, type WasmModule } from './webassembly.js';

let compiled: WasmModule | undefined;
let instance: WasmInstance | undefined;

const modulePath = () => join(packageRoot(), 'build/wasm/pstmo.wasm');

/** Whether this copy of the package holds the module. */
export function hasWasm(): boolean {
  return existsSync(modulePath());
}

/** The module, compiled once for all threads. Throws `ERR_NATIVE` where it is missing. */
export function wasmModule(): WasmModule {
  const path = modulePath();
  try {
    compiled ??= new Module(readFileSync(path));
    return compiled;
  } catch (cause) {
    throw new PoseError(
      'ERR_NATIVE',
      `The WebAssembly module cannot be loaded: ${(cause as Error).message}; expected ${path}, which \`npm run build:wasm\` ` +
        'makes in a clone where emscripten is installed.',
      { cause },
    );
  }
}

/** An instance in this thread, for calls that are done at once. */
export function syncInstance(): WasmInstance {
  instance ??= new WasmInstance(wasmModule());
  return instance;
}

/** Processors that this process may use. */
export function availableThreads(): number {
  return process.getBuiltinModule('node:os').availableParallelism();
}
