import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readDataset, writeDataset } from '../../lib/datasets/dataset-file.js';
import { evaluate } from '../../lib/evaluation/evaluate.js';
import { finetune } from '../../lib/training/finetune.js';
import { writeSmallModel } from '../helpers/small-models.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyDataset, tinyModel, walkingSequence } from '../training/tiny-dataset.js';

const folder = temporaryFolder();
const model = join(folder, 'small.safetensors');
const file = join(folder, 'data.safetensors');
/** Many sequences to learn from, a short one to test on: what is worked on in JavaScript. */
const dataset = tinyDataset(200);
const noise = { kind: 'detector', scale: 1 } as const;
const common = { threads: 1, device: 'cpu' } as const;

beforeAll(async () => {
  await writeSmallModel(model, { outputUnit: 'm' });
  dataset.sequences.push(
    ...Array.from({ length: 40 }, (_, take) => ({
      ...walkingSequence('A', 'train', take, 1000),
      action: `walk ${take}`,
      name: `A/walk ${take}/front`,
    })),
  );
  await writeDataset(file, dataset);
});

const calls: [name: string, run: (signal?: AbortSignal) => Promise<unknown>][] = [
  ['evaluate', (signal) => evaluate({ ...common, model, dataset, noise, signal })],
  [
    'finetune',
    (signal) => {
      const out = mkdtempSync(join(folder, 'run-'));
      const few = { epochs: 1, batch: 32, samplesPerEpoch: 32, select: 'last' } as const;
      return finetune({ ...common, ...few, dataset, out, model: { ...tinyModel, noise }, signal });
    },
  ],
];

/** Milliseconds that a call took, and the longest of them in which nothing else ran. */
async function watched(run: () => Promise<unknown>): Promise<{ whole: number; longest: number }> {
  const start = performance.now();
  let last = start;
  let longest = 0;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 5);
  await run();
  clearInterval(timer);
  look();
  return { whole: performance.now() - start, longest };
}

describe.each(calls)('%s of long data', (_, run) => {
  it('lets the program have its turn all along, and is stopped by its signal meanwhile', async () => {
    const { whole, longest } = await watched(() => run());
    expect(longest).toBeLessThan(0.3 * whole);
    const controller = new AbortController();
    let aborted = 0;
    setTimeout(() => {
      aborted = performance.now();
      controller.abort();
    }, 0.25 * whole);
    await expect(run(controller.signal)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(performance.now() - aborted).toBeLessThan(0.3 * whole);
  });
});

it('readDataset is stopped by its signal, before and while it reads', async () => {
  await expect(readDataset(file, {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
  expect(await readDataset(file, { splits: ['test'] }, { signal: new AbortController().signal })).toMatchObject({
    sequences: dataset.sequences.filter(({ split }) => split === 'test').map(({ name }) => ({ name })),
  });
});
