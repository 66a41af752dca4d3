import { spawnSync } from 'node:child_process';

/** How a run of Node ended, what it printed, and the most memory that it took, MB. */
export interface MeasuredRun {
  status: number | null;
  text: string;
  megabytes: number;
}

const sayMemory = "process.on('exit', () => process.stderr.write('\\nmaxRSS ' + process.resourceUsage().maxRSS))";

/** Runs Node with these arguments to its end. */
export function measuredNode(args: readonly string[]): MeasuredRun {
  const told = ['--import', `data:text/javascript,${encodeURIComponent(sayMemory)}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...told, ...args], { encoding: 'utf8' });
  const megabytes = Math.round(Number(/maxRSS (\d+)/.exec(stderr)?.[1]) / 1024);
  return { status, text: stdout + stderr, megabytes };
}
