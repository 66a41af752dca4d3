import type { LiftRequest, NativeModel, PrecisionName } from '../../binding.js';
import { withCallbacks } from '../base/callbacks.js';
import { checkOptionKinds } from '../base/check-arguments.js';
import { checkKnownOptions } from '../base/known-options.js';
import { asMemoryError } from '../base/memory-error.js';
import { type OldModelOptions, withoutOldNames } from '../base/old-names.js';
import { PoseError } from '../base/pose-error.js';
import { createNativeModel } from '../binding.js';
import type { ModelConfig } from '../networks/config.js';
import { type DeviceOption, resolveDevice, resolveDevices } from '../networks/device.js';
import { nativeConfig } from '../networks/native-config.js';
import { type NetworkWeights, openNetworkWeights } from '../networks/network-weights.js';
import type { WeightOptions } from '../networks/weights.js';
import { type JobOptions, runJob } from './job.js';
import { liftOn, liftParts } from './lift-parts.js';

/** Whether lifting runs the compiled lifter. */
export type CompiledChoice = 'auto' | 'on' | 'off';

/** How a model is loaded. */
export interface LoadOptions extends WeightOptions, OldModelOptions {
  /** Default `auto`. */
  device?: DeviceOption;
  /** Default `fp32`; a precision that the device lacks throws `ERR_UNSUPPORTED`. */
  precision?: PrecisionName;
  /** CPU threads; 0, the default: as many as the machine gives this process. Results do not depend on it. */
  threads?: number;
  /**
   * How lifting runs; the poses agree to rounding. `off`: op by op. `on`: the compiled lifter, or `ERR_UNSUPPORTED` where it does
   * not support this network, precision and device. `auto`, the default: compiled where it can; on a GPU it must first lift one
   * window as the network does op by op, else the network lifts and a notice says so.
   */
  compiled?: CompiledChoice;
  /**
   * What multiplies matrices on a GPU: `auto`, the default (cuBLASLt where one is found, else own kernels), `cublaslt`, `own`, or
   * the path of a cuBLASLt. One that was asked for and cannot be opened throws `ERR_UNSUPPORTED`.
   */
  matmul?: string;
  /** What is worth knowing: the device that was chosen, what was taken on trust. */
  onNotice?: (text: string) => void;
}

const LOAD_KINDS = { device: 'text', precision: 'text', threads: 'number', compiled: 'text', matmul: 'text' };
const LOAD_OPTIONS = ['device', 'precision', 'threads', 'compiled', 'matmul', 'preset', 'config', 'refine', 'onNotice'];

/** A network with its weights, and the calls under way on it. */
export class LoadedNetwork {
  readonly config: ModelConfig;
  /** For example "CPU, AVX-512, 2 threads". */
  readonly device: string;
  readonly notices: readonly string[];
  readonly #natives: readonly [NativeModel, ...NativeModel[]];
  readonly #pending = new Set<Promise<unknown>>();
  #closed = false;

  private constructor(
    natives: readonly [NativeModel, ...NativeModel[]],
    config: ModelConfig,
    notices: readonly string[],
  ) {
    this.#natives = natives;
    this.config = config;
    this.device = natives.map((native) => native.device).join('; ');
    this.notices = notices;
  }

  /** Loads a model of the given stage; throws `ERR_MODEL` when the file is of the other. */
  static async load(pathOrName: string, stage: 1 | 2, given: LoadOptions): Promise<LoadedNetwork> {
    return withCallbacks(withoutOldNames(given), (options) => LoadedNetwork.#load(pathOrName, stage, options));
  }

  static async #load(pathOrName: string, stage: 1 | 2, options: LoadOptions): Promise<LoadedNetwork> {
    checkKnownOptions('load', options, LOAD_OPTIONS);
    checkOptionKinds('load', options, LOAD_KINDS);
    const notices: string[] = [];
    const notice = (text: string) => {
      notices.push(text);
      options.onNotice?.(text);
    };
    const weights = await openNetworkWeights(pathOrName, options);
    try {
      return await LoadedNetwork.#fromWeights(weights, stage, options, notices, notice);
    } finally {
      weights.close();
    }
  }

  static async #fromWeights(
    weights: NetworkWeights,
    stage: 1 | 2,
    options: LoadOptions,
    notices: string[],
    notice: (text: string) => void,
  ): Promise<LoadedNetwork> {
    if (weights.config.stage !== stage) {
      const other =
        stage === 2
          ? 'it reconstructs 2D poses: finetune makes a lifter of it, MaskedPoseModel runs it'
          : 'it lifts: use PoseLifter';
      throw new PoseError('ERR_MODEL', `${weights.path} is a Stage ${weights.config.stage} model, ${other}.`);
    }
    weights.notices.forEach(notice);
    const made: NativeModel[] = [];
    try {
      const devices = stage === 2 ? resolveDevices(options.device, notice) : [resolveDevice(options.device, notice)];
      for (const device of devices) {
        const native = createNativeModel(nativeConfig(weights.config), {
          device,
          precision: options.precision ?? 'fp32',
          threads: options.threads ?? 0,
          compiled: options.compiled,
          matmul: options.matmul,
        });
        made.push(native);
        await weights.fill(native);
        if (stage === 2 && device.startsWith('cuda')) {
          const problem = await native.prepareLifter();
          if (problem !== '') notice(`compiled auto: ${native.device} lifts op by op, because ${problem}.`);
        }
      }
    } catch (error) {
      for (const native of made) await native.close();
      throw error;
    }
    const natives = made as [NativeModel, ...NativeModel[]];
    if (natives[0].missingThreads > 0) {
      notice(
        `threads: the system gave ${natives[0].missingThreads} fewer than asked (limits on processes or memory); ` +
          'the results are the same, later.',
      );
    }
    return new LoadedNetwork(natives, weights.config, notices);
  }

  /** Bytes of native memory held now. */
  get memoryBytes(): number {
    return this.#natives.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  /** Why lifting runs op by op; empty where it runs the compiled lifter. */
  get unsupportedReason(): string {
    return this.#natives.find((native) => native.unsupportedReason !== '')?.unsupportedReason ?? '';
  }

  /** Lifts the frames of a request under `options`; with several GPUs each takes a part of them. */
  async lift(request: LiftRequest, options: JobOptions): Promise<Float32Array> {
    return this.run(() =>
      runJob(request.count, options, (control) =>
        liftOn(this.#natives, liftParts(request, this.config, this.#natives.length), control),
      ),
    );
  }

  /** Runs a call on the network, with several GPUs on the first; calls queue up. Throws `ERR_CLOSED` after `close()`. */
  async run<Result>(call: (native: NativeModel) => Promise<Result>): Promise<Result> {
    if (this.#closed) {
      throw new PoseError('ERR_CLOSED', 'The model is closed.');
    }
    const promise = call(this.#natives[0]);
    this.#pending.add(promise);
    try {
      return await promise;
    } catch (error) {
      throw asMemoryError(error);
    } finally {
      this.#pending.delete(promise);
    }
  }

  /** Waits for the calls under way, then frees the native memory at once. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#pending);
    await Promise.all(this.#natives.map((native) => native.close()));
  }
}
