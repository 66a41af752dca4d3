import type { ModelConfig } from '../networks/config.js';
import type { LoadedNetwork } from './loaded-network.js';

/** What a loaded model of either stage is, beside what it does. */
export abstract class LoadedModel implements AsyncDisposable {
  readonly config: ModelConfig;
  /** For example "CPU, AVX-512, 2 threads". */
  readonly device: string;
  /** What was chosen or taken on trust while loading, a sentence each. */
  readonly notices: readonly string[];
  protected readonly network: LoadedNetwork;

  protected constructor(network: LoadedNetwork) {
    this.network = network;
    this.config = network.config;
    this.device = network.device;
    this.notices = network.notices;
  }

  /** Bytes of native memory held now. */
  get memoryBytes(): number {
    return this.network.memoryBytes;
  }

  /** Waits for the calls under way, then frees the native memory at once; calls after it throw `ERR_CLOSED`. */
  async close(): Promise<void> {
    await this.network.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
