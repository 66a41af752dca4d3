import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { OpTensors } from '../../binding.js';
import { machine, runOp } from '../../lib/binding.js';
import type { Expected, OpCase } from './op-case.js';
import { errorOf, input } from './op-case.js';
import { opCases } from './op-cases.js';

const { isas, bf16 } = machine();
console.log(`Instruction sets of this machine, each tested: ${isas.join(', ')}${bf16 ? ', avx512 with bf16' : ''}`);

interface Setting {
  isa: string;
  threads?: number;
  precision?: 'fp32' | 'bf16';
}

function run(opCase: OpCase, { isa, threads = 2, precision = 'fp32' }: Setting): OpTensors {
  const arrays = opCase.arrays();
  runOp({ device: 'cpu', isa, threads, precision }, opCase.op, arrays, opCase.attributes);
  return arrays;
}

function compare(
  opCase: OpCase,
  expected: Record<string, Expected>,
  arrays: OpTensors,
  tolerance: number,
  where: string,
): void {
  for (const [name, wanted] of Object.entries(expected)) {
    expect(errorOf(arrays[name], wanted), `${name} on ${where} (${opCase.op})`).toBeLessThan(tolerance);
  }
}

const upperFirst = (name: string) => name[0].toUpperCase() + name.slice(1);

describe('the table of operations', () => {
  it('has a case for every operation of backend.h', () => {
    const header = readFileSync(new URL('../../native/ops/backend.h', import.meta.url), 'utf8');
    const declared = [...header.matchAll(/virtual void run\(const (\w+)&\) = 0;/g)].map((match) => match[1]);
    expect(declared.length).toBeGreaterThan(30);
    expect([...new Set(opCases.map(({ op }) => upperFirst(op)))].sort()).toEqual(declared.sort());
  });
});

describe.each(opCases.map((opCase) => [`${opCase.op}: ${opCase.about}`, opCase] as const))('%s', (_, opCase) => {
  const expected = opCase.expected();

  it('gives what plain double precision gives, on every instruction set', () => {
    for (const isa of isas) compare(opCase, expected, run(opCase, { isa }), opCase.tolerance, isa);
    if (bf16) {
      const arrays = run(opCase, { isa: 'avx512', precision: 'bf16' });
      compare(opCase, expected, arrays, opCase.bf16Tolerance ?? opCase.tolerance, 'avx512 with bf16');
    }
  });

  it('gives the same bits for every number of threads', () => {
    for (const isa of isas) {
      const one = run(opCase, { isa, threads: 1 });
      for (const threads of [2, 3]) expect(run(opCase, { isa, threads }), `${threads} threads on ${isa}`).toEqual(one);
    }
  });
});

describe('windowGather with shuffled frames', () => {
  const gather = (seed: number, isa: string) => {
    const [frames, batch] = [27, 3];
    const y = new Float32Array(batch * frames * 2);
    const arrays = {
      start: Int32Array.of(0),
      length: Int32Array.of(40),
      samples: Int32Array.of(0, 20, 0, 0, 20, 0, 0, 20, 1),
      source: input('source', 40, 1, 2),
      mirror: Int32Array.of(0),
      y,
    };
    const shape = {
      batch,
      frames,
      stride: 1,
      joints: 1,
      coordinates: 2,
      rootJoint: -1,
      sequences: 1,
      sourceFrames: 40,
    };
    runOp({ device: 'cpu', isa, threads: 1, precision: 'fp32' }, 'windowGather', arrays, {
      ...shape,
      shuffle: 1,
      seed,
      step: 3,
    });
    return Array.from({ length: batch }, (_, b) => [...y.subarray(b * frames * 2, (b + 1) * frames * 2)]);
  };

  it('permutes each window by the seed, the same way everywhere', () => {
    const windows = gather(1, isas[0]);
    const rows = (window: number[]) => Array.from({ length: 27 }, (_, i) => window[2 * i + 1]);
    const plain = [...input('source', 40, 1, 2)].filter((_, i) => i % 2 === 1).slice(7, 34);
    for (const window of windows) {
      expect(rows(window)).not.toEqual(plain);
      expect(rows(window).sort()).toEqual([...plain].sort());
    }
    expect(rows(windows[0])).not.toEqual(rows(windows[1]));
    expect(gather(2, isas[0])[0]).not.toEqual(windows[0]);
    for (const isa of isas) expect(gather(1, isa)).toEqual(windows);
  });
});
