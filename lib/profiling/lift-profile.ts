import type { NativeModel, ProfileRecord } from '../../binding.js';

/** All calls of one stage of the compiled lifter in one lift. */
export interface StageTotals {
  stage: string;
  calls: number;
  /** Of all threads together. */
  seconds: number;
  flops: number;
}

/** One lift by the path that lifts, taken apart. */
export interface LiftProfile {
  /** Of the compiled lifter, each thread's by itself; none where lifting runs op by op. */
  stages: StageTotals[];
  /** Why lifting runs op by op; empty where it runs compiled. */
  unsupportedReason: string;
  threads: number;
  /** From the first stage's begin to the last one's end. */
  seconds: number;
  /** For a trace. */
  records: ProfileRecord[];
}

const LIFTS = 3;

/** Profiles `lift` stage by stage: of three lifts the one of the middle time. `peaks` has its turn before each. */
export async function profileLift(
  model: NativeModel,
  lift: () => Promise<unknown>,
  peaks: () => Promise<void>,
): Promise<LiftProfile> {
  await lift();
  const { unsupportedReason } = model;
  if (unsupportedReason !== '') return { stages: [], unsupportedReason, threads: 0, seconds: 0, records: [] };
  const profiles: LiftProfile[] = [];
  for (let i = 0; i < LIFTS; i++) {
    await peaks();
    await model.startProfile('stages');
    await lift();
    profiles.push(liftProfileOf(await model.stopProfile()));
  }
  return profiles.sort((a, b) => a.seconds - b.seconds)[Math.floor(LIFTS / 2)];
}

function liftProfileOf(records: ProfileRecord[]): LiftProfile {
  const stages = new Map<string, StageTotals>();
  let [begin, end] = [Number.POSITIVE_INFINITY, 0];
  for (const { op, seconds, flops, start } of records) {
    const sum = stages.get(op) ?? { stage: op, calls: 0, seconds: 0, flops: 0 };
    stages.set(op, { stage: op, calls: sum.calls + 1, seconds: sum.seconds + seconds, flops: sum.flops + flops });
    begin = Math.min(begin, start);
    end = Math.max(end, start + seconds);
  }
  return {
    stages: [...stages.values()].sort((a, b) => b.seconds - a.seconds),
    unsupportedReason: '',
    threads: new Set(records.map(({ thread }) => thread)).size,
    seconds: end - begin,
    records,
  };
}
