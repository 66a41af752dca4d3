import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeDataset } from '../../lib/datasets/dataset-file.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import { startCli } from '../helpers/cli.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeFake3dhp, writeFakeHuman36m } from '../helpers/writers/fake-datasets.js';
import { bvhText } from '../helpers/writers/mocap-files.js';
import { tinyDataset, tinyModel } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const folderOf = (name: string) => mkdtempSync(join(folder, `${name}-`));
const dataset = join(folder, 'tiny.safetensors');
const large = join(folder, 'large.safetensors');
const clips = join(folder, 'clips');
const slowDisk = new URL('./slow-disk.mjs', import.meta.url).href;
/** Lifting these takes a minute and more on one thread. */
const LONG_FRAMES = 40_000;

beforeAll(async () => {
  await writeDataset(dataset, tinyDataset(4000));
  await writeSmallModel(large, { frames: 243, layers: 4, width: 256, hidden: 512, outputUnit: 'm' });
  mkdirSync(clips);
  const walk = fileURLToPath(new URL('../../examples/walking.json', import.meta.url));
  const frames = JSON.parse(readFileSync(walk, 'utf8'));
  writeFileSync(join(clips, 'a-short.json'), JSON.stringify(frames.slice(0, 10)));
  const row: number[] = frames[0].keypoints.filter((_: number, at: number) => at % 3 !== 2);
  const data = Float32Array.from({ length: LONG_FRAMES * 34 }, (_, at) => row[at % 34] + Math.sin(at / 340));
  writeNpz(join(clips, 'b-long.npz'), { keypoints: { data, shape: [LONG_FRAMES, 17, 2] } });
});

/** Milliseconds of a command that does nothing: 250 on a free machine, more where other work shares it, and then limits grow with it. */
async function startTime(): Promise<number> {
  const start = performance.now();
  await startCli(['--version']).done;
  return performance.now() - start;
}

/** The command line as Node takes it. */
const mainOf = (args: string[]) => [fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url)), ...args];

const said = (child: ChildProcess, stream: 'stdout' | 'stderr') => once(child[stream]!, 'data');

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (name, exit) => {
  it('stops lift within 5 s, which keeps finished clips and leaves no temporary file', async () => {
    const out = folderOf('lift');
    const flags = ['--size', '1920x1080', '--fps', '50', '--layout', 'coco-17', '--model', large, '--threads', '1'];
    const { child, done } = startCli(['lift', clips, ...flags, '--out', out]);
    while (!existsSync(join(out, 'pstmo-lift.json'))) await setTimeout(5);
    // While the second clip is read, the signal's own default ends the process.
    await setTimeout(Math.max(500, 4 * (await startTime())));
    const start = performance.now();
    child.kill(name);
    const { code, signal, err } = await done;
    expect({ code, signal }, err).toEqual({ code: exit, signal: null });
    const took = performance.now() - start;
    expect(took).toBeLessThan(Math.max(5000, 20 * (await startTime())));
    expect(err).toContain('Stopped with 1 of 2 done; the same command goes on from there.');
    expect(readdirSync(out).sort()).toEqual(['a-short-3d.npz', 'pstmo-lift.json']);
  });

  it('stops evaluate', async () => {
    const { child, done } = startCli(['evaluate', large, dataset, '--threads', '1', '--device', 'cpu']);
    await setTimeout(1500);
    child.kill(name);
    expect(await done).toMatchObject({ code: exit, err: expect.stringContaining('stopped by its signal') });
  });

  it('stops prepare, which writes nothing', async () => {
    const out = folderOf('prepare');
    const motions = folderOf('motions');
    for (let i = 0; i < 300; i++) {
      mkdirSync(join(motions, `subject${i}`));
      writeFileSync(join(motions, `subject${i}`, 'walk.bvh'), bvhText(400));
    }
    const { child, done } = startCli(['prepare', 'mocap', motions, '--out', join(out, 'data.safetensors')]);
    await said(child, 'stderr');
    child.kill(name);
    expect(await done).toMatchObject({ code: exit, err: expect.stringContaining('stopped by its signal') });
    expect(readdirSync(out)).toEqual([]);
  });

  // The signal's own default ends what it finds before a command listens.
  it.each([
    ['profile', () => ['profile', '--frames', '243', '--seconds', '60']],
    ['plot', (out: string) => ['plot', 'occlusion', large, dataset, '--out', join(out, 'a.svg')]],
  ])('ends %s', async (_, args) => {
    const out = folderOf('ended');
    const { child, done } = startCli(args(out));
    await setTimeout(150);
    child.kill(name);
    const { code, signal, err } = await done;
    expect(signal === name || code === exit, err).toBe(true);
    expect(readdirSync(out)).toEqual([]);
  });

  it('stops pretrain with a checkpoint', async () => {
    const out = folderOf('pretrain');
    const model = Object.entries(tinyModel).flatMap(([field, value]) => ['--set', `${field}=${value}`]);
    const { child, done } = startCli(['pretrain', dataset, '--out', out, ...model, '--threads', '1']);
    while (!existsSync(join(out, 'log.jsonl'))) await setTimeout(5);
    await setTimeout(200);
    child.kill(name);
    expect(await done).toMatchObject({ code: exit, err: expect.stringMatching(/after \d+ steps; resume goes on/) });
    expect(readdirSync(out).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl', 'run.json']);
  });

  it('stops the server of view, though a connection is open', async () => {
    const out = folderOf('view');
    writeNpz(join(out, 'a-3d.npz'), { poses: { data: new Float32Array(51 * 5).fill(0.1), shape: [5, 17, 3] } });
    const { child, done } = startCli(['view', join(out, 'a-3d.npz'), '--no-open', '--fps', '50']);
    const [url] = await said(child, 'stdout');
    const { body } = await fetch(String(url).trim());
    child.kill(name);
    expect(await done).toMatchObject({ code: exit });
    await body?.cancel().catch(() => undefined);
  });

  it('stops waiting for standard input', async () => {
    const child = spawn(process.execPath, mainOf(['lift', '-', '--out', '-']), { stdio: ['pipe', 'ignore', 'pipe'] });
    await setTimeout(1500);
    child.kill(name);
    const [code] = await once(child, 'close');
    expect(code).toBe(exit);
  });

  it('given twice, ends at once', async () => {
    const out = folderOf('twice');
    const slow = ['--set', 'frames=243', '--set', 'width=256', '--set', 'hidden=512', '--batch', '160'];
    const { child, done } = startCli(['finetune', dataset, '--out', out, ...slow, '--threads', '1']);
    while (!existsSync(join(out, 'log.jsonl'))) await setTimeout(5);
    await setTimeout(100);
    child.kill(name);
    await said(child, 'stderr');
    const start = performance.now();
    child.kill(name);
    expect(await done).toMatchObject({ code: exit });
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

/** What a command prints on standard error once it reads from the slow disk. */
const READING = 'reading';

describe('a signal while files are read from a slow disk', () => {
  const inputs = join(folder, 'slow');
  const at = (name: string) => join(inputs, name);
  const human36m = { positions3d: '', positions2d: '' };
  let mpiInf3dhp = '';

  beforeAll(async () => {
    mkdirSync(inputs);
    // Each takes the slow disk five seconds and more.
    await writeDataset(at('data.safetensors'), tinyDataset(8000));
    await writeSmallModel(at('wide.safetensors'), { frames: 27, layers: 2, width: 512, hidden: 1024 });
    const keypoints = { data: new Float32Array(34 * 160_000).fill(100), shape: [160_000, 17, 2] };
    writeNpz(at('clip.npz'), { keypoints });
    writeNpz(at('clip-3d.npz'), { poses: { data: new Float32Array(51 * 110_000).fill(0.1), shape: [110_000, 17, 3] } });
    Object.assign(human36m, writeFakeHuman36m(at('human36m'), { frames: 1500 }));
    mpiInf3dhp = (await writeFake3dhp(at('mpi-inf-3dhp'), { frames: 1500 })).trainNpz;
  }, 60_000);

  const seen = ['--size', '640x480', '--fps', '50', '--layout', 'coco-17'];
  const commands: Record<string, (out: string) => string[]> = {
    evaluate: () => ['evaluate', large, at('data.safetensors')],
    'plot occlusion': (out) => ['plot', 'occlusion', large, at('data.safetensors'), '--out', join(out, 'a.svg')],
    pretrain: (out) => ['pretrain', at('data.safetensors'), '--out', join(out, 'run')],
    finetune: (out) => ['finetune', at('data.safetensors'), '--out', join(out, 'run')],
    'finetune --from': (out) => ['finetune', dataset, '--from', at('wide.safetensors'), '--out', join(out, 'run')],
    lift: (out) => ['lift', at('clip.npz'), ...seen, '--out', join(out, 'a.npz')],
    convert: (out) => ['convert', at('wide.safetensors'), join(out, 'a.safetensors')],
    view: (out) => ['view', at('clip-3d.npz'), '--fps', '50', '--no-open', '--out', join(out, 'a.html')],
    inspect: () => ['inspect', at('clip.npz')],
    'prepare human36m': (out) => {
      const { positions3d, positions2d } = human36m;
      const flags = ['--positions3d', positions3d, '--positions2d', positions2d, '--layout', 'h36m-17'];
      return ['prepare', 'human36m', ...flags, '--out', join(out, 'a.safetensors')];
    },
    'prepare mpi-inf-3dhp': (out) => [
      ...['prepare', 'mpi-inf-3dhp', '--train', mpiInf3dhp, '--out', join(out, 'a.safetensors')],
    ],
  };

  it.each(Object.keys(commands))('ends %s within 2 s, which leaves nothing behind', async (command) => {
    const out = folderOf('slow');
    // Both signals in turn.
    const [name, exit] =
      Object.keys(commands).indexOf(command) % 2 ? (['SIGTERM', 143] as const) : (['SIGINT', 130] as const);
    const { child, done } = startCli(commands[command](out), { node: ['--import', `${slowDisk}?read=4`] });
    let said = '';
    child.stderr!.on('data', (text) => {
      said += text;
    });
    while (!said.includes(READING)) {
      await setTimeout(5);
      if (child.exitCode !== null) throw new Error(`${command} has ended before it was stopped: ${said}`);
    }
    await setTimeout(300);
    const start = performance.now();
    child.kill(name);
    const { code, signal, err } = await done;
    const took = performance.now() - start;
    expect(signal === name || code === exit, `${signal} ${code} ${err}`).toBe(true);
    expect(took).toBeLessThan(Math.max(2000, 8 * (await startTime())));
    expect(readdirSync(out)).toEqual([]);
  });
});

const contained = process.platform === 'linux' && spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0;
if (!contained)
  console.log('The first process of a container is not tested: `unshare --pid --fork` does not work here');

it.skipIf(!contained)('the first process of a container hears SIGTERM, which comes while it reads', async () => {
  const out = folderOf('first');
  const args = [
    'lift',
    join(clips, 'b-long.npz'),
    '--size',
    '1920x1080',
    '--fps',
    '50',
    '--layout',
    'coco-17',
    '--model',
    large,
  ];
  const command = [process.execPath, '--import', `${slowDisk}?read=4`, ...mainOf([...args, '--out', out])];
  const outer = spawn('unshare', ['--pid', '--fork', '--kill-child', ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  outer.stderr.on('data', (text) => {
    said += text;
  });
  while (!said.includes(READING)) await setTimeout(5);
  const inner = Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8'));
  process.kill(inner, 'SIGTERM');
  const [code] = await once(outer, 'close');
  expect(code, said).toBe(143);
  expect(readdirSync(out)).toEqual([]);
});

describe('SIGTERM to a command that writes one file', () => {
  const wide = join(folder, 'wide.safetensors');
  const long = join(folder, 'long-3d.npz');
  const human36m = { positions3d: '', positions2d: '' };
  let mpiInf3dhp = '';

  beforeAll(async () => {
    await writeSmallModel(wide, { frames: 27, layers: 2, width: 512, hidden: 1024, outputUnit: 'm' });
    const poses = Float32Array.from({ length: LONG_FRAMES * 51 }, (_, at) => Math.sin(at) / 2);
    writeNpz(long, { poses: { data: poses, shape: [LONG_FRAMES, 17, 3] } });
    Object.assign(human36m, writeFakeHuman36m(join(folder, 'human36m'), { frames: 400 }));
    mpiInf3dhp = (await writeFake3dhp(join(folder, 'mpi-inf-3dhp'), { frames: 400 })).trainNpz;
  }, 60_000);

  const commands: Record<string, () => [name: string, args: string[]]> = {
    'prepare human36m': () => {
      const { positions3d, positions2d } = human36m;
      const flags = ['--positions3d', positions3d, '--positions2d', positions2d, '--layout', 'h36m-17'];
      return ['data.safetensors', ['prepare', 'human36m', ...flags, '--out']];
    },
    'prepare mpi-inf-3dhp': () => ['data.safetensors', ['prepare', 'mpi-inf-3dhp', '--train', mpiInf3dhp, '--out']],
    'view --out': () => ['page.html', ['view', long, '--fps', '50', '--no-open', '--out']],
    'convert to safetensors': () => ['out.safetensors', ['convert', wide]],
    'convert to npz': () => ['out.npz', ['convert', wide]],
  };

  it.each(Object.entries(commands))('%s leaves no half file and no temporary one', async (_, command) => {
    const [name, args] = command();
    const whole = folderOf('whole');
    const start = performance.now();
    const undisturbed = await startCli([...args, join(whole, name)]).done;
    const length = performance.now() - start;
    expect(undisturbed.code, undisturbed.err).toBe(0);
    // Somewhere before the end, and in the middle of the file, which a slow disk takes long to write.
    const waits: [node: string[], wait: (out: string) => Promise<unknown>][] = [
      [[], () => setTimeout(0.6 * length)],
      [
        ['--import', `${slowDisk}?written=16`],
        async (out) => {
          while (readdirSync(out).length === 0) await setTimeout(5);
          await setTimeout(50);
        },
      ],
    ];
    for (const [node, wait] of waits) {
      const out = folderOf('cut');
      const { child, done } = startCli([...args, join(out, name)], { node });
      await wait(out);
      child.kill('SIGTERM');
      const { code, signal, err } = await done;
      const left = readdirSync(out);
      // A signal that comes while the file is written waits for it.
      if (left.length > 0) {
        expect({ code, signal, left }, err).toEqual({ code: 0, signal: null, left: [name] });
        expect(readFileSync(join(out, name)).equals(readFileSync(join(whole, name)))).toBe(true);
      } else {
        expect(signal === 'SIGTERM' || code === 143, `${signal} ${code} ${err}`).toBe(true);
      }
    }
  });
});
