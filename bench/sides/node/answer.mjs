import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The other end of a `Runner`, in Node: answers each line of JSON from standard input with one line of JSON. */
export async function answerRequests(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = await answer(JSON.parse(line)).catch((error) => ({ error: error.message }));
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

/**
 * Answers `{ task, ... }` by opening a case, and `{ steps, case }` by doing that many steps of it; without `case`, of the
 * last one. `open` gives `{ turn, about }`: `turn(steps)` does them and may give what is answered beside the seconds; `about` is
 * answered with the case's number.
 */
export async function answerTurns(open, more = () => ({})) {
  const turns = [];
  await answerRequests(async (request) => {
    if (request.task) {
      const { turn, about } = await open(request);
      turns.push(turn);
      forgetPeak();
      return { ...about, case: turns.length - 1 };
    }
    const start = performance.now();
    const found = await turns[request.case ?? turns.length - 1](request.steps);
    const seconds = (performance.now() - start) / 1000;
    return { seconds, peakResidentBytes: peakResidentBytes(), ...more(), ...found };
  });
}

/** What only opening a case needed does not count (Linux). */
function forgetPeak() {
  if (existsSync('/proc/self/clear_refs')) {
    writeFileSync('/proc/self/clear_refs', '5');
  }
}

/** The most memory that this process had resident since it forgot, in bytes. */
export function peakResidentBytes() {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(
    process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '',
  );
  return peak ? Number(peak[1]) * 1024 : process.resourceUsage().maxRSS * 1024;
}
