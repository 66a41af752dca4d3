import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { interleave } from '../../bench/measure/rounds.mjs';
import { Runner } from '../../bench/sides/runner.mjs';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const bench = fileURLToPath(new URL('../../bench/', import.meta.url));

/** A side that takes 20 ms a step, or fails to open. */
const script = join(temporaryFolder(), 'side.mjs');
writeFileSync(
  script,
  `import { setTimeout } from 'node:timers/promises';
import { answerTurns } from ${JSON.stringify(new URL('../../bench/sides/node/answer.mjs', import.meta.url).href)};
await answerTurns(async ({ milliseconds }) => {
  if (!milliseconds) throw new Error('no such peer');
  return { turn: (steps) => setTimeout(steps * milliseconds), about: { name: 'side' } };
});
`,
);

describe('runners', () => {
  const open = () => new Runner('node', relative(bench, script), { threads: 1 });

  it('take turns, and tell how many items a second each gives', async () => {
    const runner = open();
    const cells = [];
    for (const [milliseconds, itemsAStep] of [
      [10, 1],
      [20, 8],
    ]) {
      cells.push({
        runner,
        itemsAStep,
        about: await runner.ask({ task: 'sleep', milliseconds }),
        rates: [] as number[],
      });
    }
    let rounds = 0;
    await interleave(cells, { rounds: 2, seconds: 0.04, beforeRound: async () => void rounds++ });
    await runner.close();
    expect(rounds).toBe(2);
    expect(cells.map(({ about }) => about)).toEqual([
      { name: 'side', case: 0 },
      { name: 'side', case: 1 },
    ]);
    for (const rate of cells[1].rates) {
      expect(rate).toBeLessThanOrEqual(430);
    }
    expect(cells.map(({ rates }) => rates.length)).toEqual([2, 2]);
  });

  it('give the reason of what fails, and go on', async () => {
    const runner = open();
    await expect(runner.ask({ task: 'sleep' })).rejects.toThrow('no such peer');
    expect(await runner.ask({ task: 'sleep', milliseconds: 1 })).toMatchObject({ name: 'side' });
    await runner.close();
    await expect(runner.ask({ steps: 1 })).rejects.toThrow('without an answer');
  });

  it('leave a round that was stopped uncounted', async () => {
    const runner = open();
    const cell = { runner, itemsAStep: 1, about: await runner.ask({ task: 'sleep', milliseconds: 1 }), rates: [] };
    let asked = 0;
    await interleave([cell, cell], { rounds: 3, seconds: 0.01, stopped: () => ++asked > 3 });
    await runner.close();
    expect(cell.rates).toHaveLength(2);
  });
});
