import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const clips = join(folder, 'clips');
const model = join(folder, 'small.safetensors');
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const flags = `--size 1000x1000 --fps 50 --layout coco-17 --device cpu --threads 1 --model ${model}`;

beforeAll(async () => {
  await writeSmallModel(model, { outputUnit: 'm' });
  mkdirSync(clips);
  const data = Float32Array.from({ length: 680 }, (_, at) => 500 + 200 * Math.sin(at));
  for (const name of names) writeNpz(join(clips, `${name}.npz`), { keypoints: { data, shape: [20, 17, 2] } });
});

/** Runs a line of bash in which `$pstmo` is the command line; what it printed, and the exit code of its first command. */
function bash(line: string) {
  const script = `pstmo="${process.execPath} ${main}"; ${line}; exit "\${PIPESTATUS[0]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('a reader that closes its pipe', () => {
  it.each([
    ['standard output', '| head -1'],
    ['standard error', '2>&1 >/dev/null | head -1'],
    ['both', '2>&1 | true'],
  ])('stops no work: %s', (name, pipe) => {
    const out = join(folder, `closed-${name.replace(' ', '-')}`);
    expect(bash(`$pstmo lift ${clips} ${flags} --out ${out} ${pipe}`).status).toBe(0);
    expect(readdirSync(out)).toEqual([...names.map((one) => `${one}-3d.npz`), 'pstmo-lift.json']);
  });
});

describe.runIf(existsSync('/dev/full'))('a full disk behind a standard stream (Linux: /dev/full)', () => {
  it('of results is said, and no success', () => {
    const { status, stderr } = bash('$pstmo models > /dev/full');
    expect(stderr).toMatch(/^pstmo: standard output: cannot be written: ENOSPC/);
    expect(status).toBe(1);
  });

  it('of notices stops nothing', () => {
    expect(bash(`$pstmo lift ${join(clips, 'a.npz')} ${flags} --out noticed.npz 2>/dev/full`).status).toBe(0);
    expect(readFileSync(join(folder, 'noticed.npz')).length).toBeGreaterThan(1000);
  });
});

describe.skipIf(process.platform === 'win32')('a named pipe in place of a file (not on Windows)', () => {
  beforeAll(() => {
    expect(spawnSync('mkfifo', [join(folder, 'pipe.json'), join(folder, 'pipe.npz')]).status).toBe(0);
  });

  it.each([
    ['an input', 'lift pipe.json'],
    ['a model', `lift ${join(clips, 'a.npz')} --model pipe.json`],
    ['a data set', 'evaluate pstmo-s-27 pipe.json'],
    ['what is inspected', 'inspect pipe.json'],
  ])('is refused and waited for by nobody: %s', (_, command) => {
    const { status, stderr } = bash(`timeout 30 $pstmo ${command}`);
    expect(stderr).toMatch(/pipe\.json: expected a file( or a folder)?, got a pipe/);
    expect(status).toBe(1);
  });

  it('is not replaced by an output', () => {
    const { status, stderr } = bash(`$pstmo lift ${join(clips, 'a.npz')} ${flags} --out pipe.npz`);
    expect(stderr).toMatch(/pipe\.npz: cannot be written: expected a file, got a pipe/);
    expect(status).toBe(1);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('whose writer never comes is left at once by %s', async (signal) => {
    const layout = ['--layout', join(folder, 'pipe.json')];
    const args = ['lift', join(clips, 'a.npz'), ...flags.replace('--layout coco-17', '').split(/ +/), ...layout];
    const child = spawn(process.execPath, [main, ...args, '--out', join(folder, 'never.npz')], { stdio: 'ignore' });
    await setTimeout(1500);
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([null, signal]);
  });
});
