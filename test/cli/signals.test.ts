import { type ChildProcess, spawn } from 'node:child_process';
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
    const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const child = spawn(process.execPath, [main, 'lift', '-', '--out', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
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
    // Somewhere before the end, and as soon as the folder holds something.
    const waits = [
      () => setTimeout(0.6 * length),
      // Without a turn between: the file is written within milliseconds.
      (out: string) => {
        const end = performance.now() + 2 * length + 2000;
        while (readdirSync(out).length === 0 && performance.now() < end);
      },
    ];
    for (const wait of waits) {
      const out = folderOf('cut');
      const { child, done } = startCli([...args, join(out, name)]);
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
