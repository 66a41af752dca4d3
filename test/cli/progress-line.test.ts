import { expect, it } from 'vitest';
import type { Io } from '../../lib/cli/io.js';
import { duration, ProgressLine } from '../../lib/cli/progress-line.js';

function recorder(live: boolean): { io: Io; written: string[] } {
  const written: string[] = [];
  const io = { out: () => undefined, err: (text: string) => written.push(text), live };
  return { io: { ...io, signal: new AbortController().signal, exitCode: 0 }, written };
}

it('draws over itself on a terminal, at most ten times a second, and goes away', () => {
  const { io, written } = recorder(true);
  const line = new ProgressLine(io);
  for (let i = 0; i < 1000; i++) {
    line.update(() => `step ${i}`);
  }
  expect(written.length).toBeLessThan(5);
  expect(written[0]).toBe('\r\u001b[2Kstep 0');
  line.clear();
  expect(written.at(-1)).toBe('\r\u001b[2K');
  const drawn = written.length;
  line.clear();
  expect(written).toHaveLength(drawn);
});

it('writes nothing where nobody watches', () => {
  const { io, written } = recorder(false);
  const line = new ProgressLine(io);
  line.update(() => 'step');
  line.clear();
  expect(written).toEqual([]);
});

it.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [200, '3 min 20 s'],
  [3600, '1 h 00 min'],
  [7500, '2 h 05 min'],
])('%s seconds are "%s"', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
