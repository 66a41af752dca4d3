/** How the learning rate falls: by a factor after each epoch, or along half a cosine down to a floor at the last step. */
export type Schedule = { kind: 'decay'; factor: number } | { kind: 'cosine'; floor: number };

/** With a cosine the rate changes every so many steps of the whole training, so that it never depends on how steps are grouped. */
export const COSINE_INTERVAL = 50;

export interface SchedulePosition {
  /** Counted from 0. */
  epoch: number;
  /** Steps since the beginning of the training, counted from 0. */
  step: number;
  totalSteps: number;
}

/** The learning rate of one step. */
export function learningRateAt(schedule: Schedule, base: number, position: SchedulePosition): number {
  if (schedule.kind === 'decay') {
    return base * schedule.factor ** position.epoch;
  }
  const step = Math.floor(position.step / COSINE_INTERVAL) * COSINE_INTERVAL;
  const last = Math.floor((position.totalSteps - 1) / COSINE_INTERVAL) * COSINE_INTERVAL;
  const share = last > 0 ? step / last : 0;
  return schedule.floor + 0.5 * (base - schedule.floor) * (1 + Math.cos(Math.PI * share));
}

/** How many steps from `step` on have the same rate, as far as this schedule knows (epochs end where they end). */
export function stepsOfSameRate(schedule: Schedule, step: number): number {
  return schedule.kind === 'decay' ? Number.POSITIVE_INFINITY : COSINE_INTERVAL - (step % COSINE_INTERVAL);
}
