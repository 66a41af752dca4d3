import { Command, InvalidArgumentError, Option } from 'commander';
import { throwIfAborted } from '../../base/abort.js';
import { PoseError } from '../../base/pose-error.js';
import { writeDataset } from '../../datasets/dataset-file.js';
import { loadHuman36m } from '../../datasets/human36m/human36m.js';
import { type BvhUnits, UNITS } from '../../datasets/mocap/bvh.js';
import { defaultMocapSplits, prepareMocap } from '../../datasets/mocap/mocap.js';
import { type UpAxis, upAxes } from '../../datasets/mocap/up-axis.js';
import { loadMpiInf3dhp } from '../../datasets/mpi-inf-3dhp/mpi-inf-3dhp.js';
import type { PoseDataset, Split } from '../../datasets/pose-dataset.js';
import { readCustomLayout } from '../../keypoints/custom-layout.js';
import { type Io, notice, print } from '../io.js';
import { fileEnding, frameRate, layoutName, list, wholeNumber } from '../parse.js';
import { ProgressLine } from '../progress-line.js';

interface CommonFlags {
  out: string;
  json?: boolean;
}

interface Human36mFlags extends CommonFlags {
  positions3d: string;
  positions2d: string;
  trainSubjects?: string[];
  testSubjects?: string[];
  validation?: string[];
  actions?: string[];
  cameras?: string[];
  layout?: string;
}

interface MpiInf3dhpFlags extends CommonFlags {
  train?: string;
  test?: string;
  validation?: string[];
  cameras?: string[];
}

interface MocapFlags extends CommonFlags {
  layout?: string;
  units?: BvhUnits;
  up?: UpAxis;
  fps?: number;
  cameras?: number;
  seed?: number;
  test?: string[];
  validation?: string[];
  drop?: string[];
}

export function prepareCommand(io: Io): Command {
  return new Command('prepare')
    .description("make this project's data set file out of Human3.6M, MPI-INF-3DHP or motion capture")
    .addCommand(human36m(io))
    .addCommand(mpiInf3dhp(io))
    .addCommand(mocap(io));
}

function human36m(io: Io): Command {
  const command = new Command('human36m')
    .description('data_3d_h36m.npz and data_2d_h36m_<detector>.npz')
    .requiredOption('--positions3d <file>', 'data_3d_h36m.npz')
    .requiredOption('--positions2d <file>', 'data_2d_h36m_<detector>.npz')
    .option('--train-subjects <names>', 'to train on (default: S1,S5,S6,S7,S8)', list)
    .option('--test-subjects <names>', 'to test on (default: S9,S11)', list)
    .option('--validation <names>', 'held out of the training part: S8, or S8/Walking', list)
    .option('--actions <names>', 'actions to keep', list)
    .option('--cameras <names>', 'cameras to keep, by name or place', list)
    .option('--layout <name>', 'of the 2D joints, where the file does not say it', layoutName);
  return output(command).action(async ({ out, json, layout, ...flags }: Human36mFlags) => {
    await save(io, loadHuman36m({ ...flags, ...(layout !== undefined && { inputLayout: layout }) }), out, json);
  });
}

function mpiInf3dhp(io: Io): Command {
  const command = new Command('mpi-inf-3dhp')
    .description('data_train_3dhp.npz and data_test_3dhp.npz, or folders of the raw .mat files')
    .option('--train <path>', 'npz, or folder of S1/Seq1/annot.mat and so on')
    .option('--test <path>', 'npz, or folder of TS1/annot_data.mat and so on')
    .option('--validation <names>', 'held out of the training part: S8, or S8/Seq2', list)
    .option('--cameras <names>', 'training cameras to keep', list);
  return output(command).action(async ({ out, json, ...flags }: MpiInf3dhpFlags) => {
    if (flags.train === undefined && flags.test === undefined) {
      throw new PoseError('ERR_USAGE', 'prepare mpi-inf-3dhp: expected --train, --test or both.');
    }
    await save(io, await loadMpiInf3dhp(flags), out, json);
  });
}

function mocap(io: Io): Command {
  const command = new Command('mocap')
    .description('ASF/AMC, BVH, C3D and TRC motion capture, seen by virtual cameras')
    .argument(
      '<folder>',
      'searched, with all below it, for .amc (with .asf) and .bvh; with --layout, for .c3d and .trc',
    )
    .option('--layout <file>', 'JSON file with name, joints and map: from which joints or markers h36m-17 comes')
    .option('--units <unit>', 'of BVH: m, cm, mm, in, or how many metres one is (default: guessed, and said)', units)
    .addOption(
      new Option('--up <axis>', 'axis of BVH, C3D and TRC that points up (default: found, and said unless y)').choices(
        upAxes,
      ),
    )
    .option('--fps <rate>', 'frames a second that clips are resampled to (default: 50)', frameRate)
    .option('--cameras <count>', 'virtual cameras around each clip (default: 4)', wholeNumber(1))
    .option('--seed <number>', 'of the cameras (default: 0)', wholeNumber(0))
    .option(
      '--test <clips>',
      `subjects (folders) or clips to test on (default: ${defaultMocapSplits.test.join()})`,
      list,
    )
    .option(
      '--validation <clips>',
      `to choose the best epoch on (default: ${defaultMocapSplits.validation.join()})`,
      list,
    )
    .option('--drop <clips>', `to leave out (default: ${defaultMocapSplits.drop.join()})`, list);
  return output(command).action(async (folder: string, flags: MocapFlags) => {
    const { out, json, test, validation, drop, layout, units, ...rest } = flags;
    const line = new ProgressLine(io);
    const dataset = await prepareMocap({
      ...rest,
      ...(layout !== undefined && { layout: readCustomLayout(layout) }),
      ...(units !== undefined && { bvhUnits: units }),
      folder,
      splits: {
        test: test ?? defaultMocapSplits.test,
        validation: validation ?? defaultMocapSplits.validation,
        drop: drop ?? defaultMocapSplits.drop,
      },
      signal: io.signal,
      onProgress: (done, total, clip) => line.update(() => `prepare  ${done}/${total}  ${clip}`),
      onNotice: (text) => {
        line.clear();
        notice(io, text);
      },
    }).finally(() => line.clear());
    await save(io, dataset, out, json);
  });
}

function units(text: string): BvhUnits {
  if (text in UNITS) return text as BvhUnits;
  const metres = Number(text);
  if (text.trim() !== '' && metres > 0 && metres < 1000) return metres;
  throw new InvalidArgumentError(`Expected ${Object.keys(UNITS).join(', ')}, or how many metres one is.`);
}

function output(command: Command): Command {
  return command
    .requiredOption('--out <file>', 'data set file to write (.safetensors)', fileEnding('.safetensors'))
    .option('--json', 'print JSON');
}

async function save(io: Io, dataset: PoseDataset, out: string, json: boolean | undefined): Promise<void> {
  throwIfAborted(io.signal);
  await writeDataset(out, dataset);
  const { name, inputLayout, outputLayout, sequences } = dataset;
  const splits = (['train', 'validation', 'test'] as const).map((split) => splitSummary(split, dataset));
  const unseen = sequences.filter(({ intrinsics }) => !intrinsics).length;
  print(io, json, { out, name, inputLayout, outputLayout, splits }, () =>
    [
      `${out}: ${name}, ${sequences.length} sequences, ${inputLayout} to ${outputLayout}`,
      ...splits.map(
        (split) =>
          `  ${split.split}: ${split.sequences} sequences, ${split.frames} frames, ${split.subjects.join(' ') || '-'}`,
      ),
      ...(unseen > 0 ? [`The camera of ${unseen} sequences is unknown: no --refine with them.`] : []),
      'Next: pstmo pretrain, pstmo finetune or pstmo evaluate with this file; pstmo inspect tells more.',
    ].join('\n'),
  );
}

function splitSummary(split: Split, dataset: PoseDataset) {
  const own = dataset.sequences.filter((sequence) => sequence.split === split);
  return {
    split,
    sequences: own.length,
    frames: own.reduce((sum, { frames }) => sum + frames, 0),
    subjects: [...new Set(own.map(({ subject }) => subject))],
  };
}
