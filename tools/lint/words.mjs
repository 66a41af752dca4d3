#!/usr/bin/env node
// Fails where a name of tools/words.txt is used in code or as a file's name.
//   node tools/lint/words.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '../..');
const ROOMS = ['native', 'lib', 'test', 'bench', 'tools', 'examples', 'binding.d.ts'];
const CODE = /\.(?:ts|mjs|js|py|sh|h|cpp|cu|cuh|inl)$/;
const EXCEPTED = ['lib/base/old-names.ts', 'lib/viewer/old-names.ts'];

/**
 * The lines of tools/words.txt.
 * @param {string} text
 * @returns {{ where: 'identifier' | 'native' | 'file', pattern: RegExp, instead: string }[]}
 */
export function readWords(text) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, where, pattern, instead] = /^(identifier|native|file)\s+(\S+)\s+(\S.*)$/.exec(line) ?? [];
      if (where === undefined) {
        throw new Error(
          `words.txt: expected identifier, native or file, a pattern and a name, got the line '${line}'.`,
        );
      }
      return { where, pattern: new RegExp(`^(?:${pattern})$`), instead };
    });
}

const blank = (text) => text.replace(/[^\n]/g, ' ');

/** Code alone: comments and strings become blanks; of a template the code in it stays. */
function withoutProse(text, hashComments) {
  const comments = hashComments ? '#.*' : '\\/\\/.*|\\/\\*[\\s\\S]*?\\*\\/';
  const strings = `"(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*'`;
  const code = text.replace(new RegExp(`${strings}|${comments}`, 'g'), blank);
  return hashComments
    ? code
    : code.replace(/`(?:\\.|[^`\\])*`/g, (template) =>
        template.replace(/\$\{([^}]*)\}|[^$\n]|\$(?!\{)/g, (_, inner) => (inner === undefined ? ' ' : inner)),
      );
}

/**
 * The replaced names in a file, as `file:line: name, use instead`.
 * @param {string} file
 * @param {string} text
 * @param {ReturnType<typeof readWords>} words
 * @returns {string[]}
 */
export function oldNames(file, text, words) {
  const stem = path.basename(file).replace(/(?:\.[a-z]+)+$/, '');
  const found = words
    .filter(({ where, pattern }) => where === 'file' && pattern.test(stem))
    .map(({ instead }) => `${file}: the file's name, use ${instead}`);
  if (!CODE.test(file)) return found;
  const places =
    file.startsWith('native/') || file.startsWith('test/native/') ? ['identifier', 'native'] : ['identifier'];
  const identifiers = words.filter(({ where }) => places.includes(where));
  withoutProse(text, /\.(?:py|sh)$/.test(file))
    .split('\n')
    .forEach((line, at) => {
      for (const [name] of line.matchAll(/[A-Za-z_]\w*/g)) {
        const word = identifiers.find(({ pattern }) => pattern.test(name));
        if (word) found.push(`${file}:${at + 1}: ${name}, use ${word.instead}`);
      }
    });
  return found;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const words = readWords(readFileSync(path.join(root, 'tools/words.txt'), 'utf8'));
  const listed = ['ls-files', '--cached', '--others', '--exclude-standard', ...ROOMS];
  const files = execFileSync('git', listed, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
  const found = files
    .filter((file) => !EXCEPTED.includes(file) && !file.includes('/fixtures/') && !file.startsWith('bench/results/'))
    .flatMap((file) => {
      try {
        return oldNames(file, readFileSync(path.join(root, file), 'utf8'), words);
      } catch (error) {
        // A file that was removed and not yet committed.
        if (error.code === 'ENOENT') return [];
        throw error;
      }
    });
  for (const line of found) console.error(line);
  console.log(
    found.length === 0
      ? `${files.length} files use none of the replaced names.`
      : `${found.length} uses of replaced names (tools/words.txt).`,
  );
  process.exitCode = found.length === 0 ? 0 : 1;
}
