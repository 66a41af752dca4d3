import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeDataset } from '../../lib/datasets/dataset-file.js';
import { writePoses } from '../../lib/export/poses/write-poses.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import { liftedWalk } from '../helpers/lifted.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const library = join(folder, 'refuse-threads.so');
const has = (command: string) => spawnSync(command, ['--version']).status === 0;
const linux = process.platform === 'linux';
const compiler = linux && has('cc');
const limits = linux && has('prlimit');
if (!compiler) console.log('Threads that are refused are not tested: no Linux with a C compiler `cc`');
if (!limits) console.log('Limits on memory and files are not tested: no Linux with `prlimit`');

let model = '';
beforeAll(async () => {
  model = await writeSmallModel(join(folder, 'small.safetensors'));
  if (!compiler) return;
  const source = fileURLToPath(new URL('./refuse-threads.c', import.meta.url));
  const built = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl'], { encoding: 'utf8' });
  expect(built.stderr).toBe('');
});

interface Answer {
  name?: string;
  code?: string;
  message?: string;
  notices?: string[];
  device?: string;
}

function scarce(what: string, environment: Record<string, string> = {}): Answer {
  const script = fileURLToPath(new URL('./scarce.mjs', import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, model, what], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout) as Answer;
}

describe.skipIf(!compiler)('threads that the system refuses', () => {
  // In order: three beside the caller for the network, one for the queue, three for the compiled lifter.
  it.each([
    ['the last of the network', '3', 'CPU, .* 3 threads', 1],
    ['all of the network', '1', 'CPU, .* 1 thread', 3],
    ['one of the compiled lifter', '6', 'CPU, .* 4 threads', 2],
  ])('are done without, which a notice says: %s', (_, refused, device, missing) => {
    const answer = scarce('threads', { LD_PRELOAD: library, REFUSED_THREADS: refused });
    expect(answer.device).toMatch(new RegExp(`^${device}$`));
    expect(answer.notices).toEqual([expect.stringContaining(`threads: the system gave ${missing} fewer than asked`)]);
  });

  it('are ERR_MEMORY where nothing works without one', () => {
    const answer = scarce('threads', { LD_PRELOAD: library, REFUSED_THREADS: '4' });
    expect(answer).toMatchObject({
      name: 'PoseError',
      code: 'ERR_MEMORY',
      message: expect.stringContaining('ulimit -u'),
    });
  });

  it('are no notice where all are given', () => {
    const answer = scarce('threads', { LD_PRELOAD: library, REFUSED_THREADS: '0' });
    expect(answer).toMatchObject({ notices: [], device: expect.stringContaining('4 threads') });
  });
});

describe.skipIf(!limits)('few resources', () => {
  // Megabytes left: for nothing, for the normalised keypoints, and for those and their copy, but not for the poses too.
  it.each([40, 120, 230])('of memory are ERR_MEMORY: %d MB', (megabytes) => {
    expect(scarce(`memory=${megabytes}`)).toMatchObject({
      ...{ name: 'PoseError', code: 'ERR_MEMORY', message: expect.stringMatching(/memory/) },
    });
  });

  it.each([0, 1])('of file handles are an error that says so: %d left', (left) => {
    expect(scarce(`handles=${left}`)).toMatchObject({
      ...{
        name: 'PoseError',
        code: 'ERR_FILE',
        message: expect.stringMatching(/too many open files/i),
      },
    });
  });
});

describe.skipIf(!limits)('scarce memory', () => {
  const calls = fileURLToPath(new URL('./scarce-calls.mjs', import.meta.url));
  /** Megabytes that are left: for one large array, but not for the next; without a number for none. */
  const left: Record<string, number[]> = { readPoses: [40, 90], buildScene: [40, 90], readNpz: [40, 60] };
  /** Calls that take less than that. */
  const small = ['stream', 'openStreams', 'reconstruct', 'writePoses'];

  beforeAll(async () => {
    await writeSmallModel(join(folder, 'lifter.safetensors'), { frames: 27, width: 256, hidden: 512, outputUnit: 'm' });
    await writeSmallModel(join(folder, 'masked.safetensors'), { stage: 1, frames: 27, width: 256, hidden: 512 });
    await writeDataset(join(folder, 'data.safetensors'), tinyDataset(20_000));
    const keypoints = { data: new Float32Array(34 * 400_000).fill(100), shape: [400_000, 17, 2] };
    writeNpz(join(folder, 'clip.npz'), { keypoints });
    writePoses(join(folder, 'long-3d.npz'), liftedWalk('a', 300_000));
  }, 60_000);

  const { stdout } = spawnSync(process.execPath, [calls], { encoding: 'utf8' });
  const table = (JSON.parse(stdout) as string[]).flatMap((name) =>
    (left[name] ?? [40]).map((many) => [name, many] as const),
  );

  it.each(table)('is ERR_MEMORY in %s with %d MB left, and ends no process', (name, megabytes) => {
    const run = spawnSync(process.execPath, [calls, folder, name, String(megabytes)], { encoding: 'utf8' });
    expect({ status: run.status, signal: run.signal, stderr: run.stderr }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
    });
    const answer = JSON.parse(run.stdout) as Answer;
    if (small.includes(name)) expect(answer.code).toBe('done');
    else
      expect(answer).toMatchObject({
        name: 'PoseError',
        code: 'ERR_MEMORY',
        message: expect.stringMatching(/memory|ulimit/),
      });
  });

  it('is ERR_MEMORY of a command, in a sentence', () => {
    const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const command = ['prlimit', '--as=1200000000', process.execPath, main, 'inspect', join(folder, 'long-3d.npz')];
    const { status, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^The machine's memory did not suffice.*\n$/),
    });
  });
});
