import { spawnSync } from 'node:child_process';

/** How a run of Node ended, what it printed, and the most memory that it took, MB. */
export interface MeasuredRun {
  status: number | null;
  text: string;
  megabytes: number;
}

/*
 * Linux gives `maxRSS` of a process that another started at least the other's memory: it is counted before the program is
 * exchanged. The peak of the memory itself (VmHWM) begins anew with the program.
 */
const sayMemory = `
  import { existsSync, readFileSync } from 'node:fs';
  process.on('exit', () => {
    const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
    const peak = /VmHWM:\\s*(\\d+) kB/.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
    process.stderr.write('\\npeak memory ' + peak);
  });
`;

/** Runs Node with these arguments to its end. */
export function measuredNode(args: readonly string[]): MeasuredRun {
  const told = ['--import', `data:text/javascript,${encodeURIComponent(sayMemory)}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...told, ...args], { encoding: 'utf8' });
  const megabytes = Math.round(Number(/peak memory (\d+)/.exec(stderr)?.[1]) / 1024);
  return { status, text: stdout + stderr, megabytes };
}
