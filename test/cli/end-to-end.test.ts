import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HUMAN36M_ACTIONS } from '../../lib/metrics/pooling.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeFake3dhp, writeFakeHuman36m } from '../helpers/writers/fake-datasets.js';

const folder = temporaryFolder();
const tiny = ['frames=9', 'layers=1', 'width=32', 'hidden=64', 'heads=4'].flatMap((field) => ['--set', field]);
const machine = ['--threads', '1', '--device', 'cpu'];
const short = ['--epochs', '2', '--batch', '64', '--every', '6', ...machine];

/** Runs a command that must succeed and answers what it printed. */
async function run(...args: string[]): Promise<string> {
  const { code, out, err } = await runHere(args);
  expect(err).not.toContain('pstmo:');
  expect(code, err).toBe(0);
  return out;
}

describe('Human3.6M-shaped files', () => {
  it('go through prepare, pretrain, finetune, refining and evaluate to the 15-action table', async () => {
    const { positions3d, positions2d } = writeFakeHuman36m(join(folder, 'h36m'), { frames: 18 });
    const dataset = join(folder, 'h36m.safetensors');
    const files = ['--positions3d', positions3d, '--positions2d', positions2d];
    expect(await run('prepare', 'human36m', ...files, '--validation', 'S8', '--out', dataset)).toMatch(
      /human36m, \d+ sequences[\s\S]*train: 36 sequences[\s\S]*validation: 8 sequences[\s\S]*test: 64 sequences/,
    );

    const [one, two, three] = ['one', 'two', 'three'].map((name) => join(folder, name));
    const stage1 = await run('pretrain', dataset, '--out', one, ...tiny, ...short);
    expect(stage1).toMatch(/epoch 1 {2}loss [\s\S]*epoch 2 {2}loss [\s\S]*weights of epoch \d of 2, validation 0\.\d+/);
    const from1 = ['--from', join(one, 'model.safetensors')];
    const stage2 = await run('finetune', dataset, '--out', two, ...from1, ...short, '--lr', '2e-3');
    expect(stage2).toMatch(/validation \d+\.\d mm/);
    const from2 = ['--from', join(two, 'model.safetensors')];
    await run('finetune', dataset, '--out', three, ...from2, ...short, '--refine');

    const options = [...machine, '--noise', 'pixels:5', '--json', '--details'];
    const json = await run('evaluate', join(three, 'model.safetensors'), dataset, ...options);
    const report = JSON.parse(json);
    expect(report).toMatchObject({ refine: { root: 'truth' }, flip: true, dataset: { name: 'human36m' } });
    expect(report.conditions).toHaveLength(2);
    for (const { methods } of report.conditions) {
      const lines = methods.map(({ method }: { method: string }) => method);
      expect(lines).toEqual(['P-STMO', 'mean pose', 'linear regression']);
      for (const { actions, actionAverage, cameras, subjects } of methods) {
        expect(actions.map(({ name }: { name: string }) => name)).toEqual([...HUMAN36M_ACTIONS]);
        const mean = actions.reduce((sum: number, { mpjpeMm }: { mpjpeMm: number }) => sum + mpjpeMm / 15, 0);
        expect(actionAverage.mpjpeMm).toBeCloseTo(mean, 6);
        expect(cameras).toHaveLength(4);
        expect(subjects.map(({ name }: { name: string }) => name)).toEqual(['S9', 'S11']);
      }
    }
    const table = await run(
      'evaluate',
      join(two, 'model.safetensors'),
      dataset,
      '--no-flip',
      '--no-baselines',
      ...machine,
    );
    for (const action of HUMAN36M_ACTIONS) {
      expect(table).toMatch(new RegExp(`P-STMO +${action} +\\d+ +\\d+\\.\\d +\\d+\\.\\d`));
    }
    expect(table).toContain('no mirrored test');
  });
});

describe('MPI-INF-3DHP-shaped files', () => {
  it('go through prepare, both stages, refining and evaluate to the PCK and AUC tables', async () => {
    const { trainNpz, testNpz, rawTest } = await writeFake3dhp(join(folder, '3dhp'), { frames: 18 });
    const dataset = join(folder, '3dhp.safetensors');
    await run(
      'prepare',
      'mpi-inf-3dhp',
      '--train',
      trainNpz,
      '--test',
      testNpz,
      '--validation',
      'S8',
      '--out',
      dataset,
    );
    const [one, two, three] = ['3dhp-one', '3dhp-two', '3dhp-three'].map((name) => join(folder, name));
    await run('pretrain', dataset, '--out', one, ...tiny, ...short);
    const from = ['--from', join(one, 'model.safetensors')];
    await run('finetune', dataset, '--out', two, ...from, ...short, '--lr', '2e-3');
    const from2 = ['--from', join(two, 'model.safetensors')];
    await run('finetune', dataset, '--out', three, ...from2, ...short, '--lr', '2e-3', '--refine');
    const model = join(three, 'model.safetensors');
    const report = JSON.parse(await run('evaluate', model, dataset, '--json', '--details', ...machine));
    expect(report).toMatchObject({ refine: { root: 'truth' }, dataset: { name: 'mpi-inf-3dhp' } });
    const { mpiInf3dhp } = report.conditions[0].methods[0];
    expect(mpiInf3dhp.sequences.map(({ name }: { name: string }) => name)).toHaveLength(6);
    expect(mpiInf3dhp.average.groups.map(({ name }: { name: string }) => name)).toContain('Wrists');
    const weighted = (key: 'pck' | 'auc') =>
      mpiInf3dhp.sequences.reduce((sum: number, row: Record<string, number>) => sum + row.frames * row[key], 0) /
      mpiInf3dhp.sequences.reduce((sum: number, row: Record<string, number>) => sum + row.frames, 0);
    expect(mpiInf3dhp.average.pck).toBeCloseTo(weighted('pck'), 9);
    expect(mpiInf3dhp.average.auc).toBeCloseTo(weighted('auc'), 9);

    // The raw test files say the activities too.
    const raw = join(folder, '3dhp-raw.safetensors');
    await run('prepare', 'mpi-inf-3dhp', '--test', rawTest, '--out', raw);
    const table = await run('evaluate', model, raw, '--root', 'estimated', ...machine);
    expect(table).toContain("Refined with the root's depth estimated.");
    expect(table).toMatch(/PCK % +AUC % +MPJPE/);
    expect(table).toMatch(/On The Floor +\d+ +\d+\.\d/);
    expect(table).toMatch(/average by frames/);

    const bundled = await run('evaluate', 'pstmo-s-27', raw, ...machine);
    expect(bundled).toMatch(/\d+ frames, \d+ of them valid: these are scored/);
    expect(bundled).toMatch(/Joints are mapped, the 2D from 3dhp-17 to h36m-17/);
    expect(bundled).toContain(
      'No baselines: they are fitted on training poses, and mpi-inf-3dhp has no training split.',
    );
    expect(bundled).toMatch(/average by frames/);
  });
});
