import { expect, it } from 'vitest';
import { interleave } from '../../bench/measure/rounds.mjs';

function cellOf(name: string, runner: { ask(): Promise<object> }) {
  return { name, runner, about: { case: 0 }, itemsAStep: 1, steps: 1, rates: [] as number[] };
}

it('goes on without a side that dies, and says which', async () => {
  const well = { ask: async () => ({ seconds: 0.5, peakResidentBytes: 1 }) };
  let asked = 0;
  const ill = {
    ask: async () => {
      asked++;
      if (asked === 3) throw new Error('ended');
      return { seconds: 0.25, peakResidentBytes: 1 };
    },
  };
  const cells = [cellOf('well', well), cellOf('ill', ill), cellOf('ill too', ill)];
  const lost: string[] = [];
  await interleave(cells, {
    rounds: 3,
    lost: ({ name }: { name: string }, error: Error) => lost.push(`${name}: ${error.message}`),
  });
  expect(lost).toEqual(['ill: ended']);
  expect(cells.map(({ name, rates }) => [name, rates])).toEqual([['well', [2, 2, 2]]]);
  await expect(
    interleave([cellOf('ill', { ask: () => Promise.reject(new Error('ended')) })], { rounds: 1 }),
  ).rejects.toThrow('ended');
});
