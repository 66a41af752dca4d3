import type { ProfileRecord } from '../../binding.js';

const MICROSECONDS = 1e6;

/** Records of one way of running, shown as a process. */
export interface TracedProcess {
  name: string;
  /** What each of its threads is called, before its number. */
  thread: string;
  records: readonly ProfileRecord[];
}

/** Processes as the JSON that chrome://tracing and Perfetto read: one complete event a record, times in microseconds from each one's begin. */
export function chromeTrace(processes: readonly TracedProcess[]): string {
  const traceEvents = processes.flatMap((process, at) => eventsOf(process, at + 1));
  return `${JSON.stringify({ traceEvents, displayTimeUnit: 'ms' })}\n`;
}

function eventsOf({ name, thread, records }: TracedProcess, pid: number): object[] {
  const begin = records.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY);
  const threads = [...new Set(records.map((record) => record.thread))].sort((a, b) => a - b);
  const called = (what: string, tid: number, text: string) => ({ name: what, ph: 'M', pid, tid, args: { name: text } });
  return [
    called('process_name', 0, name),
    ...threads.map((number) => called('thread_name', number + 1, `${thread} ${number}`)),
    ...records.map((record) => ({
      ...{ name: record.op, ph: 'X', pid, tid: record.thread + 1 },
      cat: record.flops > 0 ? 'matmul' : record.op.startsWith('copy') ? 'copy' : 'memory',
      ts: (record.start - begin) * MICROSECONDS,
      dur: record.seconds * MICROSECONDS,
      args: { shape: record.shape, flops: record.flops, bytes: record.bytes },
    })),
  ];
}
