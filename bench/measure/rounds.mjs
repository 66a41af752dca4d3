import { setTimeout as sleep } from 'node:timers/promises';

/** Threads of a side may go on spinning for a while after its turn. */
const PAUSE_MS = 300;
const TURN_SECONDS = 1;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The smallest value that at least a `share` of the values do not exceed. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** Median, least and greatest of some numbers. */
export function summary(values) {
  return { median: median(values), least: Math.min(...values), greatest: Math.max(...values) };
}

/** Two single steps of an opened cell: they warm it up, and tell how many steps take about `seconds`. */
export async function warmUp(cell, seconds = TURN_SECONDS) {
  await cell.runner.ask({ steps: 1, case: cell.about.case });
  const { seconds: one, peakResidentBytes } = await cell.runner.ask({ steps: 1, case: cell.about.case });
  cell.steps = Math.max(1, Math.round(seconds / one));
  cell.stepSeconds = one;
  cell.peakResidentBytes = peakResidentBytes;
}

/**
 * Lets opened cells `{ runner, about, itemsAStep }` take turns: each round every one of them does as many steps as take it
 * about `seconds`. Gives each its `rates`, items a second round by round; `stopped` is asked between turns, and an
 * unfinished round does not count. Cells of a runner that fails are taken out, `lost(cell, error)` told of the first, and the
 * others go on; without `lost` the error is thrown.
 */
export async function interleave(cells, options) {
  const { rounds, seconds = TURN_SECONDS, beforeRound = async () => {}, stopped = () => false, lost } = options;
  const failed = new Set();
  const turn = async (cell, work) => {
    try {
      return failed.has(cell.runner) ? undefined : await work();
    } catch (error) {
      if (lost === undefined) throw error;
      failed.add(cell.runner);
      lost(cell, error);
    }
  };
  for (const cell of cells) {
    if (cell.steps === undefined) {
      await turn(cell, () => warmUp(cell, seconds));
    }
    cell.rates = [];
  }
  for (let round = 0; round < rounds; round++) {
    await beforeRound(round);
    const rates = [];
    let last;
    for (const cell of cells) {
      if (stopped()) {
        return;
      }
      if (cell.runner !== last) {
        await sleep(PAUSE_MS);
      }
      const answer = await turn(cell, () => cell.runner.ask({ steps: cell.steps, case: cell.about.case }));
      cell.peakResidentBytes ??= answer?.peakResidentBytes;
      rates.push(answer && (cell.itemsAStep * cell.steps) / answer.seconds);
      last = cell.runner;
    }
    cells.forEach((cell, i) => {
      cell.rates.push(rates[i]);
    });
    cells.splice(0, cells.length, ...cells.filter(({ runner }) => !failed.has(runner)));
  }
}

/** Medians of the ratios of one side to another, round by round: what happened to the machine in a round cancels. */
export function ratios(ours, theirs) {
  return summary(ours.slice(0, theirs.length).map((rate, round) => rate / theirs[round]));
}
