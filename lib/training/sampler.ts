import { PoseError } from '../base/pose-error.js';
import { createRandom } from '../base/random.js';

/** A sequence that windows are drawn from. `index` is its place in the native model's sequences. */
export interface SampledSequence {
  index: number;
  frames: number;
  /** (T), 1 where a frame may be a window's centre; absent: every frame. */
  valid?: Uint8Array | undefined;
}

/** What an epoch's list of samples is made from. */
export interface SamplePlan {
  sequences: readonly SampledSequence[];
  /** Take every so many frames as centres; which ones moves on by one frame each epoch. */
  every: number;
  /** At most so many samples an epoch, another random choice each time; absent: all. */
  samplesPerEpoch?: number | undefined;
  batch: number;
  seed: number;
}

/** Samples in an epoch (counted from 0): each centre twice, plain and mirrored, as far as `samplesPerEpoch` lets. */
export function epochSampleCount(plan: SamplePlan, epoch: number): number {
  let centres = 0;
  forEachCentre(plan, epoch, () => {
    centres++;
  });
  const count = Math.min(2 * centres, plan.samplesPerEpoch ?? Number.POSITIVE_INFINITY);
  // Batch norm needs two windows: a last batch of one is left out.
  const usable = count % plan.batch === 1 ? count - 1 : count;
  if (usable === 0) {
    throw new PoseError(
      'ERR_DATASET',
      `Training needs at least two samples an epoch, but epoch ${epoch + 1} has ${count}.`,
    );
  }
  return usable;
}

/** The samples of an epoch in the order in which they are trained on: (samples, 3) of sequence, centre frame, mirrored. */
export function epochSamples(plan: SamplePlan, epoch: number): Int32Array {
  const count = epochSampleCount(plan, epoch);
  const centres: number[] = [];
  forEachCentre(plan, epoch, (sequence, frame) => centres.push(sequence, frame));
  const order = Int32Array.from({ length: centres.length }, (_, i) => i);
  const random = createRandom(plan.seed, 'samples', epoch);
  const samples = new Int32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const j = i + random.integer(order.length - i);
    const pick = order[j];
    order[j] = order[i];
    const centre = pick >> 1;
    samples[3 * i] = centres[2 * centre];
    samples[3 * i + 1] = centres[2 * centre + 1];
    samples[3 * i + 2] = pick & 1;
  }
  return samples;
}

/** At most `limit` plain samples, spread evenly over all valid frames: what a validation looks at, the same every time. */
export function evenSamples(sequences: readonly SampledSequence[], limit: number): Int32Array {
  const centres: number[] = [];
  forEachCentre({ sequences, every: 1 }, 0, (sequence, frame) => centres.push(sequence, frame));
  const total = centres.length / 2;
  const count = Math.min(total, limit);
  const samples = new Int32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const centre = Math.floor(((i + 0.5) * total) / count);
    samples[3 * i] = centres[2 * centre];
    samples[3 * i + 1] = centres[2 * centre + 1];
  }
  return samples;
}

function forEachCentre(
  plan: Pick<SamplePlan, 'sequences' | 'every'>,
  epoch: number,
  visit: (sequence: number, frame: number) => void,
): void {
  for (const { index, frames, valid } of plan.sequences) {
    for (let frame = epoch % plan.every; frame < frames; frame += plan.every) {
      if (!valid || valid[frame]) {
        visit(index, frame);
      }
    }
  }
}
