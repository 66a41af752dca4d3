/** Losses of one step, means over its samples, and how many samples it had. */
export interface StepLosses {
  loss: number;
  single: number;
  multiple: number;
  samples: number;
}

/** Splits the native model's answer (steps, 3); all steps have `batch` samples but the last, which takes the rest. */
export function stepLosses(losses: Float64Array, samples: number, batch: number): StepLosses[] {
  return Array.from({ length: losses.length / 3 }, (_, i) => ({
    loss: losses[3 * i],
    single: losses[3 * i + 1],
    multiple: losses[3 * i + 2],
    samples: Math.min(batch, samples - i * batch),
  }));
}
