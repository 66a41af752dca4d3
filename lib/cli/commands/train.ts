import { Command, InvalidArgumentError, Option } from 'commander';
import { PoseError } from '../../base/pose-error.js';
import type { ModelConfigInput } from '../../networks/config.js';
import type { DeviceOption } from '../../networks/device.js';
import { presetByName } from '../../networks/presets.js';
import { finetune } from '../../training/finetune.js';
import {
  type CheckpointEvery,
  checkpointInterval,
  type SettingsInput,
  type TrainingOptions,
  type TrainingProgress,
  type TrainingResult,
  type TrainingSettings,
} from '../../training/options.js';
import { pretrain } from '../../training/pretrain.js';
import type { EpochLine } from '../../training/record/log.js';
import { type RunFile, readRunFile } from '../../training/record/run-file.js';
import { type Io, notice, print } from '../io.js';
import { addModelFlags, type ModelFlags, modelFromFlags } from '../model-options.js';
import {
  deviceOption,
  factor,
  list,
  matmulOption,
  numberFromZero,
  positiveNumber,
  precisionOption,
  threadsOption,
  wholeNumber,
} from '../parse.js';
import { duration, ProgressLine } from '../progress-line.js';

interface TrainFlags extends ModelFlags {
  config?: string;
  out: string;
  from?: string;
  resume?: boolean;
  epochs?: number;
  batch?: number;
  lr?: number;
  decay?: number;
  cosine?: number;
  every?: number;
  samplesPerEpoch?: number;
  validation?: string[];
  validationFrames?: number;
  noiseTable?: string;
  augment?: boolean;
  average?: number;
  select?: TrainingSettings['select'];
  refine?: boolean;
  device: DeviceOption;
  precision?: TrainingSettings['precision'];
  threads: number;
  matmul: string;
  logEvery?: number;
  checkpointEvery?: CheckpointEvery;
  json?: boolean;
}

export function pretrainCommand(io: Io): Command {
  return trainCommand('pretrain', 'Stage I: learn to reconstruct masked 2D poses', pretrain, io);
}

export function finetuneCommand(io: Io): Command {
  const command = trainCommand(
    'finetune',
    'Stage II: learn to lift, from Stage I weights or from scratch',
    finetune,
    io,
  );
  return command.option('--refine', 'train Stage II and the refining module together, from a finished Stage II');
}

function trainCommand(
  name: 'pretrain' | 'finetune',
  description: string,
  run: (options: TrainingOptions) => Promise<TrainingResult>,
  io: Io,
): Command {
  const command = new Command(name)
    .description(description)
    .argument('[dataset]', 'data set file made by `pstmo prepare`; --config may name it instead')
    .option('--config <file>', "a run's file (run.json): all that follows, where no flag says otherwise")
    .requiredOption('--out <folder>', 'folder of the model, the checkpoint, the log and run.json')
    .option('--from <weights>', 'file or bundled model to start from')
    .option('--resume', 'go on from the checkpoint in --out')
    .option('--epochs <count>', 'how often the training goes through its data (default: 80)', wholeNumber(1))
    .option('--batch <windows>', 'windows a step (default: 160)', wholeNumber(2))
    .option('--lr <rate>', "learning rate (default: the preset's or the paper's for the stage)", positiveNumber)
    .option('--decay <factor>', 'what the learning rate is multiplied by after each epoch (default: 0.97)', factor)
    .addOption(
      new Option('--cosine <floor>', 'let the learning rate fall along a cosine down to this')
        .argParser(numberFromZero)
        .conflicts('decay'),
    )
    .option('--every <frames>', 'one window for every so many frames (default: 1)', wholeNumber(1))
    .option('--samples-per-epoch <count>', 'at most so many, another choice each epoch', wholeNumber(2))
    .option('--validation <subjects>', 'training subjects held out to choose the best epoch on, by commas', list)
    .option('--validation-frames <count>', 'at most so many windows a validation (default: 4000)', wholeNumber(1))
    .addOption(
      new Option(
        '--select <split>',
        "which epoch's weights become the model: best on that split, or the last (default: validation, where there is one)",
      ).choices(['validation', 'test', 'last']),
    )
    .option('--noise-table <file>', "PyTorch file of a detector's errors, for --noise detector")
    .option(
      '--augment',
      'new cameras, bodies, speeds and detector errors in each epoch, instead of the cameras in the file',
    )
    .option('--average <share>', 'the model is the mean of the weights over this share of the steps so far', factor)
    .option(
      '--checkpoint-every <interval>',
      'a checkpoint every 500 (steps) or 10m (minutes) too (default: 5m)',
      interval,
    )
    .option('--log-every <steps>', 'a line of the log every so many steps (default: 1)', wholeNumber(1))
    .addOption(deviceOption())
    .addOption(precisionOption().default(undefined, 'fp32'))
    .addOption(threadsOption())
    .addOption(matmulOption())
    .option('--json', 'print the result and the epochs as JSON lines');
  addModelFlags(command);
  return command.action(async (dataset: string | undefined, flags: TrainFlags) => {
    const told = optionsOf(name, dataset, flags, command);
    if (flags.refine && told.from === undefined && !flags.resume) {
      throw new PoseError('ERR_USAGE', '--refine: expected --from with a finished Stage II model.');
    }
    const line = new ProgressLine(io);
    const say = (text: string) => {
      line.clear();
      notice(io, text);
    };
    const result = await run({
      ...told,
      out: flags.out,
      resume: flags.resume,
      commandLine: io.commandLine,
      signal: io.signal,
      onNotice: say,
      onProgress: (progress) => line.update(() => progressText(name, progress)),
      onEpoch: (epoch) => {
        line.clear();
        print(io, false, epoch, () => (flags.json ? JSON.stringify(epoch) : epochText(name, epoch)));
      },
    }).finally(() => line.clear());
    print(io, false, result, () => (flags.json ? JSON.stringify(result) : resultText(name, result)));
  });
}

/** What the flags say, and the run's file where they say nothing. */
function optionsOf(
  name: 'pretrain' | 'finetune',
  dataset: string | undefined,
  flags: TrainFlags,
  command: Command,
): Omit<TrainingOptions, 'out'> {
  const file: RunFile = flags.config === undefined ? {} : readRunFile(flags.config);
  if (file.kind !== undefined && file.kind !== name) {
    throw new PoseError('ERR_USAGE', `--config: ${flags.config} is a run of pstmo ${file.kind}, not of pstmo ${name}.`);
  }
  const data = dataset ?? file.dataset;
  if (data === undefined) {
    throw new PoseError('ERR_USAGE', `${name}: expected a data set file, as an argument or in the file of --config.`);
  }
  /** A flag that was given, else the file's value, else the flag's default. */
  const given = <Key extends 'device' | 'threads' | 'matmul'>(key: Key): TrainFlags[Key] =>
    command.getOptionValueSource(key) === 'default' ? ((file[key] as TrainFlags[Key]) ?? flags[key]) : flags[key];
  return {
    ...file.training,
    ...settingsOf(name, flags),
    dataset: data,
    model: merged(file.model, modelOf(flags)),
    from: flags.from ?? file.from ?? undefined,
    ...{ device: given('device'), threads: given('threads'), matmul: given('matmul') },
    logEvery: flags.logEvery ?? file.logEvery,
    checkpointEvery: flags.checkpointEvery ?? file.checkpointEvery,
  };
}

/** A configuration with another's fields on top; what is an object with fields in both keeps those not named. */
function merged(
  below: ModelConfigInput | undefined,
  above: ModelConfigInput | undefined,
): ModelConfigInput | undefined {
  const masking = { ...below?.masking, ...above?.masking };
  return below && above
    ? { ...below, ...above, ...(Object.keys(masking).length > 0 && { masking }) }
    : (above ?? below);
}

function settingsOf(name: 'pretrain' | 'finetune', flags: TrainFlags): Partial<SettingsInput> {
  const { epochs, batch, lr, every, samplesPerEpoch, validation, validationFrames, select } = flags;
  const { noiseTable, average, precision } = flags;
  const augmentation = flags.augment ? {} : undefined;
  const preset = flags.model === undefined || flags.model.endsWith('.json') ? undefined : presetByName(flags.model);
  const learningRate = lr ?? preset?.learningRates[name];
  const given = { epochs, batch, learningRate, every, samplesPerEpoch, validation, validationFrames, select };
  const settings = Object.fromEntries(
    Object.entries({ ...given, noiseTable, augmentation, average, precision }).filter(
      ([, value]) => value !== undefined,
    ),
  );
  if (flags.cosine !== undefined) {
    return { ...settings, schedule: { kind: 'cosine', floor: flags.cosine } };
  }
  return flags.decay === undefined ? settings : { ...settings, schedule: { kind: 'decay', factor: flags.decay } };
}

function modelOf(flags: TrainFlags): ModelConfigInput | undefined {
  const model = modelFromFlags(flags);
  // The root's depth of the ground truth is the only one that training data give.
  return flags.refine ? { ...model, refine: { root: 'truth' } } : model;
}

function progressText(name: string, progress: TrainingProgress): string {
  const { phase, epoch, epochs, step, steps, loss, learningRate, samplesPerSecond, secondsLeft } = progress;
  const where = `${name} ${epoch}/${epochs}  ${phase === 'training' ? '' : 'validation '}${step}/${steps}`;
  const rate = `lr ${learningRate.toExponential(2)}  ${samplesPerSecond.toFixed(0)} samples/s`;
  return `${where}  loss ${loss.toFixed(4)}  ${rate}  ${duration(secondsLeft)} left`;
}

function epochText(name: string, line: EpochLine): string {
  const validation = line.validation === null ? '' : `  validation ${errorText(name, line.validation)}`;
  const speed = `${line.samplesPerSecond.toFixed(0)} samples/s, ${duration(line.seconds)}`;
  const best = line.best && line.validation !== null ? '  best so far' : '';
  return `epoch ${line.epoch}  loss ${line.loss.toFixed(4)}${validation}  (${speed})${best}`;
}

function errorText(name: string, value: number): string {
  return name === 'finetune' ? `${value.toFixed(1)} mm` : value.toFixed(5);
}

function resultText(name: string, { best, modelPath, epochs, logPath }: TrainingResult): string {
  if (!best) {
    return `No epoch is done yet. Log: ${logPath}`;
  }
  const error = best.validation === null ? '' : `, validation ${errorText(name, best.validation)}`;
  const next =
    name === 'pretrain' ? `pstmo finetune <dataset> --from ${modelPath}` : `pstmo evaluate ${modelPath} <dataset>`;
  return `${modelPath}: weights of epoch ${best.epoch} of ${epochs}${error}\nLog: ${logPath}\nNext: ${next}`;
}

/** "500", "10m" */
function interval(text: string): CheckpointEvery {
  const every = /^\d+$/.test(text) ? Number(text) : (text as CheckpointEvery);
  try {
    checkpointInterval(every);
  } catch {
    throw new InvalidArgumentError('Expected steps, for example 500, or minutes, for example 10m.');
  }
  return every;
}
