import { packageRoot } from '../base/package-root.js';
import { PoseError } from '../base/pose-error.js';
import { join } from '../base/system/node.js';
import { NativeCallError, resultOf } from './instance.js';
import { writeMessage } from './message.js';
import type { WasmModule } from './webassembly.js';
import type { Reply, Task } from './worker.js';

type NodeWorker = import('node:worker_threads').Worker;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** A worker thread with an instance of the module. Calls run in order. */
export class WasmWorker {
  readonly #thread: NodeWorker;
  readonly #waiting = new Map<number, Waiting>();
  #lastCall = 0;
  #memoryBytes = 0;
  #ended: Error | undefined;

  constructor(module: WasmModule) {
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    this.#thread = new Worker(join(packageRoot(), 'dist/wasm/worker.js'), { workerData: module, execArgv: [] });
    this.#thread.unref();
    this.#thread.on('message', (reply: Reply) => this.#settle(reply));
    this.#thread.on('error', (error) => this.#end(endOf(error)));
    this.#thread.on('exit', () =>
      this.#end(new NativeCallError('ERR_NATIVE', 'A worker thread of WebAssembly ended.')),
    );
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Runs a call that was written as a message: its value. */
  send(request: Uint8Array<ArrayBuffer>, file?: Task['file']): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#lastCall;
    // While a call is under way the process stays.
    this.#thread.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const task: Task = file === undefined ? { id, request } : { id, request, file };
      this.#thread.postMessage(task, [request.buffer]);
    });
  }

  call(...values: readonly unknown[]): Promise<unknown> {
    return this.send(writeMessage(values).bytes);
  }

  /** Ends the thread at once; the calls under way reject with `reason`. */
  async stop(reason: Error): Promise<void> {
    this.#end(reason);
    await this.#thread.terminate();
  }

  #settle({ id, answer, failure, memoryBytes }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#thread.unref();
    this.#memoryBytes = memoryBytes;
    try {
      if (failure !== undefined) throw new NativeCallError('ERR_NATIVE', `WebAssembly failed: ${failure}.`);
      waiting?.resolve(resultOf(answer));
    } catch (error) {
      waiting?.reject(error);
    }
  }

  #end(reason: Error): void {
    this.#ended ??= reason;
    this.#memoryBytes = 0;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

/** What a thread's own error means to the caller. */
function endOf(error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY' || code === 'ERR_WORKER_INIT_FAILED') {
    return new PoseError('ERR_MEMORY', `A worker thread of WebAssembly had no memory: ${message}.`, { cause: error });
  }
  return new PoseError('ERR_NATIVE', `A worker thread of WebAssembly failed: ${message}.`, { cause: error });
}
