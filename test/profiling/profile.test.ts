import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ModelConfigInput, parseModelConfig } from '../../lib/networks/config.js';
import { chromeTrace } from '../../lib/profiling/chrome-trace.js';
import { complexity } from '../../lib/profiling/complexity.js';
import { type ProfileRecord, paperFps, profileModel, stepRecords } from '../../lib/profiling/profile.js';
import { runHere } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const folder = temporaryFolder();
const small: ModelConfigInput = { frames: 9, width: 64, hidden: 128 };

/** Multiply-adds of a step, of attention and of all other products. */
async function macsOf(model: ModelConfigInput, batch: number, training = false) {
  const config = parseModelConfig(model);
  const records = await stepRecords({ config, device: 'cpu', batch, training });
  const sum = (chosen: (record: ProfileRecord) => boolean) =>
    records.filter(chosen).reduce((total, { flops }) => total + flops, 0) / 2;
  const attention = ({ op }: ProfileRecord) => op.startsWith('attention');
  return {
    attention: sum(attention),
    linear: sum((record) => !attention(record)),
    records,
    counts: complexity(config),
  };
}

describe('what the op table counts', () => {
  it.each<[string, ModelConfigInput]>([
    ['P-STMO, N = 27', { frames: 27, layers: 4 }],
    ['Stage I, N = 27', { frames: 27, stage: 1 }],
    ['the transformer backbone, N = 9', { frames: 9, width: 136, backbone: 'transformer' }],
    ['no MOFA, N = 9', { ...small, aggregate: false }],
  ])('is the true work of %s', async (_, model) => {
    const { linear, attention, counts } = await macsOf(model, 1);
    expect({ linear, attention }).toEqual({ linear: counts.linearMacs, attention: counts.attentionMacs });
  });

  it('is 739.191 M and 124.711 M multiply-adds for P-STMO-S, N = 243', async () => {
    const { linear, attention, counts } = await macsOf({ frames: 243 }, 1);
    expect({ linear, attention }).toEqual({ linear: counts.linearMacs, attention: counts.attentionMacs });
    expect([linear, attention].map((macs) => (macs / 1e6).toFixed(3))).toEqual(['739.191', '124.711']);
  });

  it('makes three products of each in a training step, and seven of two in attention, but none for the input', async () => {
    const { linear, attention, counts } = await macsOf(small, 2, true);
    const input = 34 * 128 * 9;
    expect(linear).toBe(2 * (3 * counts.linearMacs - input));
    expect(attention).toBe(2 * 3.5 * counts.attentionMacs);
  });

  it('counts each array once: a product, a norm, an optimizer', async () => {
    const { records } = await macsOf(small, 2, true);
    const bytes = (op: string, shape: string) => records.find((one) => one.op === op && one.shape === shape)?.bytes;
    expect(bytes('linearForward', '18 x 64 -> 192')).toBe(4 * (18 * 64 + 64 * 192 + 192 + 18 * 192));
    expect(bytes('layerNormForward', '18 x 64')).toBe(4 * (2 * 18 * 64 + 2 * 64 + 2 * 18));
    const parameters = records.find(({ op }) => op === 'adamStep');
    expect(parameters?.bytes).toBe(4 * 9 * Number(parameters?.shape));
  });
});

describe('a profile', () => {
  it('adds up: ops and gaps of a step, rows by op and shape, and the rates', async () => {
    const config = parseModelConfig(small);
    const profile = await profileModel({ config, device: 'cpu', batch: 4, training: false, seconds: 0.001 });
    const { ops, trace, launches, opSeconds, gapSeconds, passSeconds, steps, peaks } = profile;
    expect(steps).toBeGreaterThanOrEqual(3);
    expect(launches).toBe(trace.filter(({ op }) => !op.startsWith('copy')).length);
    expect(ops.reduce((sum, { count }) => sum + count, 0)).toBe(launches);
    expect(opSeconds).toBeCloseTo(ops.reduce((sum, { seconds }) => sum + seconds, 0));
    expect(profile.copies.map(({ op }) => op).sort()).toEqual(['copyIn', 'copyOut', 'copyOut']);
    for (const value of [opSeconds, passSeconds, ...Object.values(peaks)]) expect(value).toBeGreaterThan(0);
    expect(gapSeconds).toBeGreaterThanOrEqual(0);
    expect(profile.wall.liftFlipSeconds).toBeGreaterThan(0);
    for (const [i, record] of trace.slice(1).entries()) {
      expect(record.start).toBeGreaterThanOrEqual(trace[i].start + trace[i].seconds);
    }
  });

  it('becomes a trace of complete events in microseconds, with a name for every process and thread', () => {
    const counts = { flops: 48, bytes: 80, narrowBytes: 64 };
    const record = { op: 'linearForward', shape: '2 x 3 -> 4', start: 1.5, seconds: 0.25, ...counts, thread: 0 };
    const lifted = { ...record, op: 'spatial encoder', thread: 3 };
    const trace = chromeTrace([
      { name: 'op by op', thread: 'ops', records: [record, { ...record, start: 2 }] },
      { name: 'compiled', thread: 'thread', records: [lifted, { ...lifted, start: 1.25, thread: 1 }] },
    ]);
    const { traceEvents } = JSON.parse(trace);
    type Event = { name: string; pid: number; tid: number; args: { name: string } };
    const named = (name: string) =>
      (traceEvents as Event[])
        .filter((event) => event.name === name)
        .map(({ pid, tid, args }) => [pid, tid, args.name]);
    expect(named('process_name')).toEqual([
      [1, 0, 'op by op'],
      [2, 0, 'compiled'],
    ]);
    expect(named('thread_name')).toEqual([
      [1, 1, 'ops 0'],
      [2, 2, 'thread 1'],
      [2, 4, 'thread 3'],
    ]);
    const events = traceEvents.filter(({ ph }: { ph: string }) => ph === 'X');
    expect(events).toMatchObject([
      { name: 'linearForward', pid: 1, tid: 1, cat: 'matmul', ts: 0, dur: 250_000, args: { shape: '2 x 3 -> 4' } },
      { pid: 1, tid: 1, ts: 500_000 },
      { name: 'spatial encoder', pid: 2, tid: 4, ts: 250_000 },
      { pid: 2, tid: 2, ts: 0 },
    ]);
  });

  it.each([
    ['windows are few', 3],
    ['windows are many', 200],
  ])('takes the lifter apart on every thread, where %s', async (_, batch) => {
    const config = parseModelConfig(small);
    const profile = await profileModel({ config, device: 'cpu', threads: 2, batch, training: false, seconds: 0.001 });
    const { stages, threads, seconds, records, unsupportedReason } = profile.lift!;
    expect(unsupportedReason).toBe('');
    // A busy machine may leave all of a short lift to one of them.
    expect([1, 2]).toContain(threads);
    expect(stages.map(({ stage }) => stage)).toEqual(
      expect.arrayContaining(['spatial encoder', 'first layer, attention', 'strided convolution', 'head']),
    );
    // A thread does one thing at a time, and nothing before the first or after the last.
    for (const thread of [0, 1]) {
      const own = records.filter((record) => record.thread === thread);
      expect(own.reduce((sum, record) => sum + record.seconds, 0)).toBeLessThanOrEqual(seconds);
      for (const [i, { start }] of own.slice(1).entries()) expect(start).toBeGreaterThanOrEqual(own[i].start);
    }
    expect(profile.peaks.fp32).toBeGreaterThanOrEqual(profile.leastPeaks.fp32);
  });

  it('says why the path that lifts is op by op', async () => {
    const config = parseModelConfig({ ...small, backbone: 'fc' });
    const options = { config, device: 'cpu', batch: 2, training: false, seconds: 0.001 } as const;
    expect((await profileModel(options)).lift).toMatchObject({
      stages: [],
      unsupportedReason: 'the spatial encoder is not the MLP',
    });
    expect((await profileModel({ ...options, training: true })).lift).toBeNull();
  });

  it('is what the command prints', async () => {
    const trace = join(folder, 'trace.json');
    const args = ['--frames', '9', '--set', 'width=64', '--set', 'hidden=128', '--batch', '2', '--seconds', '0.001'];
    const json = await runHere(['profile', ...args, '--device', 'cpu', '--trace', trace, '--json']);
    expect(json).toMatchObject({ code: 0, err: `Trace: ${trace}\n` });
    const { rates, ops, passSeconds, lift } = JSON.parse(json.out);
    expect(lift.stages.length).toBeGreaterThan(5);
    expect(lift.records).toBeUndefined();
    expect(rates).toMatchObject({ pass: 2 / passSeconds, paper: null, step: null });
    const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8'));
    expect(traceEvents.length).toBeGreaterThan(ops.length);

    const forward = await runHere([
      'profile',
      '--frames',
      '81',
      '--batch',
      '1',
      '--seconds',
      '0.001',
      '--device',
      'cpu',
    ]);
    expect(forward.out).toMatch(/^Peaks, in turns with the steps.*: \d+ to \d+ GFLOP\/s in fp32, copies/m);
    expect(forward.out).toMatch(/^Op by op, the forward pass:\nop +shape/m);
    expect(forward.out).toMatch(
      /^The path that lifts, .*: the compiled lifter, stage by stage, \d threads together\nstage +calls/m,
    );
    // A share over 100% is explained under its table, the operations' and the stages'.
    for (const table of forward.out.split(/^The path that lifts/m)) {
      const rows = [...table.matchAll(/^.+ {2}\d+ +\d+\.\d{3} .*$/gm)].map(([row]) => row.trim().split(/ +/));
      const shares = rows.map((cells) => Number(cells.at(table.startsWith(',') ? -1 : -3))).filter(Number.isFinite);
      expect(shares.length).toBeGreaterThan(3);
      expect(/^Over 100% of the peak/m.test(table)).toBe(shares.some((share) => share > 100));
    }
    expect(forward.out).toMatch(/^The paper's protocol \(.*\), CPU, .*, batch 1: \S+ windows\/s$/m);
    expect(forward.out).not.toContain('3080');

    const text = await runHere(['profile', ...args, '--device', 'cpu', '--training', '--set', 'stage=1']);
    expect(text.code).toBe(0);
    expect(text.out).toMatch(/^Stage 1, a training step, N = 9, batch 2, fp32, CPU/);
    expect(text.out).toMatch(/adamStep +\d+ +1 /);
    expect(text.out).toMatch(/samples\/s/);
  });
});

it("knows the paper's frames a second of its three models, and of no other", () => {
  const fps = (model: ModelConfigInput) => paperFps(parseModelConfig(model));
  expect([fps({ frames: 81 }), fps({ frames: 243 }), fps({ frames: 243, layers: 4 })]).toEqual([7824, 3504, 3040]);
  expect([fps({ frames: 27 }), fps({ frames: 243, width: 128 }), fps({ frames: 243, stage: 1 })]).toEqual(
    Array(3).fill(undefined),
  );
});
