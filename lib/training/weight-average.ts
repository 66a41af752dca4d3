import type { NativeModel } from '../../binding.js';

/** Steps from one look at the weights to the next. */
export const AVERAGE_INTERVAL = 50;

/**
 * The mean of a training's weights over about a share of the steps so far, which weighs the later ones more: after look k
 * the mean moves by 1 / (share k) of its way to the weights. It is as good after any number of steps as a learning rate
 * that falls to nothing would be, whenever the training is stopped.
 */
export class WeightAverage {
  private readonly share: number;
  private readonly native: NativeModel;
  /** By the weights' names; those that training leaves alone are not in it. */
  readonly values: Map<string, Float32Array>;

  /** Goes on from `values`; none: from the next look. */
  constructor(native: NativeModel, share: number, values: Map<string, Float32Array> = new Map()) {
    this.native = native;
    this.share = share;
    this.values = values;
  }

  /** Looks at the weights after `step` steps, a multiple of the interval. */
  async look(step: number): Promise<void> {
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

  /** Runs `use` while the native model holds the mean; before the first look, the weights themselves. */
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
