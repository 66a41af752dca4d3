import { Command } from 'commander';
import { throwIfAborted } from '../../base/abort.js';
import { withOldProperties } from '../../base/old-names.js';
import { alignedRows } from '../../base/text-table.js';
import { writeAtomically } from '../../formats/files/atomic-file.js';
import { type ModelConfig, parseModelConfig } from '../../networks/config.js';
import { chromeTrace, type TracedProcess } from '../../profiling/chrome-trace.js';
import type { StageTotals } from '../../profiling/lift-profile.js';
import { type OpTotals, type Profile, type ProfileOptions, paperFps, profileModel } from '../../profiling/profile.js';
import { type Io, notice, print } from '../io.js';
import { addModelFlags, type ModelFlags, modelFromFlags } from '../model-options.js';
import { compiledOption, deviceOption, positiveNumber, precisionOption, threadsOption, wholeNumber } from '../parse.js';

interface ProfileFlags extends ModelFlags {
  device: NonNullable<ProfileOptions['device']>;
  precision: NonNullable<ProfileOptions['precision']>;
  threads: number;
  compiled: NonNullable<ProfileOptions['compiled']>;
  batch: number;
  training?: boolean;
  seconds: number;
  trace?: string;
  json?: boolean;
}

export function profileCommand(io: Io): Command {
  const command = new Command('profile').description(
    'where the time of a forward pass or a training step goes, op by op, and that of lifting, beside what the device can do',
  );
  addModelFlags(command)
    .option('--batch <windows>', "windows a step; the default is the paper's", wholeNumber(1), 160)
    .option('--training', 'a training step in place of the forward pass')
    .option('--seconds <time>', 'how long each of the measurings lasts', positiveNumber, 2)
    .option('--trace <file>', 'write the last step and a lift for chrome://tracing or ui.perfetto.dev')
    .addOption(deviceOption())
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(compiledOption());
  return command.option('--json', 'print JSON').action(async (flags: ProfileFlags) => {
    const config = parseModelConfig(modelFromFlags(flags) ?? {});
    const { device, precision, threads, compiled, batch, seconds, trace } = flags;
    const measured = await profileModel({
      ...{ config, device, precision, threads, compiled, batch, seconds },
      training: flags.training ?? false,
      onNotice: (text) => notice(io, text),
    });
    if (trace !== undefined) {
      const text = chromeTrace(processesOf(measured));
      throwIfAborted(io.signal);
      writeAtomically(trace, (append) => append(new TextEncoder().encode(text)));
      notice(io, `Trace: ${trace}`);
    }
    const { trace: _, ...result } = measured;
    const lift = measured.lift && { ...measured.lift, records: undefined };
    const printed = { ...result, lift, peaks: withOldProperties('peaks', result.peaks) };
    print(io, flags.json, { config, ...printed, rates: ratesOf(measured, config) }, () => reportOf(measured, config));
  });
}

/** Of a trace: the network op by op, and the lifter that lifts where that is another. */
function processesOf({ device, training, trace, lift }: Profile): TracedProcess[] {
  const opByOp = { name: `op by op, ${training ? 'a training step' : 'a pass'}: ${device}`, thread: 'ops of stream' };
  const compiled = { name: `compiled, a lift: ${device}`, thread: device.startsWith('CUDA') ? 'stream' : 'thread' };
  const lifted = lift === null || lift.records.length === 0 ? [] : [{ ...compiled, records: lift.records }];
  return [{ ...opByOp, records: trace }, ...lifted];
}

/** What a second brings, under the paper's protocol (Table 6) and under ours. */
interface Rates {
  /** Windows a second: the model's pass alone, windows on the device, one pass; a training step: samples. */
  pass: number;
  /** The paper's figure for this model, on a GeForce RTX 3080 Ti; null where its table has none, and beside a CPU's. */
  paper: number | null;
  /** Frames a second of `lift`, from a video in the host's memory to poses there, with the mirrored pass and without. */
  liftFlip: number | null;
  lift: number | null;
  /** Steps as a user makes them: samples a second of `train`, windows of `reconstruct`. */
  step: number | null;
}

function ratesOf({ device, batch, training, passSeconds, wall }: Profile, config: ModelConfig): Rates {
  const rate = (seconds: number | undefined) => (seconds === undefined ? null : batch / seconds);
  return {
    pass: batch / passSeconds,
    paper: training || !device.startsWith('CUDA') ? null : (paperFps(config) ?? null),
    liftFlip: rate(wall.liftFlipSeconds),
    lift: rate(wall.liftSeconds),
    step: rate(wall.stepSeconds),
  };
}

function reportOf(profile: Profile, config: ModelConfig): string {
  const { device, precision, batch, training, stage, frames, peaks, leastPeaks, steps } = profile;
  const what = training ? 'a training step' : 'the forward pass';
  const range = (from: number, to: number, digits = 0) => `${from.toFixed(digits)} to ${to.toFixed(digits)}`;
  const narrow = precision === 'fp32' ? '' : `${range(leastPeaks.matmul, peaks.matmul)} GFLOP/s in ${precision}, `;
  const head = ['op', 'shape', 'calls', 'ms', '%', 'GFLOP', 'MB', 'GFLOP/s', '% of peak', 'GB/s', '% of copies'];
  const rows = [...profile.ops, ...profile.copies].map((row) => cells(row, profile));
  return [
    `Stage ${stage}, ${what}, N = ${frames}, batch ${batch}, ${precision}, ${device}; medians of ${steps} steps`,
    `Peaks, in turns with the steps and lifts, of which the largest counts: ${narrow}${range(leastPeaks.fp32, peaks.fp32)} GFLOP/s in fp32, ` +
      `copies ${range(leastPeaks.copy, peaks.copy, 1)} GB/s (read and written)`,
    '',
    `Op by op, ${what}:`,
    ...alignedRows([head, ...rows]),
    ...sharesText(profile),
    '',
    totalsText(profile),
    ...liftText(profile),
    ...ratesText(profile, ratesOf(profile, config)),
  ].join('\n');
}

function cells({ op, shape, count, seconds, flops, bytes }: OpTotals, { opSeconds, peaks }: Profile): string[] {
  const copy = op.startsWith('copy');
  const gflops = flops / seconds / 1e9;
  const gigabytes = bytes / seconds / 1e9;
  return [
    ...[op, copy ? '' : shape, `${count}`, (seconds * 1e3).toFixed(3)],
    copy ? '-' : ((100 * seconds) / opSeconds).toFixed(1),
    flops > 0 ? (flops / 1e9).toFixed(2) : '-',
    (bytes / 1e6).toFixed(2),
    flops > 0 ? gflops.toFixed(0) : '-',
    flops > 0 ? ((100 * gflops) / peaks.matmul).toFixed(0) : '-',
    gigabytes.toFixed(1),
    copy ? '-' : ((100 * gigabytes) / peaks.copy).toFixed(0),
  ];
}

/** What a share over 100% means, where there is one. */
function sharesText({ ops, copies, peaks }: Profile): string[] {
  const over = (peak: number, work: 'flops' | 'bytes') =>
    [...ops, ...copies].some((row) => !row.op.startsWith('copy') && row[work] / row.seconds / 1e9 > 1.005 * peak);
  return [
    ...(over(peaks.copy, 'bytes')
      ? ['Over 100% of copies: the arrays lie in a cache, those of the copies that are compared with do not.']
      : []),
    ...(over(peaks.matmul, 'flops') ? [SLOWED_PEAK] : []),
  ];
}

const SLOWED_PEAK = 'Over 100% of the peak: other work on the machine slowed every turn of the peak; measure again.';

/** The path that lifts, stage by stage. */
function liftText({ lift, batch, peaks, device }: Profile): string[] {
  if (lift === null) return [];
  const title = `The path that lifts, a video of ${batch} frames with the mirrored pass:`;
  if (lift.stages.length === 0) return ['', `${title} op by op, because ${lift.unsupportedReason}`];
  const all = lift.stages.reduce((sum, { seconds }) => sum + seconds, 0);
  const flops = lift.stages.reduce((sum, stage) => sum + stage.flops, 0);
  const gflops = (stage: StageTotals) => (lift.threads * stage.flops) / stage.seconds / 1e9;
  const rows = lift.stages.map((stage) => [
    ...[stage.stage, `${stage.calls}`, (stage.seconds * 1e3).toFixed(3), ((100 * stage.seconds) / all).toFixed(1)],
    stage.flops > 0 ? (stage.flops / 1e9).toFixed(2) : '-',
    stage.flops > 0 ? gflops(stage).toFixed(0) : '-',
    stage.flops > 0 ? ((100 * gflops(stage)) / peaks.matmul).toFixed(0) : '-',
  ]);
  const where = device.startsWith('CUDA') ? 'one stream' : `${lift.threads} threads together`;
  return [
    '',
    `${title} the compiled lifter, stage by stage, ${where}`,
    ...alignedRows([['stage', 'calls', 'ms', '%', 'GFLOP', 'GFLOP/s', '% of peak'], ...rows]),
    ...(lift.stages.some((stage) => gflops(stage) > 1.005 * peaks.matmul) ? [SLOWED_PEAK] : []),
    `${milliseconds(lift.seconds)} from begin to end, ${((100 * all) / lift.threads / lift.seconds).toFixed(0)}% of it in stages; ` +
      `${(flops / lift.seconds / 1e9).toFixed(0)} GFLOP/s, padding included`,
    '',
  ];
}

function totalsText({ ops, launches, opSeconds, gapSeconds, passSeconds, peaks }: Profile): string {
  const flops = ops.reduce((sum, op) => sum + op.flops, 0);
  const gaps = (100 * gapSeconds) / (opSeconds + gapSeconds);
  return (
    `${launches} ops: ${milliseconds(opSeconds)} in them, ${milliseconds(gapSeconds)} between them (${gaps.toFixed(1)}%); ` +
    `timed as one pass ${milliseconds(passSeconds)}, ${(flops / passSeconds / 1e9).toFixed(0)} GFLOP/s, ` +
    `${((100 * flops) / passSeconds / 1e9 / peaks.matmul).toFixed(0)}% of the peak`
  );
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1e3).toFixed(2)} ms`;
}

function ratesText({ device, training, batch, stage }: Profile, rates: Rates): string[] {
  const rate = (value: number) => value.toFixed(value < 100 ? 1 : 0);
  if (training || stage === 1) {
    const noun = training ? 'samples' : 'windows';
    return [
      `The model's pass alone: ${rate(rates.pass)} ${noun}/s`,
      `By the wall clock, everything included: ${rate(rates.step ?? 0)} ${noun}/s`,
    ];
  }
  const paper =
    rates.paper === null
      ? ''
      : `; the paper: ${rates.paper.toLocaleString('en')} on a GeForce RTX 3080 Ti, of a batch that it does not name`;
  return [
    `The paper's protocol (Table 6: the model's pass alone, op by op, both heads, no mirrored pass), ${device}, batch ${batch}: ` +
      `${rate(rates.pass)} windows/s${paper}`,
    `Ours (lift, from a video of ${batch} frames in memory to its poses, by the wall clock): ` +
      `${rate(rates.liftFlip ?? 0)} frames/s with the mirrored pass, ${rate(rates.lift ?? 0)} without`,
  ];
}
