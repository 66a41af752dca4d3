import { Argument, Command } from 'commander';
import type { Io } from '../io.js';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** A command's words for a shell: its path, its subcommands and its flags with their choices. */
interface Words {
  path: string;
  words: string[];
  /** Values of flags that take one of a few. */
  choices: { flag: string; values: readonly string[] }[];
}

export function completionCommand(io: Io): Command {
  return new Command('completion')
    .description('a script that completes commands and flags in your shell')
    .addArgument(new Argument('<shell>', 'which shell: source <(pstmo completion bash)').choices(shells))
    .action((shell: Shell, _: object, command: Command) => {
      const root = command.parent ?? command;
      const words = wordsOf(root, '');
      io.out(shell === 'fish' ? fishScript(words) : shell === 'zsh' ? zshScript(words) : bashScript(words));
    });
}

function wordsOf(command: Command, path: string): Words[] {
  const flags = command.options.flatMap(({ long }) => (long ? [long] : []));
  const own: Words = {
    path,
    words: [...command.commands.map((one) => one.name()), ...flags, '--help'],
    choices: command.options.flatMap(({ long, argChoices }) =>
      long && argChoices ? [{ flag: long, values: argChoices }] : [],
    ),
  };
  return [own, ...command.commands.flatMap((one) => wordsOf(one, `${path} ${one.name()}`.trim()))];
}

/** Words after flags of a few choices are these; else those of the longest command that was typed, and files. */
function bashScript(all: readonly Words[]): string {
  const cases = all.map(({ path, words }) => `    '${path}') words='${words.join(' ')}';;`);
  const choices = all.flatMap((one) =>
    one.choices.map(({ flag, values }) => `    '${one.path} ${flag}') words='${values.join(' ')}'; files=;;`),
  );
  return `_pstmo() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path= words= files=-f at word
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case " ${all.map(({ path }) => path.replaceAll(' ', '/')).join(' ')} " in
      *" \${path:+$path/}$word "*) path="\${path:+$path/}$word";;
    esac
  done
  path="\${path//\\// }"
  case "$path" in
${cases.join('\n')}
  esac
  case "$path $before" in
${choices.join('\n')}
  esac
  COMPREPLY=($(compgen $files -W "$words" -- "$current"))
}
complete -o filenames -F _pstmo pstmo
`;
}

function zshScript(all: readonly Words[]): string {
  return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(all)}`;
}

function fishScript(all: readonly Words[]): string {
  const lines = all.flatMap(({ path, words, choices }) => {
    const seen = path.split(' ').filter((word) => word !== '');
    const when = seen.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ') || '__fish_use_subcommand';
    const flags = words.filter((word) => word.startsWith('--')).map((flag) => `-l ${flag.slice(2)}`);
    const commands = words.filter((word) => !word.startsWith('--'));
    return [
      ...commands.map((word) => `complete -c pstmo -n '${when}' -a ${word}`),
      ...flags.map((flag) => `complete -c pstmo -n '${when}' ${flag}`),
      ...choices.map(
        ({ flag, values }) => `complete -c pstmo -n '${when}' -l ${flag.slice(2)} -x -a '${values.join(' ')}'`,
      ),
    ];
  });
  return `${lines.join('\n')}\n`;
}
