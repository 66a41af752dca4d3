import type { FoundPerson } from './found-person.js';

/** The share of a person's size that one moves at most from frame to frame, as a median. */
const mostMove = 0.25;

/** Whether poses of a list lie each about where the one before did: then they are one person's frames, not a crowd. */
export function followEachOther(people: Iterable<FoundPerson | undefined>): boolean {
  const moves: number[] = [];
  let before: readonly number[] = [];
  for (const person of people) {
    const triples = person?.triples ?? [];
    const move = moveOf(before, triples);
    if (move !== undefined) moves.push(move);
    before = triples;
  }
  moves.sort((a, b) => a - b);
  return moves.length > 0 && moves[Math.floor(moves.length / 2)] < mostMove;
}

/** Mean distance of the points that both have, over the diagonal of the first's box. */
function moveOf(a: readonly number[], b: readonly number[]): number | undefined {
  const [low, high] = [
    [Infinity, Infinity],
    [-Infinity, -Infinity],
  ];
  let [sum, count] = [0, 0];
  for (let at = 0; at < Math.min(a.length, b.length); at += 3) {
    const distance = Math.hypot(a[at] - b[at], a[at + 1] - b[at + 1]);
    if (!Number.isFinite(distance) || !(a[at + 2] > 0 && b[at + 2] > 0)) continue;
    sum += distance;
    count++;
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], a[at + axis]);
      high[axis] = Math.max(high[axis], a[at + axis]);
    }
  }
  const diagonal = Math.hypot(high[0] - low[0], high[1] - low[1]);
  return count === 0 || !(diagonal > 0) ? undefined : sum / count / diagonal;
}
