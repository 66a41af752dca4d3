import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

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
