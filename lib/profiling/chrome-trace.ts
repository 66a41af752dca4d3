import type { ProfileRecord } from './profile.js';

const MICROSECONDS = 1e6;

/** Records as the JSON that chrome://tracing and Perfetto read: one complete event each, times in microseconds. */
export function chromeTrace(records: readonly ProfileRecord[], device: string): string {
  const start = records.length > 0 ? records[0].start : 0;
  const name = { name: 'thread_name', ph: 'M', pid: 1, tid: 1, args: { name: device } };
  const events = records.map((record) => ({
    ...{ name: record.op, ph: 'X', pid: 1, tid: 1 },
    cat: record.flops > 0 ? 'matmul' : record.op.startsWith('copy') ? 'copy' : 'memory',
    ts: (record.start - start) * MICROSECONDS,
    dur: record.seconds * MICROSECONDS,
    args: { shape: record.shape, flops: record.flops, bytes: record.bytes },
  }));
  return `${JSON.stringify({ traceEvents: [name, ...events], displayTimeUnit: 'ms' })}\n`;
}
