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

  it('becomes a trace of complete events in microseconds', () => {
    const times = { start: 1.5, seconds: 0.25 };
    const record = { op: 'linearForward', shape: '2 x 3 -> 4', ...times, flops: 48, bytes: 80, narrowBytes: 64 };
    const { traceEvents } = JSON.parse(chromeTrace([record, { ...record, start: 2 }], 'CPU'));
    expect(traceEvents[0]).toMatchObject({ ph: 'M', args: { name: 'CPU' } });
    expect(traceEvents.slice(1)).toMatchObject([
      { name: 'linearForward', ph: 'X', cat: 'matmul', ts: 0, dur: 250_000, args: { shape: '2 x 3 -> 4', flops: 48 } },
      { ts: 500_000 },
    ]);
  });

  it('is what the command prints', async () => {
    const trace = join(folder, 'trace.json');
    const args = ['--frames', '9', '--set', 'width=64', '--set', 'hidden=128', '--batch', '2', '--seconds', '0.001'];
    const json = await runHere(['profile', ...args, '--device', 'cpu', '--trace', trace, '--json']);
    expect(json).toMatchObject({ code: 0, err: `Trace: ${trace}\n` });
    const { rates, ops, passSeconds } = JSON.parse(json.out);
    expect(rates).toMatchObject({ pass: 2 / passSeconds, paper: null, step: null });
    const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8'));
    expect(traceEvents.length).toBeGreaterThan(ops.length);

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
