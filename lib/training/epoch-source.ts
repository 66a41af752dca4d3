import type { Sequences } from '../../binding.js';
import { pushAll } from '../base/lists.js';
import { PoseError } from '../base/pose-error.js';
import { joined } from '../base/tensor.js';
import type { Turns } from '../base/turns.js';
import { type AugmentedSequence, augmentRecording } from '../datasets/augmentation/augment.js';
import { bodyReach } from '../datasets/augmentation/body.js';
import { type Recording, recordingsOf } from '../datasets/augmentation/recording.js';
import type { KeypointNoise } from '../datasets/noisy-keypoints.js';
import { noisyKeypoints } from '../datasets/noisy-keypoints.js';
import type { PoseDataset } from '../datasets/pose-dataset.js';
import type { ModelConfig } from '../networks/config.js';
import type { TrainingSettings } from './options.js';
import { epochSampleCount, epochSamples, type SampledSequence, type SamplePlan } from './sampler.js';
import { packSequences, type TrainingData } from './training-data.js';

/** What the epochs of a training are made of. */
export interface EpochSource {
  /** Samples of an epoch (counted from 0), without making it. */
  sampleCount(epoch: number): number;
  /**
   * The sequences as the native model takes them; undefined where those of the epoch before serve again. Throws `ERR_ABORTED`
   * when the signal of `turns` comes.
   */
  sequences(epoch: number, turns: Turns): Promise<Sequences | undefined>;
  /** The samples of the epoch whose sequences were made last. */
  samples(epoch: number): Int32Array;
  /** Held out, with their places among the sequences. */
  validation: readonly SampledSequence[];
}

interface SourceParts {
  data: TrainingData;
  config: ModelConfig;
  noise: KeypointNoise;
  settings: TrainingSettings;
}

/** The source that the settings ask for. Throws `ERR_DATASET` or `ERR_CONFIG` where the data do not serve it. */
export function epochSource(dataset: PoseDataset, parts: SourceParts): EpochSource {
  return parts.settings.augmentation === null ? new FixedSource(parts) : new AugmentedSource(dataset, parts);
}

function samplePlan({ config, settings }: SourceParts, sequences: readonly SampledSequence[]): SamplePlan {
  const { every, samplesPerEpoch, batch } = settings;
  return { sequences, every, batch, samplesPerEpoch: samplesPerEpoch ?? undefined, seed: config.seed };
}

/** The data set's sequences in every epoch, with noise drawn anew where there is noise. */
class FixedSource implements EpochSource {
  readonly validation: readonly SampledSequence[];
  private readonly parts: SourceParts;
  private readonly plan: SamplePlan;
  private packed = false;

  constructor(parts: SourceParts) {
    this.parts = parts;
    this.plan = samplePlan(parts, parts.data.train);
    this.validation = parts.data.validation;
  }

  sampleCount(epoch: number): number {
    return epochSampleCount(this.plan, epoch);
  }

  async sequences(epoch: number, turns: Turns): Promise<Sequences | undefined> {
    const { data, config, noise } = this.parts;
    if (this.packed && config.noise.kind === 'none') return undefined;
    const packed = await packSequences(data, config, noise, epoch, turns);
    this.packed = true;
    return packed;
  }

  samples(epoch: number): Int32Array {
    return epochSamples(this.plan, epoch);
  }
}

/**
 * New sequences of the recordings in every epoch, behind the ones held out, which stay. Bodies smaller than the training
 * makes any are not validated on: their error is one of scale, grows as the training goes on, and would choose the model.
 */
class AugmentedSource implements EpochSource {
  readonly validation: readonly SampledSequence[];
  private readonly parts: SourceParts;
  private readonly recordings: Recording[];
  private train: SampledSequence[] = [];

  constructor(dataset: PoseDataset, parts: SourceParts) {
    const { data, config, settings } = parts;
    if (config.noise.kind !== 'none' || config.refine) {
      const what = config.refine ? 'refining' : `noise of the kind ${config.noise.kind}`;
      throw new PoseError(
        'ERR_CONFIG',
        `augmentation does not go with ${what}: its own errors and cameras are drawn anew in each epoch.`,
      );
    }
    if (dataset.inputLayout !== 'h36m-17' || dataset.outputLayout !== 'h36m-17') {
      throw new PoseError(
        'ERR_DATASET',
        `augmentation works on h36m-17, but ${dataset.name} has ${dataset.inputLayout} to ${dataset.outputLayout}.`,
      );
    }
    if (settings.samplesPerEpoch === null) {
      throw new PoseError('ERR_ARGUMENT', 'augmentation needs samplesPerEpoch: every epoch has other frames.');
    }
    this.parts = parts;
    this.recordings = recordingsOf(data.sequences.slice(0, data.train.length), settings.augmentation!.up);
    const { smallest } = settings.augmentation!.body;
    const held = data.sequences.slice(data.train.length);
    const validation = data.validation.map((sequence, index) => ({ ...sequence, index }));
    const grown = validation.filter((_, i) => !held[i].poses || bodyReach(held[i].poses) >= smallest);
    this.validation = grown.length > 0 ? grown : validation;
  }

  sampleCount(): number {
    const { samplesPerEpoch, batch } = this.parts.settings;
    // Batch norm needs two windows: a last batch of one is left out.
    return samplesPerEpoch! % batch === 1 ? samplesPerEpoch! - 1 : samplesPerEpoch!;
  }

  async sequences(epoch: number, turns: Turns): Promise<Sequences> {
    const { data, config, noise, settings } = this.parts;
    const span = { fps: config.fps, reach: ((config.frames - 1) / 2) * config.stride };
    const draw = { seed: config.seed, epoch };
    const made: AugmentedSequence[] = [];
    for (const recording of this.recordings) {
      pushAll(made, augmentRecording(recording, settings.augmentation!, span, draw));
      await turns.take();
    }
    const held = data.sequences.slice(data.train.length);
    this.train = made.map(({ frames, valid }, i) => ({ index: held.length + i, frames, valid }));
    return {
      keypoints: joined(Float32Array, [
        ...held.map((sequence) => noisyKeypoints(sequence, noise, 'validation')),
        ...made.map(({ keypoints }) => keypoints),
      ]),
      poses:
        config.stage === 2
          ? joined(Float32Array, [...held.map(({ poses }) => poses!), ...made.map(({ poses }) => poses)])
          : undefined,
      roots: undefined,
      cameras: undefined,
      lengths: Int32Array.from([...held, ...made], ({ frames }: Pick<AugmentedSequence, 'frames'>) => frames),
    };
  }

  samples(epoch: number): Int32Array {
    const plan = samplePlan(this.parts, this.train);
    const found = epochSampleCount(plan, epoch);
    if (found !== this.sampleCount()) {
      throw new PoseError(
        'ERR_DATASET',
        `samplesPerEpoch asks for ${this.sampleCount()} samples, but epoch ${epoch + 1} has ${found}.`,
      );
    }
    return epochSamples(plan, epoch);
  }
}
