import { Command, CommanderError, type Option } from 'commander';
import { asMemoryError } from '../base/memory-error.js';
import { withoutOldFlags } from '../base/old-names.js';
import { packageVersion } from '../base/package-version.js';
import { PoseError } from '../base/pose-error.js';
import { shownLines, shownText } from '../base/shown-text.js';
import { completionCommand } from './commands/completion.js';
import { complexityCommand } from './commands/complexity.js';
import { convertCommand } from './commands/convert.js';
import { doctorCommand } from './commands/doctor.js';
import { evaluateCommand } from './commands/evaluate.js';
import { inspectCommand } from './commands/inspect.js';
import { liftCommand } from './commands/lift.js';
import { modelsCommand } from './commands/models.js';
import { plotCommand } from './commands/plot.js';
import { prepareCommand } from './commands/prepare.js';
import { profileCommand } from './commands/profile.js';
import { finetuneCommand, pretrainCommand } from './commands/train.js';
import { viewCommand } from './commands/view.js';
import { stoppedExitCode } from './interrupt.js';
import { type Io, isUsage } from './io.js';
import { list, RepeatableOption } from './parse.js';

const COMMANDS = [
  liftCommand,
  viewCommand,
  pretrainCommand,
  finetuneCommand,
  evaluateCommand,
  prepareCommand,
  convertCommand,
  inspectCommand,
  plotCommand,
  complexityCommand,
  profileCommand,
  modelsCommand,
  doctorCommand,
  completionCommand,
];

/**
 * Runs one command line (without `node` and the script) and answers the exit code: 0 success, 1 failure, 2 wrong usage,
 * 130 stopped by Ctrl-C, 143 by SIGTERM. What went wrong is on `io.err`.
 */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  const program = makeProgram(io, args);
  try {
    const known = withoutOldFlags(args, (text) => io.err(`pstmo: ${shownText(text)}\n`));
    await program.parseAsync(known, { from: 'user' });
    return io.exitCode;
  } catch (thrown) {
    const error = asMemoryError(thrown);
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? 0 : 2;
    }
    if (error instanceof PoseError) {
      io.err(`pstmo: ${shownText(error.message)}\n`);
      return isUsage(error.code)
        ? 2
        : error.code === 'ERR_ABORTED' && io.signal.aborted
          ? stoppedExitCode(io.signal)
          : 1;
    }
    io.err(`pstmo: ${shownLines(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n`);
    return 1;
  }
}

/** The command line with all its commands; a wrong one throws `CommanderError` when it is parsed. */
export function makeProgram(io: Io, args: readonly string[] = []): Command {
  const program = new Command('pstmo')
    .description('P-STMO: lifts 2D human keypoints to 3D poses, and trains the networks that do')
    .version(packageVersion())
    .showHelpAfterError('(add --help for what there is)');
  for (const make of COMMANDS) {
    program.addCommand(make(io));
  }
  for (const command of withSubcommands(program)) {
    command
      .exitOverride()
      .copyInheritedSettings(program)
      .configureOutput({ writeOut: io.out, writeErr: (text) => io.err(shownLines(withShownArguments(text, args))) });
    for (const option of command.options) refuseSecond(command, option);
  }
  return program;
}

/**
 * Refuses an option that is given again where the last value alone would count, without a word. One that takes no value, or whose
 * values add up, may come again.
 */
function refuseSecond(command: Command, option: Option): void {
  if (option.isBoolean() || option.negate || option instanceof RepeatableOption) return;
  let given = 0;
  const hint = option.parseArg === list ? ', with names separated by commas' : '';
  command.on(`option:${option.name()}`, () => {
    if (++given > 1) command.error(`error: option '${option.flags}': expected once${hint}, got it again.`);
  });
}

/** A parser's message with what was typed in it as a terminal shows it: a line break in a name begins no line. */
function withShownArguments(text: string, args: readonly string[]): string {
  return args.reduce((shown, typed) => (typed === '' ? shown : shown.replaceAll(typed, shownText(typed))), text);
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}
