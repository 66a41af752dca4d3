import { setTimeout as sleep } from 'node:timers/promises';

/** Threads of a side may go on spinning for a while after its turn. */
const PAUSE_MS = 300;
const TURN_SECONDS = 1;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, least and greatest of some numbers. */
export function summary(values) {
  return { median: median(values), least: Math.min(...values), greatest: Math.max(...values) };
}

/**
 * Lets opened runners take turns: each round every one of them does as many steps as take it about `seconds`; the first
 * turn, which only warms up and finds that number, does not count. Answers items a second of each side in each round.
 */
export async function interleave(sides, { rounds, itemsAStep, seconds = TURN_SECONDS }) {
  const steps = [];
  for (const { runner } of sides) {
    await runner.ask({ steps: 1 });
    const { seconds: one } = await runner.ask({ steps: 1 });
    steps.push(Math.max(1, Math.round(seconds / one)));
  }
  const rates = sides.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { runner }] of sides.entries()) {
      await sleep(PAUSE_MS);
      const answer = await runner.ask({ steps: steps[i] });
      rates[i].push((itemsAStep * steps[i]) / answer.seconds);
    }
  }
  return rates;
}

/** Medians of the ratios of one side to another, round by round: what happened to the machine in a round cancels. */
export function ratios(ours, theirs) {
  return summary(ours.map((rate, round) => rate / theirs[round]));
}
