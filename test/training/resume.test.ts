import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../lib/base/random.js';
import { writeDataset } from '../../lib/datasets/dataset-file.js';
import { startCli } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from './tiny-dataset.js';

const folder = temporaryFolder();
const dataset = join(folder, 'tiny.safetensors');
const settings = [
  ...Object.entries(tinyModel).flatMap(([field, value]) => ['--set', `${field}=${value}`]),
  ...['--noise', 'detector', '--batch', '32', '--lr', '2e-3', '--threads', '1'],
];

function command(stage: 'pretrain' | 'finetune', out: string): string[] {
  return [stage, dataset, '--out', out, '--epochs', '4', ...settings];
}

function digest(out: string): string[] {
  return ['model.safetensors', 'checkpoint.safetensors'].map((name) =>
    createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex'),
  );
}

/** The log without what depends on the clock. */
function timelessLog(out: string): string[] {
  return readFileSync(join(out, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.stringify({ ...JSON.parse(line), time: 0, seconds: 0, samplesPerSecond: 0 }));
}

/** How long a training may run: the first time until it has trained a little, twice at random, then for good. */
async function patience(out: string, kills: number, milliseconds: number): Promise<undefined> {
  const log = join(out, 'log.jsonl');
  while (kills === 0 && !(existsSync(log) && statSync(log).size > 0)) {
    await setTimeout(5);
  }
  if (kills > 2) {
    await new Promise(() => undefined);
  }
  await setTimeout(kills === 0 ? 0 : milliseconds);
}

beforeAll(() => writeDataset(dataset, tinyDataset(60)));

describe.each(['pretrain', 'finetune'] as const)('%s, killed again and again', (stage) => {
  it('ends with the files of the unbroken training, bit for bit', async () => {
    const whole = join(folder, `${stage}-whole`);
    const start = performance.now();
    const unbroken = await startCli(command(stage, whole)).done;
    const length = performance.now() - start;
    expect(unbroken).toMatchObject({ code: 0 });

    const broken = join(folder, `${stage}-broken`);
    const random = createRandom('kills', stage);
    let kills = 0;
    for (let finished = false; !finished; ) {
      const { child, done } = startCli([...command(stage, broken), '--resume']);
      const ended = await Promise.race([done, patience(broken, kills, random.uniform(0.2, 0.9) * length)]);
      if (ended) {
        expect(ended).toMatchObject({ code: 0 });
        finished = true;
      } else {
        child.kill('SIGKILL');
        kills += (await done).signal === 'SIGKILL' ? 1 : 0;
      }
    }
    expect(kills).toBeGreaterThan(0);
    expect(digest(broken)).toEqual(digest(whole));
    expect(timelessLog(broken)).toEqual(timelessLog(whole));
    expect(readdirSync(broken).sort()).toEqual(readdirSync(whole).sort());
  });
});

describe('finetune, stopped by a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: ends with a checkpoint and exit code %i, and goes on to the same weights', async (name, exit) => {
    const whole = join(folder, 'finetune-whole');
    const stopped = join(folder, `finetune-${name}`);
    const { child, done } = startCli(command('finetune', stopped));
    await patience(stopped, 0, 0);
    child.kill(name);
    const { code, signal, err } = await done;
    expect({ code, signal }).toEqual({ code: exit, signal: null });
    expect(err).toMatch(/Stopped by the signal after \d+ steps; resume goes on from/);
    expect(readdirSync(stopped).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl', 'run.json']);
    expect(await startCli([...command('finetune', stopped), '--resume']).done).toMatchObject({ code: 0 });
    expect(digest(stopped)).toEqual(digest(whole));
    expect(timelessLog(stopped)).toEqual(timelessLog(whole));
  });
});
