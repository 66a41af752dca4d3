import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { processSpace } from '../../lib/base/system/node.js';
import { writeDataset } from '../../lib/datasets/dataset-file.js';
import { finetune } from '../../lib/training/finetune.js';
import type { TrainingOptions } from '../../lib/training/options.js';
import { readCheckpointState } from '../../lib/training/record/checkpoint.js';
import { readRunFile } from '../../lib/training/record/run-file.js';
import { runHere, startCli } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

const folder = temporaryFolder();
const dataset = tinyDataset();
const common = { dataset, model: tinyModel, batch: 32, learningRate: 2e-3, threads: 1, epochs: 2 };
const out = (name: string) => join(folder, name);
const run = (name: string, options: Partial<TrainingOptions> = {}) =>
  finetune({ ...common, ...options, out: out(name) });

describe('a training folder', () => {
  it('has one training at a time; the second is told who holds it, and changes nothing', async () => {
    let second: Promise<unknown> | undefined;
    const onProgress = () => {
      second ??= run('shared', { resume: true }).catch((error: unknown) => error);
    };
    const first = await run('shared', { onProgress });
    expect(await second).toMatchObject({
      code: 'ERR_LOCKED',
      message: expect.stringMatching(/training\.lock: held by process \d+ on .* since .*, last renewed \d+ s ago/),
    });
    expect(readdirSync(out('shared')).sort()).toEqual([
      'checkpoint.safetensors',
      'log.jsonl',
      'model.safetensors',
      'run.json',
    ]);
    expect(readCheckpointState(first.checkpointPath).state.epoch).toBe(2);
  });

  it('is refused on the command line too, and taken over at once from a killed process', async () => {
    const file = out('tiny.safetensors');
    await writeDataset(file, tinyDataset(400));
    const model = Object.entries(tinyModel).flatMap(([field, value]) => ['--set', `${field}=${value}`]);
    const args = ['finetune', file, '--out', out('cli'), ...model, '--threads', '1', '--resume', '--epochs'];
    const { child, done } = startCli([...args, '1000']);
    while (!existsSync(join(out('cli'), 'log.jsonl'))) await setTimeout(5);
    const refused = await runHere([...args, '1']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`held by process ${child.pid} on`);
    child.kill('SIGKILL');
    await done;
    expect(readdirSync(out('cli'))).toContain('training.lock');
    const resumed = await runHere([...args, '1']);
    expect(resumed.code, resumed.err).toBe(0);
    expect(readdirSync(out('cli'))).not.toContain('training.lock');
  });

  it('loses what killed runs left of locks and of the files under which locks are removed', async () => {
    const gone = 2 ** 22 - 3; // a process that has ended
    const token = `${processSpace()}-${gone}-0123456789ab`;
    const holder = { token, space: processSpace(), pid: gone, host: 'subject1', since: '2026-01-01T00:00:00.000Z' };
    mkdirSync(out('leftovers'));
    for (const name of ['', `.${token}.gone`, `.${token}.tmp`, `.${token}.gone.${token}.tmp`])
      writeFileSync(join(out('leftovers'), `training.lock${name}`), JSON.stringify(holder));
    await run('leftovers');
    expect(readdirSync(out('leftovers')).filter((name) => name.includes('lock'))).toEqual([]);
  });

  it('whose lock another took over is written no more', async () => {
    let other: Promise<unknown> | undefined;
    const onProgress = () => {
      if (other) return;
      const then = Date.now() / 1000 - 301; // as after a suspension
      utimesSync(join(out('lost'), 'training.lock'), then, then);
      other = run('lost', { resume: true });
    };
    await expect(run('lost', { onProgress })).rejects.toMatchObject({
      code: 'ERR_LOCKED',
      message: expect.stringContaining('nothing more is written here'),
    });
    await expect(other).resolves.toMatchObject({ epochs: 2 });
  });

  it('is not made by a call that fails, and is free after one', async () => {
    await expect(run('fails', { validation: ['X'] })).rejects.toThrow(/validation names X/);
    expect(existsSync(out('fails'))).toBe(false);
    await run('fails');
  });
});

describe('an exception in a callback', () => {
  it.each(['onProgress', 'onEpoch', 'onNotice'] as const)('%s is what the training throws', async (name) => {
    const error = new Error('of the callback');
    const thrower = () => {
      throw error;
    };
    const from = name === 'onNotice' ? { dataset: { ...dataset, sequences: dataset.sequences.slice(0, 4) } } : {};
    await expect(run(`throws-${name}`, { ...from, [name]: thrower })).rejects.toBe(error);
    expect(readdirSync(folder)).not.toContain('training.lock');
  });
});

describe('checkpointEvery', () => {
  it('counts steps: a checkpoint lies at each multiple', async () => {
    const seen = new Set<number>();
    const onProgress = () => seen.add(readCheckpointState(join(out('steps'), 'checkpoint.safetensors')).state.step);
    const { steps } = await run('steps', { checkpointEvery: 3, onProgress });
    for (let step = 3; step < steps; step += 3) expect([...seen]).toContain(step);
    expect(readRunFile(join(out('steps'), 'run.json')).checkpointEvery).toBe(3);
  });

  it('counts minutes with an m, and old names still work', async () => {
    const seen = new Set<number>();
    const onProgress = () => seen.add(readCheckpointState(join(out('minutes'), 'checkpoint.safetensors')).state.step);
    await run('minutes', { checkpointMinutes: 1e-9, onProgress });
    expect(seen.size).toBeGreaterThan(2);
    expect(readRunFile(join(out('minutes'), 'run.json')).checkpointEvery).toBe('1e-9m');
  });

  it.each([0, -1, 1.5, '10', '0m', 'm', '10 m', '1h', null, {}])('refuses %j', async (checkpointEvery) => {
    await expect(run('refused', { checkpointEvery: checkpointEvery as never })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining("checkpointEvery: expected steps (500) or minutes ('10m'), got"),
    });
  });

  it('is a flag', async () => {
    const { code, err } = await runHere(['finetune', 'x', '--out', 'y', '--checkpoint-every', '1h']);
    expect(code).toBe(2);
    expect(err).toContain('Expected steps, for example 500, or minutes, for example 10m.');
  });
});
