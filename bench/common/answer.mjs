import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The other end of a `Runner`, in Node: answers each line of JSON from standard input with one line of JSON. */
export async function answerRequests(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
}

/** The most memory that this process ever had resident, in bytes. */
export function peakResidentBytes() {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(
    process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '',
  );
  return peak ? Number(peak[1]) * 1024 : process.resourceUsage().maxRSS * 1024;
}
