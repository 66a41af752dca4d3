import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const objects = fileURLToPath(new URL('../../build/CMakeFiles/pstmo.dir', import.meta.url));
const files = existsSync(objects)
  ? readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter((path) => /^isa-.*\.o$/.test(basename(path)))
  : [];

/**
 * The linker keeps one copy of a weak symbol (an inline function, a template). One compiled for AVX-512 could so be kept
 * for everybody, and stop a machine without it: an instruction set's object may define such symbols in its own namespace
 * alone. Its own are named after the file: pstmo::cpu::avx2 and pstmo::inference::avx2 in isa-avx2.cpp.
 */
describe('objects of one instruction set', () => {
  it('define no weak symbol that another object could take', (context) => {
    if (files.length === 0) context.skip('no objects under build/: run `npm run compile`');
    const shared = files.flatMap((file) => {
      const name = basename(file).replace(/^isa-/, '').replace(/\..*$/, '');
      const lines = execFileSync('nm', ['-C', '--defined-only', join(objects, file)], { encoding: 'utf8' }).split('\n');
      return lines
        .map((line) => /^\S+ ([A-Za-z]) (.*)$/.exec(line))
        .filter(
          (match) =>
            match !== null && /[WVu]/.test(match[1]) && !new RegExp(`pstmo::(cpu|inference)::${name}::`).test(match[2]),
        )
        .map((match) => `${file}: ${match?.[2]}`);
    });
    expect(shared).toEqual([]);
  });
});
