import { join } from 'node:path';
import type { NativeModel } from '../../binding.js';
import { throwIfAborted } from '../base/abort.js';
import { PoseError } from '../base/pose-error.js';
import { Turns } from '../base/turns.js';
import type { FileLock } from '../formats/files/file-lock.js';
import type { ModelConfig } from '../networks/config.js';
import type { EpochSource } from './epoch-source.js';
import { checkpointInterval, type TrainingOptions, type TrainingResult } from './options.js';
import { type TrainingState, writeCheckpoint } from './record/checkpoint.js';
import type { EpochLine, LogLine, TrainingLog } from './record/log.js';
import { writeTrainedModel } from './record/trained-model.js';
import { evenSamples } from './sampler.js';
import { learningRateAt, stepsOfSameRate } from './schedule.js';
import { stageMasks } from './stage-masks.js';
import { StepClock } from './step-clock.js';
import { stepLosses } from './step-losses.js';
import { AVERAGE_INTERVAL, type WeightAverage } from './weight-average.js';

export interface TrainingPaths {
  model: string;
  checkpoint: string;
  log: string;
  /** What the training was told. */
  run: string;
  lock: string;
}

export function trainingPaths(out: string): TrainingPaths {
  return {
    model: join(out, 'model.safetensors'),
    checkpoint: join(out, 'checkpoint.safetensors'),
    log: join(out, 'log.jsonl'),
    run: join(out, 'run.json'),
    lock: join(out, 'training.lock'),
  };
}

/** A training that is ready to run: the native model holds the weights, `state` says where it stands. */
export interface TrainingJob {
  native: NativeModel;
  config: ModelConfig;
  source: EpochSource;
  state: TrainingState;
  /** null: the weights as they are become the model. */
  average: WeightAverage | null;
  log: TrainingLog;
  options: TrainingOptions;
  paths: TrainingPaths;
  /** Held while anything is written to the folder. */
  lock: FileLock;
}

/** Runs a {@link TrainingJob} to its last epoch or until its signal. */
export class TrainingLoop {
  private readonly job: TrainingJob;
  /** Steps of each epoch. */
  private readonly steps: number[];
  private readonly totalSteps: number;
  private readonly clock = new StepClock();
  private readonly validationSamples: Int32Array;
  private readonly checkpointEvery: { steps: number; ms: number };
  /** When the last checkpoint was written. */
  private written = performance.now();

  constructor(job: TrainingJob) {
    this.job = job;
    const { settings } = job.state;
    this.checkpointEvery = checkpointInterval(job.options.checkpointEvery);
    this.steps = Array.from({ length: settings.epochs }, (_, epoch) =>
      Math.ceil(job.source.sampleCount(epoch) / settings.batch),
    );
    this.totalSteps = this.steps.reduce((sum, steps) => sum + steps, 0);
    this.validationSamples = evenSamples(job.source.validation, settings.validationFrames);
  }

  /**
   * Goes on from where the job's state stands. After each epoch the model (if it is the best so far) and then the
   * checkpoint are written. A signal ends it after the steps under way with a checkpoint, and `ERR_ABORTED` is thrown.
   */
  async run(): Promise<TrainingResult> {
    const { state } = this.job;
    while (state.epoch < state.settings.epochs) {
      if (!(await this.takeSequences()) || !(await this.runEpoch())) {
        await this.writeCheckpoint();
        const { checkpoint } = this.job.paths;
        const text = `Stopped by the signal after ${state.step} steps; resume goes on from ${checkpoint}.`;
        throwIfAborted(this.job.options.signal, text);
      }
    }
    const { paths } = this.job;
    return {
      epochs: state.epoch,
      steps: state.step,
      best: state.best,
      modelPath: paths.model,
      checkpointPath: paths.checkpoint,
      logPath: paths.log,
    };
  }

  /** Makes the epoch's sequences; false when the signal came before that was done. */
  private async takeSequences(): Promise<boolean> {
    const { state, native, source, options } = this.job;
    try {
      const sequences = await source.sequences(state.epoch, new Turns(options.signal));
      if (sequences) await native.setSequences(sequences);
      return true;
    } catch (error) {
      if (error instanceof PoseError && error.code === 'ERR_ABORTED') return false;
      throw error;
    }
  }

  private async writeCheckpoint(): Promise<void> {
    const { paths, native, config, state, average, lock } = this.job;
    lock.check();
    await writeCheckpoint(paths.checkpoint, native, config, state, average?.values);
    this.written = performance.now();
  }

  private withAverage<Result>(use: () => Promise<Result>): Promise<Result> {
    return this.job.average ? this.job.average.during(use) : use();
  }

  private stopped(): boolean {
    return this.job.options.signal?.aborted === true;
  }

  /** Trains what is left of an epoch, validates and writes; false when the signal came before that was done. */
  private async runEpoch(): Promise<boolean> {
    const { state } = this.job;
    const samples = this.job.source.samples(state.epoch);
    const start = performance.now();
    const done = state.stepInEpoch;
    while (state.stepInEpoch < this.steps[state.epoch]) {
      if (this.stopped()) {
        return false;
      }
      await this.trainSome(samples);
      const { steps, ms } = this.checkpointEvery;
      if (state.step % steps === 0 || performance.now() - this.written > ms) {
        await this.writeCheckpoint();
      }
    }
    const seconds = (performance.now() - start) / 1000;
    const validation = await this.withAverage(() => this.validate());
    if (validation === undefined) {
      return false;
    }
    const trained = samples.length / 3 - done * state.settings.batch;
    await this.endEpoch(samples.length / 3, validation, { seconds, samplesPerSecond: trained / seconds });
    return true;
  }

  /** One call of the native model: as many steps of one learning rate as take about a second. */
  private async trainSome(samples: Int32Array): Promise<void> {
    const { state, config, native, log, lock, options } = this.job;
    const { batch, schedule } = state.settings;
    const learningRate = this.learningRate();
    const left = this.steps[state.epoch] - state.stepInEpoch;
    const untilUpdate = this.job.average ? AVERAGE_INTERVAL - (state.step % AVERAGE_INTERVAL) : left;
    const untilCheckpoint = this.checkpointEvery.steps - (state.step % this.checkpointEvery.steps);
    const most = Math.min(left, untilUpdate, untilCheckpoint, stepsOfSameRate(schedule, state.step));
    const steps = Math.min(this.clock.stepsASecond(), most);
    const part = samples.subarray(3 * batch * state.stepInEpoch, 3 * batch * (state.stepInEpoch + steps));
    const start = performance.now();
    const losses = await native.train({
      samples: part,
      batch,
      stride: config.stride,
      shuffleFrames: config.shuffleFrames,
      learningRate,
      seed: config.seed,
      firstStep: state.step,
      update: true,
      flip: false,
      ...stageMasks(config, 'training', state.step, steps),
    });
    this.clock.add(steps, part.length / 3, (performance.now() - start) / 1000);
    const lines: LogLine[] = [];
    const time = new Date().toISOString();
    for (const { loss, single, multiple, samples: weight } of stepLosses(losses, part.length / 3, batch)) {
      state.step++;
      state.stepInEpoch++;
      this.checkFinite(loss);
      state.lossSums = [
        state.lossSums[0] + weight * loss,
        state.lossSums[1] + weight * single,
        state.lossSums[2] + weight * multiple,
      ];
      if (state.step % (options.logEvery ?? 1) === 0) {
        lines.push({
          ...{ kind: 'step', epoch: state.epoch + 1, step: state.step, loss, single, multiple, learningRate },
          ...{ time, samplesPerSecond: this.clock.samplesPerSecond() },
        });
      }
    }
    lock.check();
    log.append(lines);
    if (this.job.average && state.step % AVERAGE_INTERVAL === 0) {
      await this.job.average.update(state.step);
    }
    const trained = Math.min(state.stepInEpoch * batch, samples.length / 3);
    this.report('training', state.stepInEpoch, this.steps[state.epoch], state.lossSums[0] / trained);
  }

  private learningRate(): number {
    const { epoch, step, settings } = this.job.state;
    return learningRateAt(settings.schedule, settings.learningRate, { epoch, step, totalSteps: this.totalSteps });
  }

  /**
   * The error on the held-out windows: Stage II MPJPE in mm of the mirrored mean, Stage I the loss under masks that are
   * the same every time; null where nothing is held out, undefined when the signal came first.
   */
  private async validate(): Promise<number | null | undefined> {
    const { config, native, state } = this.job;
    const { batch } = state.settings;
    const samples = this.validationSamples;
    const count = samples.length / 3;
    if (count === 0) {
      return null;
    }
    const steps = Math.ceil(count / batch);
    let sum = 0;
    for (let first = 0; first < steps; ) {
      if (this.stopped()) {
        return undefined;
      }
      const some = Math.min(this.clock.stepsASecond(), steps - first);
      const part = samples.subarray(3 * batch * first, 3 * batch * (first + some));
      const losses = await native.train({
        samples: part,
        batch,
        stride: config.stride,
        shuffleFrames: false,
        learningRate: 0,
        seed: config.seed,
        firstStep: 0,
        update: false,
        flip: config.stage === 2,
        ...stageMasks(config, 'validation', first, some),
      });
      for (const { loss, single, samples: weight } of stepLosses(losses, part.length / 3, batch)) {
        sum += weight * (config.refine || config.stage === 1 ? loss : single);
      }
      first += some;
      this.report('validation', first, steps, sum / Math.min(first * batch, count));
    }
    this.checkFinite(sum);
    return (sum / count) * (config.stage === 2 ? 1000 : 1);
  }

  private checkFinite(loss: number): void {
    if (!Number.isFinite(loss)) {
      throw new PoseError(
        'ERR_MODEL',
        `The training diverged: the loss at step ${this.job.state.step} is ${loss}. ` +
          `${this.job.paths.checkpoint} holds the last whole epoch; a smaller learningRate may help.`,
      );
    }
  }

  private async endEpoch(
    samples: number,
    validation: number | null,
    speed: { seconds: number; samplesPerSecond: number },
  ): Promise<void> {
    const { state, config, native, paths, options, log, lock } = this.job;
    lock.check();
    const [loss, single, multiple] = state.lossSums.map((sum) => sum / samples);
    const learningRate = learningRateAt(state.settings.schedule, state.settings.learningRate, {
      epoch: state.epoch,
      step: state.step - 1,
      totalSteps: this.totalSteps,
    });
    const best = validation === null || state.best === null || validation < (state.best.validation ?? Infinity);
    state.epoch++;
    state.stepInEpoch = 0;
    state.lossSums = [0, 0, 0];
    state.history.push({ loss, validation, learningRate });
    if (best) {
      state.best = { epoch: state.epoch, validation };
      await this.withAverage(() => writeTrainedModel(paths.model, native, config, state));
    }
    const { epoch, step } = state;
    const line: EpochLine = {
      ...{ kind: 'epoch', epoch, step, samples, learningRate, loss, single, multiple },
      ...{ validation, best, time: new Date().toISOString(), ...speed },
    };
    // Before the checkpoint: going on from an older one drops the line, going on from this one must find it.
    log.append([line]);
    await this.writeCheckpoint();
    options.onEpoch?.(line);
  }

  private report(phase: 'training' | 'validation', step: number, steps: number, loss: number): void {
    const { state, options } = this.job;
    options.onProgress?.({
      ...{ phase, step, steps, loss },
      epoch: state.epoch + 1,
      epochs: state.settings.epochs,
      learningRate: this.learningRate(),
      samplesPerSecond: this.clock.samplesPerSecond(),
      secondsLeft: (this.totalSteps - state.step) * this.clock.secondsPerStep(),
    });
  }
}
