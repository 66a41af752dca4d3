import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeDataset } from '../../lib/datasets/dataset-file.js';
import { finetune } from '../../lib/training/finetune.js';
import { pretrain } from '../../lib/training/pretrain.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const dataset = join(folder, 'tiny.safetensors');
const [stage1, stage2] = ['stage1', 'stage2'].map((name) => join(folder, name, 'model.safetensors'));
const clip = fileURLToPath(new URL('../../examples/walking.json', import.meta.url));
const shot = ['--size', '1920x1080', '--fps', '50'];

beforeAll(async () => {
  const training = { batch: 16, epochs: 2, threads: 1, device: 'cpu', logEvery: 1 } as const;
  writeDataset(dataset, tinyDataset());
  await pretrain({ ...training, dataset, model: tinyModel, out: join(folder, 'stage1') });
  await finetune({ ...training, dataset, model: tinyModel, out: join(folder, 'stage2') });
});

/** The picture that a command line draws. */
async function plot(...args: string[]): Promise<string> {
  const out = join(folder, 'new', `${args[0]}.svg`);
  const { code, err } = await runHere(['plot', ...args, '--out', out]);
  expect(code, err).toBe(0);
  return readFileSync(out, 'utf8');
}

describe('pstmo plot', () => {
  it('strip shows a lifted clip, and another result under it', async () => {
    const result = join(folder, 'walking.npz');
    expect((await runHere(['lift', clip, ...shot, '--model', stage2, '--out', result])).code).toBe(0);
    const svg = await plot('strip', result, '--beside', result, '--columns', '4', '--azimuth', '-30');
    expect(svg.match(/<ellipse /g)).toHaveLength(8);
    expect(svg).toContain('seen from -30 degrees');
  });

  it('attention shows every layer and head of either stage', async () => {
    const drawn = async (...args: string[]) => (await plot('attention', ...args)).match(/head \d: \d+ tokens/g);
    expect(await drawn(stage2, clip, ...shot)).toEqual(['1', '2', '3', '4'].map((head) => `head ${head}: 9 tokens`));
    expect(await drawn(stage2, clip, ...shot, '--module', 'mofa', '--layer', '0', '--frame', '0')).toHaveLength(4);
    expect(await drawn(stage1, clip, ...shot, '--module', 'decoder', '--seed', '3')).toContain('head 1: 9 tokens');
    const { code, err } = await runHere(['plot', 'attention', stage2, clip, ...shot, '--frame', '300']);
    expect(code).toBe(2);
    expect(err).toContain('expected 0 to 299');
  });

  it('errors shows what evaluate printed', async () => {
    const report = join(folder, 'report.json');
    writeFileSync(report, (await runHere(['evaluate', stage2, dataset, '--json'])).out);
    const svg = await plot('errors', report);
    for (const text of ['MPJPE by action', '>Walking<', '>linear regression<', '>left ankle<'])
      expect(svg).toContain(text);
    const { code, err } = await runHere(['plot', 'errors', clip]);
    expect([code, err]).toEqual([1, expect.stringContaining('expected the report that `pstmo evaluate --json`')]);
  });

  it('occlusion hides what is asked, always the same, and the more the worse', async () => {
    const command = ['plot', 'occlusion', 'pstmo-s-27', dataset, '--out', join(folder, 'o.svg'), '--json'];
    const run = async () => JSON.parse((await runHere([...command, '--shares', '0,0.3,0.9'])).out);
    const report = await run();
    expect(await run()).toEqual(report);
    const [clean, some, most] = report.points as { mpjpeMm: number }[];
    const evaluated = JSON.parse(
      (await runHere(['evaluate', 'pstmo-s-27', dataset, '--json', '--no-baselines', '--noise', 'none'])).out,
    );
    expect(clean.mpjpeMm).toBeCloseTo(evaluated.conditions[0].methods[0].overall.mpjpeMm, 3);
    expect(some.mpjpeMm).not.toBe(clean.mpjpeMm);
    expect(most.mpjpeMm).toBeGreaterThan(clean.mpjpeMm);
    expect((await runHere([...command, '--shares', '1'])).err).toContain('expected shares from 0 to below 1');
  });

  it('training shows both stages, and a log that is being written', async () => {
    const logs = [stage1, stage2].map((model) => model.replace('model.safetensors', 'log.jsonl'));
    writeFileSync(logs[1], `${readFileSync(logs[1], 'utf8')}{"kind":"st`);
    const svg = await plot('training', ...logs);
    expect(svg).toContain('Stage I: training loss');
    expect(svg).toContain('Stage II: validation');
    expect((await runHere(['plot', 'training', clip])).err).toContain('a training log');
  });
});
