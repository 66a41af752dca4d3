import type { Message } from './message.js';
import { readMessage, writeMessage } from './message.js';
import { Instance, Module, type WasmModule } from './webassembly.js';

/** What native/wasm exports. */
interface Exports {
  memory: { buffer: ArrayBuffer };
  _initialize(): void;
  /** Memory for a message, or 0. */
  take(bytes: number): number;
  release(address: number): void;
  /** Runs a message's call; where the answer lies, 0 where the memory did not suffice. */
  run(address: number): number;
  answerBytes(): number;
}

/** An error of native code: binding.ts makes a `PoseError` of it. */
export class NativeCallError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** ENOSYS of WASI: the module neither opens files by name nor reads an environment. */
const NO_SUCH_CALL = 52;

/** The native half in WebAssembly. One instance runs one call at a time. */
export class WasmInstance {
  /** Files that calls may read, by their descriptors. */
  readonly files = new Map<number, Uint8Array>();
  readonly #exports: Exports;
  readonly #opened: (Uint8Array | undefined)[] = [];

  constructor(module: WasmModule) {
    const known: Record<string, (...values: never[]) => unknown> = {
      openFile: (descriptor: number) => {
        const bytes = this.files.get(descriptor);
        return bytes === undefined ? -1 : this.#opened.push(bytes) - 1;
      },
      closeFile: (handle: number) => {
        this.#opened[handle] = undefined;
      },
      fileSize: (handle: number) => this.#opened[handle]!.length,
      readFile: (handle: number, to: number, bytes: number, offset: number) => {
        const part = this.#opened[handle]!.subarray(offset, offset + bytes);
        new Uint8Array(this.#exports.memory.buffer).set(part, to >>> 0);
        return Number(part.length === bytes >>> 0);
      },
      clock_time_get: (_clock: number, _precision: bigint, to: number) => {
        const nanoseconds = BigInt(Math.round(performance.now() * 1e6));
        new DataView(this.#exports.memory.buffer).setBigUint64(to >>> 0, nanoseconds, true);
        return 0;
      },
      proc_exit: (code: number) => {
        throw new Error(`the module ended with ${code}`);
      },
      emscripten_notify_memory_growth: () => undefined,
    };
    const imports: Record<string, Record<string, (...values: never[]) => unknown>> = {};
    for (const { module: from, name } of Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = known[name] ?? (() => NO_SUCH_CALL);
    }
    this.#exports = new Instance(module, imports).exports as unknown as Exports;
    this.#exports._initialize();
  }

  /** Bytes of the module's memory, which only grows. */
  get memoryBytes(): number {
    return this.#exports.memory.buffer.byteLength;
  }

  /**
   * Runs a message's call and gives the answer's bytes, or nothing where the memory did not suffice. `inPlace`: what the
   * call wrote into arrays of the message then stands in `request`.
   */
  run(request: Uint8Array<ArrayBuffer>, inPlace = false): Uint8Array<ArrayBuffer> | undefined {
    const { take, release, run, answerBytes } = this.#exports;
    const address = take(request.length) >>> 0;
    if (address === 0) return undefined;
    try {
      this.#bytes(address, request.length).set(request);
      const answer = run(address) >>> 0;
      if (inPlace) request.set(this.#bytes(address, request.length));
      return answer === 0 ? undefined : this.#bytes(answer, answerBytes() >>> 0).slice();
    } finally {
      release(address);
    }
  }

  /** Runs a call at once: its value, or its error. Arrays among `values` hold afterwards what the call left in them. */
  call(...values: readonly unknown[]): unknown {
    const message = writeMessage(values);
    const result = resultOf(this.run(message.bytes, true));
    copyBack(message);
    return result;
  }

  #bytes(address: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#exports.memory.buffer, address, length);
  }
}

function copyBack({ bytes, arrays }: Message): void {
  for (const { bytes: theirs, start } of arrays) theirs.set(bytes.subarray(start, start + theirs.length));
}

/** The value of an answer. Throws the error that it holds. */
export function resultOf(answer: Uint8Array<ArrayBuffer> | undefined): unknown {
  if (answer === undefined) {
    throw new NativeCallError('ERR_MEMORY', 'The memory of WebAssembly (4 GB at most) did not suffice.');
  }
  const [succeeded, ...rest] = readMessage(answer) as [boolean, ...unknown[]];
  if (succeeded) return rest[0];
  const [code, text] = rest as [string | undefined, string];
  throw new NativeCallError(code ?? 'ERR_NATIVE', text);
}
