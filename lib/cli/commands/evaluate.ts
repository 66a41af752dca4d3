import { Command, Option } from 'commander';
import { PoseError } from '../../base/pose-error.js';
import type { Split } from '../../datasets/pose-dataset.js';
import { evaluate } from '../../evaluation/evaluate.js';
import type { RootSource } from '../../evaluation/report.js';
import { evaluationSummary } from '../../evaluation/summary.js';
import { evaluationTable } from '../../evaluation/table.js';
import type { ModelConfig } from '../../networks/config.js';
import type { DeviceOption } from '../../networks/device.js';
import { type Io, notice, print } from '../io.js';
import { noiseFlag } from '../model-options.js';
import { deviceOption, list, matmulOption, precisionOption, threadsOption, wholeNumber } from '../parse.js';
import { ProgressLine } from '../progress-line.js';

interface EvaluateFlags {
  split: Split;
  subjects?: string[];
  flip: boolean;
  noise?: ModelConfig['noise'];
  noiseTable?: string;
  seed: number;
  shuffleFrames?: number;
  baselines: boolean;
  root?: RootSource;
  device: DeviceOption;
  precision: 'fp32' | 'tf32' | 'bf16';
  threads: number;
  matmul: string;
  json?: boolean;
  details?: boolean;
}

export function evaluateCommand(io: Io): Command {
  return new Command('evaluate')
    .description('lift the test videos of a data set and print the tables of the papers')
    .argument('<model>', 'model file or bundled model')
    .argument('<dataset>', 'data set file made by `pstmo prepare`')
    .addOption(
      new Option('--split <split>', 'what to test on').choices(['train', 'validation', 'test']).default('test'),
    )
    .option('--subjects <names>', 'test subjects to keep, by commas', list)
    .option('--no-flip', 'without the mirrored second pass')
    .option('--noise <kind>', "the noisy test's: none, detector[:scale], gaussian:<sigma>, pixels:<sigma>", noiseFlag)
    .option('--noise-table <file>', "PyTorch file of a detector's errors, for detector noise")
    .option('--seed <number>', 'of the noise', wholeNumber(0), 0)
    .addOption(
      new Option('--shuffle-frames [seed]', "each window's frames in another order, its middle frame the target")
        .argParser(wholeNumber(0))
        .preset('0'),
    )
    .option('--no-baselines', 'without mean pose and linear regression')
    .addOption(
      new Option('--root <source>', "where a refining model takes the root's depth from").choices([
        'truth',
        'estimated',
      ]),
    )
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(matmulOption())
    .option('--json', 'print the report as JSON')
    .option('--details', "with --json: all digits, and each joint's error in every row")
    .action(async (model: string, dataset: string, flags: EvaluateFlags) => {
      const line = new ProgressLine(io);
      const { json, details, ...options } = flags;
      if (details && !json) {
        throw new PoseError('ERR_USAGE', '--details: expected --json with it; the tables for people have no joints.');
      }
      const report = await evaluate({
        ...options,
        model,
        dataset,
        signal: io.signal,
        onNotice: (text) => {
          line.clear();
          notice(io, text);
        },
        onProgress: (done, total, sequence) => line.update(() => `evaluate  ${done}/${total}  ${sequence}`),
      }).finally(() => line.clear());
      print(io, json, details ? report : evaluationSummary(report), () => evaluationTable(report));
    });
}
