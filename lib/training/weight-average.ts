import type { NativeModel } from '../../binding.js';

/** Steps between two updates of the mean. */
export const AVERAGE_INTERVAL = 50;

/**
 * Averages a training's weights over about the last `share` of its steps. Update k moves the mean by 1 / (share k) of its
 * way to the weights, so the span grows with the training. The mean is good at any step; the learning rate need not fall first.
 */
export class WeightAverage {
  private readonly share: number;
  private readonly native: NativeModel;
  /** The mean by tensor name, without tensors that training does not use. */
  readonly values: Map<string, Float32Array>;

  /** Continues from `values`; an empty map starts at the next update. */
  constructor(native: NativeModel, share: number, values: Map<string, Float32Array> = new Map()) {
    this.native = native;
    this.share = share;
    this.values = values;
  }

  /** Takes the weights after `step` steps, a multiple of the interval, into the mean. */
  async update(step: number): Promise<void> {
    const part = Math.min(1, 1 / (this.share * (step / AVERAGE_INTERVAL)));
    for (const { name, role } of this.native.tensors) {
      if (role === 'unused') continue;
      const value = await this.native.read('value', name);
      const mean = this.values.get(name);
      if (mean === undefined || part === 1) {
        this.values.set(name, value);
      } else {
        for (let i = 0; i < mean.length; i++) mean[i] += part * (value[i] - mean[i]);
      }
    }
  }

  /** Runs `use` while the native model holds the mean. Before the first update it holds its own weights. */
  async during<Result>(use: () => Promise<Result>): Promise<Result> {
    const own = new Map<string, Float32Array>();
    for (const [name, mean] of this.values) {
      own.set(name, await this.native.read('value', name));
      await this.native.write('value', name, mean);
    }
    try {
      return await use();
    } finally {
      for (const [name, value] of own) await this.native.write('value', name, value);
    }
  }
}
