import { Command } from 'commander';
import { PoseError } from '../../base/pose-error.js';
import { alignedRows } from '../../base/text-table.js';
import { type ModelConfig, type ModelConfigInput, parseModelConfig } from '../../networks/config.js';
import { type Complexity, complexity } from '../../profiling/complexity.js';
import { skeletonByName } from '../../skeletons/skeletons.js';
import { type Io, print } from '../io.js';
import { addModelFlags, type ModelFlags, modelFromFlags } from '../model-options.js';

/** Table 6's rows, printed when no model is named. */
const TABLE6: readonly { name: string; config: ModelConfigInput }[] = [
  { name: 'P-STMO-S, N = 27', config: { frames: 27 } },
  { name: 'P-STMO-S, N = 81', config: { frames: 81 } },
  { name: 'P-STMO-S, N = 243', config: { frames: 243 } },
  { name: 'P-STMO, N = 243', config: { frames: 243, layers: 4 } },
];

export function complexityCommand(io: Io): Command {
  const command = new Command('complexity').description(
    "parameters and FLOPs in the paper's convention, and the true work",
  );
  addModelFlags(command);
  return command.option('--json', 'print JSON').action((flags: ModelFlags & { json?: boolean }) => {
    const asked = modelFromFlags(flags);
    if (asked === undefined) {
      const rows = TABLE6.map(({ name, config }) => ({ name, ...complexity(parseModelConfig(config)) }));
      print(io, flags.json, rows, () => summary(rows));
      return;
    }
    const config = wholeConfig(asked);
    const joints = {
      input: skeletonByName(config.inputLayout).joints.length,
      output: skeletonByName(config.outputLayout).joints.length,
    };
    const counts = complexity(config, joints);
    print(io, flags.json, { config, ...counts }, () => details(counts));
  });
}

/** All of the configuration is from the command line: what is wrong with it is wrong usage. */
function wholeConfig(asked: ModelConfigInput): ModelConfig {
  try {
    return parseModelConfig(asked);
  } catch (error) {
    throw error instanceof PoseError ? new PoseError('ERR_USAGE', error.message, { cause: error }) : error;
  }
}

function summary(rows: readonly ({ name: string } & Complexity)[]): string {
  const head = ['model', 'parameters', "paper's, M", 'profiler MACs', "paper's FLOPs, M", 'true MFLOP a window'];
  const cells = rows.map((row) => [
    row.name,
    row.parameters.toLocaleString('en'),
    (row.paperParameters / 1e6).toFixed(2),
    row.profilerMacs.toLocaleString('en'),
    (row.paperFlops / 1e6).toFixed(1),
    (row.flops / 1e6).toFixed(1),
  ]);
  return alignedRows([head, ...cells]).join('\n');
}

function details(counts: Complexity): string {
  const head = ['part', 'parameters', 'linear MACs', 'attention MACs', 'profiler MACs'];
  const whole = { name: 'all', ...counts };
  const cells = [...counts.parts, whole].map((part) => [
    part.name,
    ...[part.parameters, part.linearMacs, part.attentionMacs, part.profilerMacs].map((n) => n.toLocaleString('en')),
  ]);
  return [
    ...alignedRows([head, ...cells]),
    '',
    `True work: ${(counts.flops / 1e6).toFixed(1)} MFLOP a window (2 x linear and attention MACs).`,
    `In the paper's convention: ${(counts.paperParameters / 1e6).toFixed(2)} M parameters, ` +
      `${(counts.paperFlops / 1e6).toFixed(1)} M FLOPs.`,
  ].join('\n');
}
