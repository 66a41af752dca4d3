import { existsSync, rmdirSync } from 'node:fs';
import { throwIfAborted } from '../base/abort.js';
import { DATASET } from '../base/argument-kinds.js';
import { withCallbacks } from '../base/callbacks.js';
import { checkArguments } from '../base/check-arguments.js';
import { PoseError } from '../base/pose-error.js';
import { Turns } from '../base/turns.js';
import { createNativeModel } from '../binding.js';
import { readDataset } from '../datasets/dataset-file.js';
import { readDetectorNoise } from '../datasets/noise.js';
import { keypointNoise } from '../datasets/noisy-keypoints.js';
import type { PoseDataset } from '../datasets/pose-dataset.js';
import { FileLock, lockedName, removeDeadLocks } from '../formats/files/file-lock.js';
import { isFolder, makeFolder } from '../formats/files/make-folder.js';
import { removeDeadTemporaries } from '../formats/files/temporary-file.js';
import { parseModelConfig } from '../networks/config.js';
import { checkTrains, resolveDevice } from '../networks/device.js';
import { nativeConfig } from '../networks/native-config.js';
import { presetByName, presetConfig } from '../networks/presets.js';
import { readWeights, type Weights } from '../networks/weights.js';
import { epochSource } from './epoch-source.js';
import { TrainingLoop, type TrainingPaths, trainingPaths } from './loop.js';
import { trainingConfig } from './model-setup.js';
import { checkOptions, givenSettings, parseSettings, type TrainingOptions, type TrainingResult } from './options.js';
import {
  type Checkpoint,
  readCheckpoint,
  restoreCheckpoint,
  storedAverage,
  type TrainingState,
  writeCheckpoint,
} from './record/checkpoint.js';
import { TrainingLog } from './record/log.js';
import { writeRunFile } from './record/run-file.js';
import { applyStartWeights } from './start-weights.js';
import { noiseTableDigest, selectSequences } from './training-data.js';
import { WeightAverage } from './weight-average.js';

/** The paper's for detected 2D; a preset says its own. */
const LEARNING_RATES = { pretrain: 1e-4, finetune: 7e-4 };
/** What a training writes into its folder; its lock is for `training`. */
const FILES = ['model.safetensors', 'checkpoint.safetensors', 'log.jsonl', 'run.json', 'training'];

/** The common part of `pretrain` and `finetune`. One process at a time trains in a folder; throws `ERR_LOCKED`. */
export async function train(kind: TrainingState['kind'], options: TrainingOptions): Promise<TrainingResult> {
  checkOptions(options);
  const { dataset } = options;
  if (typeof dataset !== 'string') checkArguments(kind, { dataset }, DATASET);
  checkTrains(options.device);
  return withCallbacks(options, (watched) => lockAndTrain(kind, watched));
}

async function lockAndTrain(kind: TrainingState['kind'], options: TrainingOptions): Promise<TrainingResult> {
  throwIfAborted(options.signal);
  const paths = trainingPaths(options.out);
  const isNew = !isFolder(options.out);
  makeFolder(options.out);
  const lock = FileLock.take(paths.lock);
  try {
    const written = (name: string) => FILES.includes(lockedName(name));
    removeDeadTemporaries(options.out, written);
    removeDeadLocks(options.out, written);
    return await trainIn(paths, lock, kind, options);
  } finally {
    lock.release();
    if (isNew) removeIfEmpty(options.out);
  }
}

/** Sets a training up, or takes one up again, and runs it. */
async function trainIn(
  paths: TrainingPaths,
  lock: FileLock,
  kind: TrainingState['kind'],
  options: TrainingOptions,
): Promise<TrainingResult> {
  const checkpoint = findCheckpoint(options, paths);
  const dataset =
    typeof options.dataset === 'string' ? await readDataset(options.dataset, {}, options) : options.dataset;
  const start = checkpoint || options.from === undefined ? undefined : await startWeights(options.from, options);
  const config =
    checkpoint?.config ?? trainingConfig(kind === 'pretrain' ? 1 : 2, dataset, options.model, start?.config);
  if (config.refine && !checkpoint && !start) {
    throw new PoseError(
      'ERR_ARGUMENT',
      'from: refining starts from a finished Stage II model; expected one, got none.',
    );
  }
  const settings = checkpoint?.state.settings ?? newSettings(kind, dataset, options);
  const which = { heldOut: settings.validation, select: settings.select };
  const data = await selectSequences(dataset, config, which, new Turns(options.signal));
  const table = settings.noiseTable === null ? undefined : readDetectorNoise(settings.noiseTable);
  const inputs = { sequences: data.restDigest, noiseTable: table ? noiseTableDigest(table) : null };
  const state = checkpoint?.state ?? newState(kind, settings, options, { name: dataset.name, digest: data.digest });
  if (checkpoint) {
    checkUnchanged(kind, checkpoint, options, paths.checkpoint, { digest: data.digest, ...inputs });
    // More epochs change nothing of those that are done.
    state.settings.epochs = options.epochs ?? settings.epochs;
  }
  state.inputs = inputs;
  const noise = keypointNoise(dataset, config.noise, config.seed, table);
  const source = epochSource(dataset, { data, config, noise, settings });
  writeRunFile(paths.run, config, state, options);
  const native = createNativeModel(nativeConfig(config), {
    device: resolveDevice(options.device, options.onNotice),
    precision: settings.precision,
    threads: options.threads ?? 0,
    matmul: options.matmul,
  });
  try {
    if (checkpoint) {
      await restoreCheckpoint(paths.checkpoint, native, checkpoint);
    } else {
      await native.initialize(config.seed);
      if (start) {
        const taken = await applyStartWeights(native, config, start);
        options.onNotice?.(taken);
      }
      // A kill before the end of the first epoch then finds something to go on from.
      await writeCheckpoint(paths.checkpoint, native, config, state);
    }
    const log = new TrainingLog(paths.log, { step: state.step, epochs: state.epoch });
    const average =
      settings.average === null
        ? null
        : new WeightAverage(native, settings.average, checkpoint && storedAverage(checkpoint));
    return await new TrainingLoop({ native, config, source, average, state, log, options, paths, lock }).run();
  } finally {
    await native.close();
  }
}

async function startWeights(from: string, { model, onNotice }: TrainingOptions): Promise<Weights> {
  const weights = await readWeights(from, { preset: typeof model === 'string' ? model : undefined });
  for (const notice of weights.notices) {
    onNotice?.(notice);
  }
  return weights;
}

/** The checkpoint in the folder; refuses to write over another training. */
function findCheckpoint(options: TrainingOptions, paths: TrainingPaths): Checkpoint | undefined {
  const { model, checkpoint, log } = paths;
  const found = [model, checkpoint, log].find((path) => existsSync(path));
  if (found && !options.resume) {
    throw new PoseError(
      'ERR_ARGUMENT',
      `${found} exists: resume that training, or choose another folder for this one.`,
    );
  }
  return existsSync(checkpoint) ? readCheckpoint(checkpoint) : undefined;
}

/** Takes the folder away again where nothing came of the training. */
function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // it holds something
  }
}

function newSettings(
  kind: TrainingState['kind'],
  dataset: PoseDataset,
  options: TrainingOptions,
): TrainingState['settings'] {
  const given = givenSettings(options);
  const heldOut = (given.validation?.length ?? 0) > 0 || dataset.sequences.some(({ split }) => split === 'validation');
  if (!heldOut && given.select === undefined) {
    options.onNotice?.(
      `${dataset.name} has no validation split: the last epoch's weights become the model. ` +
        'Name training subjects with `validation` to choose the best epoch on them.',
    );
  }
  return parseSettings({
    learningRate:
      typeof options.model === 'string' ? presetByName(options.model).learningRates[kind] : LEARNING_RATES[kind],
    select: heldOut ? 'validation' : 'last',
    ...given,
  } as TrainingState['settings']);
}

function newState(
  kind: TrainingState['kind'],
  settings: TrainingState['settings'],
  options: TrainingOptions,
  dataset: TrainingState['dataset'],
): TrainingState {
  const start = { epoch: 0, step: 0, stepInEpoch: 0, best: null, history: [] };
  return { kind, settings, from: options.from ?? null, dataset, ...start, lossSums: [0, 0, 0] };
}

/** A resumed training must be the same one: other data or settings would give weights that no run gives. */
function checkUnchanged(
  kind: TrainingState['kind'],
  checkpoint: Checkpoint,
  options: TrainingOptions,
  path: string,
  { digest, ...inputs }: { digest: string } & NonNullable<TrainingState['inputs']>,
): void {
  const { state } = checkpoint;
  const differ = (what: string, stored: unknown, given: unknown) => {
    if (JSON.stringify(stored) !== JSON.stringify(given)) {
      throw new PoseError(
        'ERR_ARGUMENT',
        `${path} was made with ${what} ${JSON.stringify(stored)}, but ${JSON.stringify(given)} came; a resumed training stays as it is.`,
      );
    }
  };
  differ('command', state.kind, kind);
  differ('data of digest', state.dataset.digest, digest);
  if (state.inputs) {
    differ('sequences whose cameras, rates and valid frames have the digest', state.inputs.sequences, inputs.sequences);
  } else {
    options.onNotice?.(`${path} is of an older version: whether cameras, rates or noise table changed is not known.`);
  }
  if (options.from !== undefined) {
    differ('from', state.from, options.from);
  }
  if (options.model !== undefined) {
    const asked = typeof options.model === 'string' ? presetConfig(options.model) : options.model;
    differ('model', checkpoint.config, parseModelConfig({ ...checkpoint.config, ...asked }, 'model'));
  }
  const { epochs, ...given } = givenSettings(options);
  const completed = parseSettings({ ...state.settings, ...given });
  for (const name of Object.keys(given) as (keyof typeof completed)[]) {
    differ(name, state.settings[name], completed[name]);
  }
  // Behind the settings, so that another file's name is told as such.
  if (state.inputs) differ('a noise table of digest', state.inputs.noiseTable, inputs.noiseTable);
  if (epochs !== undefined && state.settings.schedule.kind === 'cosine') {
    differ('epochs', state.settings.epochs, epochs);
  }
}
