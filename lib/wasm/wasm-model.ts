import type {
  JobControl,
  LiftRequest,
  NativeConfig,
  NativeModel,
  NativeOptions,
  ProfileRecord,
  Sequences,
  StoredTensor,
  TensorInfo,
  TensorState,
  TrainRequest,
  WindowInput,
} from '../../binding.js';
import { arrayKind } from '../base/array-kind.js';
import { PoseError } from '../base/pose-error.js';
import { fstatSync, readSync } from '../base/system/node.js';
import { isShared, withOwnArrays, writeMessage } from './message.js';
import { availableThreads, syncInstance, wasmModule } from './module.js';
import { cutLift, type Piece } from './pieces.js';
import { WasmWorker } from './workers.js';

/** The number of a worker's model: it has one. */
const MODEL = 1;

/** Weights as a file has them, for every worker. */
interface Weights {
  path: string;
  bytes: Uint8Array;
  tensors: readonly StoredTensor[];
}

const closedError = () => new PoseError('ERR_CLOSED', 'The model is closed.');

function notHere(what: string): Promise<never> {
  return Promise.reject(
    new PoseError(
      'ERR_UNSUPPORTED',
      `${what} runs in the native build alone, and this is WebAssembly: expected a platform with a native build, or a clone ` +
        'of pstmo built with CMake and a C++20 compiler (npm run build:native).',
    ),
  );
}

/** Ends the workers of a model that nobody has any more. */
const forgotten = new FinalizationRegistry<WasmWorker[]>((workers) => {
  for (const worker of workers) worker.stop(closedError()).catch(() => undefined);
});

/**
 * A network in WebAssembly, in the shape of the addon's: a worker thread with its own memory, and more of them that share
 * the frames of a lift. Calls run in order.
 */
export class WasmModel implements NativeModel {
  readonly tensors: TensorInfo[];
  readonly device: string;
  readonly unsupportedReason: string;
  readonly missingThreads = 0;
  readonly #config: NativeConfig;
  readonly #options: NativeOptions;
  readonly #module = wasmModule();
  readonly #mostWorkers: number;
  readonly #workers: WasmWorker[] = [];
  /** How often the weights changed: what each worker has, and the first one's. */
  readonly #versions: number[] = [];
  #version = 0;
  /** Of this version; undefined where only the first worker has them. */
  #weights: Weights | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(config: NativeConfig, options: NativeOptions) {
    const instance = syncInstance();
    const own = withOwnArrays(config);
    const given = options?.device === 'wasm' ? { ...options, device: 'cpu' } : options;
    // This instance checks the arguments and describes the network; nothing is computed in it.
    const model = instance.call('new', 0, 'NativeModel', own, given) as number;
    const get = (name: string) => instance.call('get', model, name);
    this.tensors = get('tensors') as TensorInfo[];
    this.unsupportedReason = get('unsupportedReason') as string;
    const [, isa] = (get('device') as string).split(', ');
    instance.call('free', model, '');
    this.#config = own;
    this.#options = { ...options, device: 'cpu', threads: 1 };
    this.#mostWorkers = options.profile ? 1 : options.threads || availableThreads();
    this.device = `${isa}, ${this.#mostWorkers} ${this.#mostWorkers === 1 ? 'worker' : 'workers'}`;
    forgotten.register(this, this.#workers);
  }

  get memoryBytes(): number {
    return this.#workers.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  read(state: TensorState, name: string): Promise<Float32Array> {
    return this.#call('read', state, name) as Promise<Float32Array>;
  }

  write(state: TensorState, name: string, data: Float32Array): Promise<void> {
    return this.#change('write', state, name, data);
  }

  initialize(seed: number): Promise<void> {
    return this.#change('initialize', seed);
  }

  prepareLifter(): Promise<string> {
    return this.#call('prepareLifter') as Promise<string>;
  }

  async readValues(path: string, descriptor: number, tensors: readonly StoredTensor[]): Promise<void> {
    const request = writeMessage(['call', MODEL, 'readValues', path, descriptor, tensors]).bytes;
    const bytes = Number.isInteger(descriptor) && descriptor >= 0 ? fileBytes(path, descriptor) : new Uint8Array();
    return this.#queued(async () => {
      const worker = await this.#ready(0);
      this.#version++;
      this.#weights = undefined;
      this.#versions[0] = this.#version;
      await worker.send(request, { descriptor, bytes });
      this.#weights = { path, bytes, tensors };
    });
  }

  forward(input: WindowInput): ReturnType<NativeModel['forward']> {
    return this.#call('forward', input) as ReturnType<NativeModel['forward']>;
  }

  reconstruct(input: WindowInput): Promise<Float32Array> {
    return this.#call('reconstruct', input) as Promise<Float32Array>;
  }

  attention(input: WindowInput, module: string, layer: number): ReturnType<NativeModel['attention']> {
    return this.#call('attention', input, module, layer) as ReturnType<NativeModel['attention']>;
  }

  gradients(_input: WindowInput, _seed: number, _step: number): Promise<Float64Array> {
    return notHere('Training');
  }

  adamStep(_learningRate: number, _step: number): Promise<void> {
    return notHere('Training');
  }

  train(_request: TrainRequest, _control?: JobControl): Promise<Float64Array> {
    return notHere('Training');
  }

  setSequences(sequences: Sequences): Promise<void> {
    return this.#call('setSequences', sequences) as Promise<void>;
  }

  lift(request: LiftRequest, control?: JobControl): Promise<Float32Array> {
    if (typeof request !== 'object' || request === null || !isControl(control)) {
      return this.#call('lift', request, control) as Promise<Float32Array>;
    }
    // Its arrays as they are now: the caller may write to them.
    const copy = withOwnArrays(request);
    const pieces = cutLift(copy, this.#config);
    const whole = pieces === undefined ? writeMessage(['call', MODEL, 'lift', copy]).bytes : undefined;
    return this.#queued(async () => {
      throwIfStopped(control);
      if (pieces !== undefined) {
        try {
          return await this.#liftPieces(pieces, control);
        } catch (error) {
          // Its words name places in a piece: those of the whole request come from lifting it.
          if ((error as { code?: string }).code !== 'ERR_MODEL') throw error;
        }
      }
      const call = whole ?? writeMessage(['call', MODEL, 'lift', copy]).bytes;
      const poses = (await (await this.#ready(0)).send(call)) as Float32Array;
      if (control) Atomics.add(control, 1, poses.length / (3 * this.#config.outputJoints));
      return poses;
    });
  }

  liftWindows(input: WindowInput): Promise<Float32Array> {
    return this.#call('liftWindows', input) as Promise<Float32Array>;
  }

  openStream(options: Parameters<NativeModel['openStream']>[0]): Promise<number> {
    return this.#call('openStream', options) as Promise<number>;
  }

  pushFrame(stream: number, keypoints: Float32Array): Promise<Float32Array> {
    return this.#call('pushFrame', stream, keypoints) as Promise<Float32Array>;
  }

  endStream(stream: number): Promise<Float32Array> {
    return this.#call('endStream', stream) as Promise<Float32Array>;
  }

  closeStream(stream: number): Promise<void> {
    return this.#call('closeStream', stream) as Promise<void>;
  }

  startProfile(detail: 'ops' | 'passes' | 'stages'): Promise<void> {
    return this.#call('startProfile', detail) as Promise<void>;
  }

  stopProfile(): Promise<ProfileRecord[]> {
    return this.#call('stopProfile') as Promise<ProfileRecord[]>;
  }

  /** Ends the workers: what runs and what waits rejects with `ERR_CLOSED`. */
  close(): Promise<void> {
    this.#closing ??= Promise.all(this.#workers.map((worker) => worker.stop(closedError()))).then(() => undefined);
    return this.#closing;
  }

  /** Runs a method of the first worker's model after the calls before it. Its arguments are taken as they are now. */
  async #call(name: string, ...values: readonly unknown[]): Promise<unknown> {
    return this.#send(writeMessage(['call', MODEL, name, ...values]).bytes);
  }

  #send(request: Uint8Array<ArrayBuffer>): Promise<unknown> {
    return this.#queued(async () => (await this.#ready(0)).send(request));
  }

  /** The same of a call that changes the weights. */
  async #change(name: string, ...values: readonly unknown[]): Promise<void> {
    const request = writeMessage(['call', MODEL, name, ...values]).bytes;
    await this.#queued(async () => {
      const worker = await this.#ready(0);
      this.#version++;
      this.#weights = undefined;
      this.#versions[0] = this.#version;
      await worker.send(request);
    });
  }

  #queued<Result>(job: () => Promise<Result>): Promise<Result> {
    const run = this.#last.then(() => {
      if (this.#closing !== undefined) throw closedError();
      return job();
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** The worker of that number, with a model of the present weights. */
  async #ready(number: number): Promise<WasmWorker> {
    if (this.#workers[number] === undefined) {
      const worker = new WasmWorker(this.#module);
      this.#workers[number] = worker;
      this.#versions[number] = 0;
      await worker.call('new', 0, 'NativeModel', this.#config, this.#options);
    }
    const worker = this.#workers[number];
    if (this.#versions[number] !== this.#version) {
      this.#weights ??= await this.#readWeights();
      const { path, bytes, tensors } = this.#weights;
      const request = writeMessage(['call', MODEL, 'readValues', path, number, tensors]).bytes;
      await worker.send(request, { descriptor: number, bytes });
      this.#versions[number] = this.#version;
    }
    return worker;
  }

  /** The first worker's weights, as a file would have them. */
  async #readWeights(): Promise<Weights> {
    const sizes = this.tensors.map(({ shape }) => 4 * shape.reduce((product, length) => product * length, 1));
    const bytes = new Uint8Array(new SharedArrayBuffer(sizes.reduce((sum, size) => sum + size, 0)));
    const tensors: StoredTensor[] = [];
    let offset = 0;
    for (const [i, { name }] of this.tensors.entries()) {
      const values = (await this.#workers[0].call('call', MODEL, 'read', 'value', name)) as Float32Array;
      bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
      tensors.push({ name, type: 'F32', offset });
      offset += sizes[i];
    }
    return { path: 'weights', bytes, tensors };
  }

  /** Shares the pieces among the workers. */
  async #liftPieces(pieces: readonly Piece[], control: JobControl | undefined): Promise<Float32Array> {
    const width = 3 * this.#config.outputJoints;
    const poses = new Float32Array(pieces.reduce((sum, { frames }) => sum + frames, 0) * width);
    let next = 0;
    const work = async (number: number): Promise<void> => {
      const worker = await this.#ready(number);
      while (next < pieces.length) {
        throwIfStopped(control);
        const { request, at, frames } = pieces[next++];
        try {
          poses.set((await worker.call('call', MODEL, 'lift', request)) as Float32Array, at * width);
        } catch (error) {
          next = pieces.length;
          throw error;
        }
        if (control) Atomics.add(control, 1, frames);
      }
    };
    // The first worker is ready before the others take its weights.
    await this.#ready(0);
    const count = Math.min(this.#mostWorkers, pieces.length);
    const runs = await Promise.allSettled(Array.from({ length: count }, (_, number) => work(number)));
    const failed = runs.find((run) => run.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return poses;
  }
}

function throwIfStopped(control: JobControl | undefined): void {
  if (control && Atomics.load(control, 0) !== 0) throw new PoseError('ERR_ABORTED', 'The caller stopped the job.');
}

function isControl(control: JobControl | undefined): boolean {
  return control === undefined || (arrayKind(control) === 'Int32Array' && control.length >= 2 && isShared(control));
}

/** A file's bytes as they are now: the caller may close it. */
function fileBytes(path: string, descriptor: number): Uint8Array {
  try {
    const { size } = fstatSync(descriptor);
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    for (let done = 0; done < size; ) {
      const count = readSync(descriptor, bytes, done, size - done, done);
      if (count === 0) return bytes.subarray(0, done);
      done += count;
    }
    return bytes;
  } catch (error) {
    throw new PoseError('ERR_FILE', `${path}: cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}
