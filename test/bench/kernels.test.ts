import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gateCases } from '../../bench/gate/cases.mjs';
import { gateDecision } from '../../bench/gate/decision.mjs';
import { matmulCases } from '../../bench/measure/model-matmuls.mjs';
import { rowCases } from '../../bench/measure/model-rows.mjs';
import type { OpTensors } from '../../binding.js';
import { describeOps, runOp } from '../../lib/binding.js';

const ROWS = 27;
const cases = [...matmulCases(ROWS), ...rowCases(ROWS)];

describe('the operations that are measured', () => {
  it('are all that there are', () => {
    expect([...new Set(cases.map(({ op }) => op))].sort()).toEqual(Object.keys(describeOps()).sort());
  });

  it('run on the arrays that they bring, and give numbers', () => {
    for (const { shape, part, op, tensors, attributes } of cases) {
      runOp({ device: 'cpu', precision: 'fp32', threads: 1, isa: 'auto' }, op, tensors, attributes);
      for (const [name, array] of Object.entries(tensors as OpTensors)) {
        expect(array.every(Number.isFinite), `${shape}, ${part}: ${name}`).toBe(true);
      }
    }
  });
});

describe('the gate', () => {
  it('fails below half of a committed share, and there alone', () => {
    const { below } = gateDecision({ a: 0.9, b: 0.9, c: 0.2 }, { a: 0.44, b: 0.46, c: 0.1 });
    expect(below).toEqual([{ name: 'a', measured: 0.44, committed: 0.9 }]);
  });

  it('tells what has no committed share, and what is committed and measured no more', () => {
    const { below, unknown, stale } = gateDecision({ a: 0.9, gone: 0.5 }, { a: 0.9, fresh: 0.01 });
    expect({ below, unknown, stale }).toEqual({ below: [], unknown: ['fresh'], stale: ['gone'] });
  });

  it('has a committed share for every case, where shares are committed', () => {
    const path = new URL('../../bench/results/kernel-ratios.json', import.meta.url);
    const table = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as object) : {};
    const names = gateCases.map(({ name }) => name);
    for (const shares of Object.values(table).flatMap((precisions) => Object.values(precisions as object))) {
      expect(Object.keys(shares as object).sort()).toEqual([...names].sort());
    }
  });
});
