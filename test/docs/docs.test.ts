import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { withoutOldFlags } from '../../lib/base/old-names.js';
import { makeProgram } from '../../lib/cli/program.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...['docs', 'models', 'bench'].flatMap(pagesIn),
];

function pagesIn(folder: string): string[] {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.md'));
  return names.map((name) => `${folder}/${name}`);
}

function textOf(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** Arguments of every `pstmo` command line in the page's blocks of shell. */
function commandLines(page: string): string[][] {
  const blocks = [...textOf(page).matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1]);
  return blocks
    .flatMap((block) => block.replaceAll('\\\n', ' ').split(/\n|&&|\|/))
    .map((line) =>
      [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare),
    )
    .map((words) => (words[0] === 'npx' ? words.slice(1) : words))
    .filter(([program]) => program === 'pstmo')
    .map(([, ...args]) => (args.includes('>') ? args.slice(0, args.indexOf('>')) : args));
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)];
}

/** The program with its commands doing nothing: it checks names, flags, values and how many there are. */
function idleProgram(): { program: Command; said: string[] } {
  const said: string[] = [];
  const io = { out: () => undefined, err: (text: string) => said.push(text), live: false, exitCode: 0 };
  const program = makeProgram({ ...io, signal: new AbortController().signal });
  for (const command of everyCommand(program)) if (command.commands.length === 0) command.action(() => undefined);
  return { program, said };
}

describe('the documentation', () => {
  it('has command lines that the program takes', async () => {
    const lines = pages.flatMap((page) => commandLines(page).map((args) => ({ page, args })));
    expect(lines.length).toBeGreaterThan(30);
    for (const { page, args } of lines) {
      const { program, said } = idleProgram();
      const taken = program.parseAsync(args, { from: 'user' }).then(
        () => '',
        (error: Error) => `${error.message} ${said.join('')}`,
      );
      expect(await taken, `${page}: pstmo ${args.join(' ')}`).toBe('');
    }
  });

  it('names scripts and npm commands that there are', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const missing = pages.flatMap((page) => {
      const text = textOf(page);
      const commands = [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map((match) => match[1]);
      const paths = [...text.matchAll(/(?<![\w/.-])(?:tools|bench|test|examples)\/[\w./-]+\.(?:mjs|sh|py|ts|txt)\b/g)];
      return [
        ...commands.filter((name) => !(name in scripts)),
        ...paths.map(([path]) => path).filter((path) => !existsSync(join(root, path))),
      ].map((name) => `${page}: ${name}`);
    });
    expect(missing).toEqual([]);
  });

  it('would notice one that it does not', async () => {
    for (const args of [
      ['lift', 'a.json', '--siez', '1x1'],
      ['lift'],
      ['plot', 'nothing'],
      ['lift', 'a', '--fps', 'x'],
    ]) {
      await expect(idleProgram().program.parseAsync(args, { from: 'user' })).rejects.toThrow();
    }
  });

  it('names only flags that there are', () => {
    const known = new Set(
      everyCommand(idleProgram().program).flatMap(({ options }) => options.map(({ long }) => long)),
    );
    // The flags that bench/README.md names are its scripts' own.
    for (const page of pages.filter((name) => !name.startsWith('bench/'))) {
      const prose = textOf(page).replaceAll(/```[\s\S]*?```/g, '');
      const spans = [...prose.matchAll(/`([^`]+)`/g)].map((match) => match[1]);
      const flags = spans
        .filter((span) => span.startsWith('pstmo ') || span.startsWith('--'))
        .flatMap((span) => span.match(/(?<=^|\s)--[a-z][a-z0-9-]*/g) ?? [])
        // The changelog alone lists old flags; they still work.
        .map((flag) => (page === 'CHANGELOG.md' ? withoutOldFlags([flag], () => undefined)[0] : flag));
      expect(
        flags.filter((flag) => !known.has(flag) && flag !== '--help'),
        page,
      ).toEqual([]);
    }
  });

  it('links to what is there', () => {
    const broken = pages.flatMap((page) =>
      [
        ...textOf(page)
          .replaceAll(/```[\s\S]*?```/g, '')
          .matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g),
      ]
        .map((match) => join(dirname(page), match[1]))
        .filter((target) => !existsSync(join(root, target)))
        .map((target) => `${page} -> ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('has an index of every page, linked from the README, and pictures that pages show', () => {
    const index = textOf('docs/README.md');
    const own = pagesIn('docs').filter((page) => page !== 'docs/README.md');
    expect(own.filter((page) => !index.includes(`(${relative('docs', page)})`))).toEqual([]);
    expect(textOf('README.md')).toContain('(docs/README.md)');
    const all = pages.map(textOf).join('');
    const pictures = readdirSync(join(root, 'docs/pictures'));
    expect(pictures.filter((name) => !all.includes(`pictures/${name}`))).toEqual([]);
  });
});
