import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCommandLine } from '../../lib/cli/program.js';
import { readPoses } from '../../lib/export/poses/read-poses.js';
import { parsePosesCsv } from '../../lib/export/poses/read-poses-csv.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const walk = fileURLToPath(new URL('../../examples/walking.json', import.meta.url));
const input = join(folder, 'short.json');
writeFileSync(input, JSON.stringify(JSON.parse(readFileSync(walk, 'utf8')).slice(0, 30)));
const size = ['--size', '1920x1080', '--fps', '50', '--no-flip'];

/** Runs a command line with something on standard input. */
async function runWith(args: readonly string[], stdin: Uint8Array) {
  const result = { code: 0, out: '', err: '' };
  result.code = await runCommandLine(args, {
    out: (text) => {
      result.out += text;
    },
    err: (text) => {
      result.err += text;
    },
    stdin: async () => stdin,
    ...{ live: false, signal: new AbortController().signal, exitCode: 0 },
  });
  return result;
}

describe('standard input and output', () => {
  it.each(['json', 'csv'])('lift - reads, --out - writes %s and nothing else', async (format) => {
    const file = join(folder, `file.${format}`);
    expect((await runHere(['lift', input, ...size, '--out', file])).code).toBe(0);
    const args = ['lift', '-', ...size, '--out', '-', '--format', format];
    const { code, out, err } = await runWith(args, readFileSync(input));
    expect(code, err).toBe(0);
    expect(out).toBe(readFileSync(file, 'utf8'));
    expect(err).toContain('50 frames a second');
    if (format === 'csv') expect(parsePosesCsv(out, 'out').positions.length).toBe(30 * 51);
    else expect(readPoses(new TextEncoder().encode(out)).track.frames).toBe(30);
  });

  it('a file from standard input is called stdin', async () => {
    const { code, err, out } = await runWith(['lift', '-', ...size, '--out', folder], readFileSync(input));
    expect(code, err).toBe(0);
    expect(out).toContain(join(folder, 'stdin-3d.npz'));
  });

  it.each([
    ['two inputs', ['lift', '-', input], /expected standard input by itself, got 2 inputs/],
    [
      'a format that is no text',
      ['lift', '-', '--out', '-', '--format', 'npz'],
      /expected --format json or csv, got npz/,
    ],
    ['what was done and the poses', ['lift', '-', '--out', '-', '--json'], /leave one out/],
    ['nothing on it', ['lift', '-', ...size], /standard input: the file is empty/],
  ])('refuses %s', async (_, args, message) => {
    const { code, err } = await runWith(args, new Uint8Array(0));
    expect(code).toBeGreaterThan(0);
    expect(err).toMatch(message);
  });

  it('--quiet prints what failed and nothing else', async () => {
    const out = join(folder, 'quiet.npz');
    expect(await runHere(['lift', input, ...size, '--quiet', '--out', out])).toMatchObject({
      code: 0,
      out: '',
      err: '',
    });
    expect((await runHere(['lift', join(folder, 'none.json'), ...size, '--quiet'])).err).toContain('none.json');
  });
});

describe('completion', () => {
  const complete = (script: string, line: string) => {
    const words = line.split(' ');
    const list = words.map((word) => `'${word}'`).join(' ');
    const run = `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _pstmo; echo "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', run], { encoding: 'utf8', cwd: folder });
    expect(stderr).toBe('');
    return stdout.trim().split(' ');
  };

  it('knows commands, flags and their choices in bash', async () => {
    const { out } = await runHere(['completion', 'bash']);
    expect(complete(out, 'pstmo li')).toContain('lift');
    expect(complete(out, 'pstmo lift --merge')).toEqual(['--merge-ids']);
    expect(complete(out, 'pstmo lift x.json --format ')).toEqual(
      expect.arrayContaining(['npz', 'json', 'csv', 'bvh', 'trc', 'c3d', 'glb']),
    );
    expect(complete(out, 'pstmo prepare mocap --te')).toContain('--test');
  });

  it.each(['zsh', 'fish'])('has a script for %s', async (shell) => {
    const { out, code } = await runHere(['completion', shell]);
    expect(code).toBe(0);
    expect(out).toContain('merge-ids');
  });
});
