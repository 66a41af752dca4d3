import type { NativeModel, NativeOptions, PrecisionName, ProfileRecord } from '../../binding.js';
import { createRandom } from '../base/random.js';
import { median } from '../base/statistics.js';
import { createNativeModel, measurePeak } from '../binding.js';
import type { CompiledChoice } from '../models/loaded-network.js';
import { drawMasks } from '../models/masks.js';
import type { ModelConfig } from '../networks/config.js';
import { type DeviceOption, resolveDevice } from '../networks/device.js';
import { nativeConfig } from '../networks/native-config.js';
import { skeletonByName } from '../skeletons/skeletons.js';
import { type LiftProfile, profileLift } from './lift-profile.js';

export type { ProfileRecord } from '../../binding.js';

/** What {@link profileModel} measures and on what. */
export interface ProfileOptions {
  config: ModelConfig;
  device?: DeviceOption;
  precision?: PrecisionName;
  /** CPU threads; 0: as many as the machine gives. */
  threads?: number;
  /** How `lift` runs where it is timed as a whole; passes and operations are timed op by op. Default `auto`. */
  compiled?: CompiledChoice;
  /** Windows a step. */
  batch: number;
  /** A training step in place of the forward pass. */
  training: boolean;
  /** How long each of the measurings lasts, at least three steps. */
  seconds: number;
  onNotice?: (text: string) => void;
}

/** All calls of one op on one shape in a step. */
export interface OpTotals {
  op: string;
  shape: string;
  count: number;
  seconds: number;
  flops: number;
  bytes: number;
}

/** One step, taken apart. Times are medians over the steps that were measured. */
export interface Profile {
  device: string;
  precision: PrecisionName;
  batch: number;
  training: boolean;
  stage: 1 | 2;
  frames: number;
  /**
   * GFLOP/s of matrix products in `precision` and in fp32, GB/s of copies, read and written together: the largest of the turns that were
   * taken between those of the steps and of the lifts, in the same seconds.
   */
  peaks: Peaks;
  /** The smallest of them: how much other work on the machine changed. */
  leastPeaks: Peaks;
  /** How many steps were measured, op by op and pass by pass alike. */
  steps: number;
  /** Longest first. */
  ops: OpTotals[];
  /** Copies between host and device. */
  copies: OpTotals[];
  launches: number;
  /** In ops; between the ops, copies left out. */
  opSeconds: number;
  gapSeconds: number;
  /** The model's own time of a step with nothing timed inside: input on the device, output left there. */
  passSeconds: number;
  /** By the wall clock and without a profiler: see {@link Wall}. */
  wall: Wall;
  /** The last step, for a trace. */
  trace: ProfileRecord[];
  /** Stage II forward: `lift` of a video of `batch` frames with the mirrored pass, by the path that lifts. */
  lift: LiftProfile | null;
}

/** What a device can do, by the precision of its matrix products. */
export interface Peaks {
  matmul: number;
  fp32: number;
  copy: number;
}

/** Whole calls as a user makes them, everything included. */
export interface Wall {
  /** Stage II forward: `lift` of a video of `batch` frames, mirrored pass included, and without it. */
  liftFlipSeconds?: number;
  liftSeconds?: number;
  /** Training: a step of `train`. Stage I forward: `reconstruct`. */
  stepSeconds?: number;
}

const COPIES: ReadonlySet<string> = new Set(['copyIn', 'copyOut']);
const LEAST_STEPS = 3;
const MOST_STEPS = 200;
/** Turns of peaks and steps, one after the other. */
const TURNS = 4;
const PEAK_SECONDS = 0.1;

/** Times each op of a forward pass or a training step of a network with random weights. */
export async function profileModel(options: ProfileOptions): Promise<Profile> {
  const { config, batch, training } = options;
  const precision = options.precision ?? 'fp32';
  const native: NativeOptions = {
    device: resolveDevice(options.device, options.onNotice),
    precision,
    threads: options.threads ?? 0,
  };
  const peakSeconds = Math.min(PEAK_SECONDS, options.seconds);
  const timed = await withModel({ ...native, profile: true }, config, async (model) => {
    const step = await stepOf(model, options);
    const each = Math.ceil((await stepsWithin(step, options.seconds)) / TURNS);
    const seen: Peaks[] = [];
    const passes: ProfileRecord[][][] = [];
    const ops: ProfileRecord[][][] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      seen.push(await measurePeaks(native, peakSeconds));
      await model.startProfile('passes');
      await step(each);
      passes.push(inSteps(await model.stopProfile(), each));
      await model.startProfile('ops');
      await step(each);
      ops.push(inSteps(await model.stopProfile(), each));
    }
    return { device: model.device, steps: TURNS * each, seen, passes: passes.flat(), ops: ops.flat() };
  });
  const lifts = { ...native, compiled: options.compiled };
  const { seen } = timed;
  const takePeaks = async () => {
    seen.push(await measurePeaks(native, peakSeconds));
  };
  const [wall, lift] = await withModel(lifts, config, async (model) => {
    const lifted =
      training || config.stage === 1 ? null : await profileLift(model, liftOf(model, options, true), takePeaks);
    return [await wallTimes(model, options), lifted] as const;
  });
  const peaksBy = (choose: (a: number, b: number) => number): Peaks =>
    seen.reduce((a, b) => ({
      matmul: choose(a.matmul, b.matmul),
      fp32: choose(a.fp32, b.fp32),
      copy: choose(a.copy, b.copy),
    }));
  const totals = totalsOf(timed.ops);
  const ops = totals.filter(({ op }) => !COPIES.has(op));
  return {
    device: timed.device,
    ...{ precision, batch, training, stage: config.stage, frames: config.frames },
    peaks: peaksBy(Math.max),
    leastPeaks: peaksBy(Math.min),
    steps: timed.steps,
    ops,
    copies: totals.filter(({ op }) => COPIES.has(op)),
    launches: ops.reduce((sum, { count }) => sum + count, 0),
    opSeconds: ops.reduce((sum, { seconds }) => sum + seconds, 0),
    gapSeconds: median(timed.ops.map(gapsOf)),
    passSeconds: median(timed.passes.map((step) => secondsOf(step.filter(({ op }) => !COPIES.has(op))))),
    wall,
    trace: timed.ops[timed.ops.length - 1],
    lift,
  };
}

/** The ops and copies of one step in their order: what it computes and moves, which is linear in the batch. */
export async function stepRecords(options: Omit<ProfileOptions, 'seconds'>): Promise<ProfileRecord[]> {
  const { precision = 'fp32', threads = 0 } = options;
  const native = { device: resolveDevice(options.device, options.onNotice), precision, threads, profile: true };
  return withModel(native, options.config, async (model) => {
    const step = await stepOf(model, options);
    await model.startProfile('ops');
    await step(1);
    return model.stopProfile();
  });
}

/** A model of the paper's Table 6 and the frames a second that it had on a GeForce RTX 3080 Ti; undefined for any other. */
export function paperFps(config: ModelConfig): number | undefined {
  const { stage, backbone, aggregate, temporal, width, hidden, mlpBlocks } = config;
  const standard = stage === 2 && backbone === 'mlp' && aggregate && temporal && mlpBlocks === 1;
  if (!standard || width !== 256 || hidden !== 512) {
    return undefined;
  }
  return ({ '81-3': 7824, '243-3': 3504, '243-4': 3040 } as Record<string, number>)[
    `${config.frames}-${config.layers}`
  ];
}

async function measurePeaks({ device, precision, threads }: NativeOptions, seconds: number): Promise<Peaks> {
  const fp32 = await measurePeak(threads, 'fp32', seconds, device);
  const matmul = precision === 'fp32' ? fp32 : await measurePeak(threads, precision, seconds, device);
  return { fp32, matmul, copy: await measurePeak(threads, 'copy', seconds, device) };
}

async function withModel<Result>(
  options: NativeOptions,
  config: ModelConfig,
  use: (model: NativeModel) => Promise<Result>,
): Promise<Result> {
  const model = createNativeModel(nativeConfig(config), options);
  try {
    await model.initialize(config.seed);
    return await use(model);
  } finally {
    await model.close();
  }
}

/** Does a number of steps; a training goes on where it was. */
type Step = (count: number) => Promise<void>;

async function stepOf(model: NativeModel, { config, batch, training }: Omit<ProfileOptions, 'seconds'>): Promise<Step> {
  if (training) {
    return trainingStep(model, config, batch);
  }
  const keypoints = randomFloats(config, batch * config.frames * inputJoints(config) * 2);
  if (config.stage === 1) {
    const masks = drawMasks(config, createRandom(config.seed, 'profile', 'masks'));
    return times(() => model.reconstruct({ keypoints, batch, ...masks }));
  }
  return times(() => model.forward({ keypoints, batch }));
}

function times(once: () => Promise<unknown>): Step {
  return async (count) => {
    for (let i = 0; i < count; i++) {
      await once();
    }
  };
}

/** Windows of one random sequence, every second one mirrored; dropout is on. */
async function trainingStep(model: NativeModel, config: ModelConfig, batch: number): Promise<Step> {
  const frames = config.frames * config.stride;
  await model.setSequences({
    keypoints: randomFloats(config, frames * inputJoints(config) * 2),
    poses: randomFloats(config, frames * skeletonByName(config.outputLayout).joints.length * 3),
    lengths: Int32Array.of(frames),
    ...(config.refine && { roots: randomFloats(config, frames * 3), cameras: Float32Array.of(2, 2, 0, 0) }),
  });
  const { masked, jointMask } = drawMasks(config, createRandom(config.seed, 'profile', 'masks'));
  let firstStep = 0;
  return async (steps) => {
    const samples = Int32Array.from({ length: 3 * steps * batch }, (_, i) =>
      i % 3 === 0 ? 0 : i % 3 === 1 ? Math.floor(i / 3) % frames : Math.floor(i / 3) % 2,
    );
    const masks = config.stage === 1 && { masked: repeated(masked, steps), jointMask: repeated(jointMask, steps) };
    const request = { samples, batch, stride: config.stride, shuffleFrames: config.shuffleFrames, flip: false };
    await model.train({ ...request, ...masks, learningRate: 1e-4, seed: config.seed, firstStep, update: true });
    firstStep += steps;
  };
}

function repeated(values: Uint8Array, count: number): Uint8Array {
  return Uint8Array.from({ length: values.length * count }, (_, i) => values[i % values.length]);
}

function inputJoints(config: ModelConfig): number {
  return skeletonByName(config.inputLayout).joints.length;
}

function randomFloats(config: ModelConfig, length: number): Float32Array {
  const random = createRandom(config.seed, 'profile');
  return Float32Array.from({ length }, () => random.uniform(-1, 1));
}

/** Warms up and says how many steps fill `seconds`. */
async function stepsWithin(step: Step, seconds: number): Promise<number> {
  await step(1);
  const one = await wallSeconds(() => step(1));
  return Math.min(MOST_STEPS, Math.max(LEAST_STEPS, Math.round(seconds / one)));
}

async function wallSeconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

async function wallTimes(model: NativeModel, options: ProfileOptions): Promise<Wall> {
  const { config, training, seconds } = options;
  const measured = async (step: Step) => {
    const steps = await stepsWithin(step, seconds);
    // In one call where a call takes many steps, as a training makes them.
    const rounds = training ? [await wallSeconds(() => step(steps))].map((all) => all / steps) : [];
    for (let i = 0; i < steps && !training; i++) {
      rounds.push(await wallSeconds(() => step(1)));
    }
    return median(rounds);
  };
  if (training || config.stage === 1) {
    return { stepSeconds: await measured(await stepOf(model, options)) };
  }
  const lift = (flip: boolean) => times(liftOf(model, options, flip));
  return { liftFlipSeconds: await measured(lift(true)), liftSeconds: await measured(lift(false)) };
}

/** Lifts a random video of `batch` frames. */
function liftOf(model: NativeModel, { config, batch }: ProfileOptions, flip: boolean): () => Promise<unknown> {
  const keypoints = randomFloats(config, batch * inputJoints(config) * 2);
  return () => model.lift({ keypoints, stride: config.stride, flip, first: 0, count: batch, batch: 0 });
}

/** Records of equal steps, step by step. */
function inSteps(records: readonly ProfileRecord[], steps: number): ProfileRecord[][] {
  const each = records.length / steps;
  return Array.from({ length: steps }, (_, i) => records.slice(i * each, (i + 1) * each));
}

/** Sums of the median times of each record of a step, by op and shape. */
function totalsOf(steps: readonly ProfileRecord[][]): OpTotals[] {
  const totals = new Map<string, OpTotals>();
  for (const [i, { op, shape, flops, bytes }] of steps[0].entries()) {
    const key = `${op} ${shape}`;
    const sum = totals.get(key) ?? { op, shape, count: 0, seconds: 0, flops: 0, bytes: 0 };
    totals.set(key, {
      ...{ op, shape, count: sum.count + 1, flops: sum.flops + flops, bytes: sum.bytes + bytes },
      seconds: sum.seconds + median(steps.map((step) => step[i].seconds)),
    });
  }
  return [...totals.values()].sort((a, b) => b.seconds - a.seconds);
}

/** Time between neighbouring ops; a copy between two ends the neighbourhood. */
function gapsOf(step: readonly ProfileRecord[]): number {
  let gaps = 0;
  for (let i = 1; i < step.length; i++) {
    const [before, after] = [step[i - 1], step[i]];
    if (!COPIES.has(before.op) && !COPIES.has(after.op)) {
      gaps += Math.max(0, after.start - before.start - before.seconds);
    }
  }
  return gaps;
}

function secondsOf(records: readonly ProfileRecord[]): number {
  return records.reduce((sum, { seconds }) => sum + seconds, 0);
}
