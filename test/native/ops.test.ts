import { describe, expect, it } from 'vitest';
import type { OpTensors } from '../../binding.js';
import { describeOps, machine, opCost, runOp } from '../../lib/binding.js';
import { cpuDevice } from '../helpers/cpu-device.js';
import type { Expected, OpCase } from './op-case.js';
import { errorOf, input } from './op-case.js';
import { opCases } from './op-cases.js';

/** Scratch: no case expects anything of it. */
const SCRATCH = ['spatialBlockBackward.dZ'];

const { isas, bf16 } = machine(cpuDevice);
console.log(`Instruction sets of this machine, each tested: ${isas.join(', ')}${bf16 ? ', avx512 with bf16' : ''}`);

interface Setting {
  isa: string;
  threads?: number;
  precision?: 'fp32' | 'bf16';
}

function run(opCase: OpCase, { isa, threads = 2, precision = 'fp32' }: Setting): OpTensors {
  const arrays = opCase.arrays();
  runOp({ device: cpuDevice, isa, threads, precision }, opCase.op, arrays, opCase.attributes);
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

describe('the table of operations', () => {
  const ops = describeOps(cpuDevice);

  it('has a case for every operation', () => {
    expect(Object.keys(ops).length).toBeGreaterThan(30);
    expect([...new Set(opCases.map(({ op }) => op))].sort()).toEqual(Object.keys(ops).sort());
  });

  it.each(Object.keys(ops))('has every array of %s in a case, and an expectation of each that it writes', (op) => {
    const own = opCases.filter((opCase) => opCase.op === op);
    const brought = new Set(own.flatMap(({ arrays }) => Object.keys(arrays())));
    expect([...brought].sort()).toEqual(Object.keys(ops[op]).sort());
    const expected = new Set(own.flatMap((opCase) => Object.keys(opCase.expected())));
    const written = Object.keys(ops[op]).filter((name) => ops[op][name].access !== 'in');
    expect(written.filter((name) => !expected.has(name) && !SCRATCH.includes(`${op}.${name}`))).toEqual([]);
  });

  it('refuses arrays and numbers that an operation does not have, and lengths other than its own', () => {
    const device = { device: cpuDevice, precision: 'fp32', threads: 1, isa: 'auto' } as const;
    const [x, y] = [new Float32Array(2), new Float32Array(2)];
    const add = (tensors: OpTensors, attributes = {}) =>
      runOp(device, 'addForward', tensors, { count: 2, ...attributes });
    expect(() => add({ x, y, z: x })).toThrow(/no array or number z/);
    expect(() => add({ x, y }, { rate: 1 })).toThrow(/no array or number rate/);
    expect(() => add({ x, y: new Float32Array(3) })).toThrow(/tensors\.y: expected a Float32Array of 2, got .*3/);
    expect(() => add({ x })).toThrow(/tensors\.y: expected a Float32Array of 2, got undefined/);
  });

  it('counts what an operation computes and moves', () => {
    const [dZ, x, weight] = [new Float32Array(3 * 5), new Float32Array(3 * 4), new Float32Array(5 * 4)];
    const attributes = { rows: 3, in: 4, out: 5 };
    const cost = (more: OpTensors, numbers = {}) =>
      opCost('linearBackward', { dZ, x, weight, ...more }, { ...attributes, ...numbers });
    const [dX, dWeight] = [new Float32Array(x.length), new Float32Array(weight.length)];
    const product = 2 * 3 * 4 * 5;
    // dZ and weight read, dX written; of them dZ and dX may be narrow.
    expect(cost({ dX })).toEqual({
      ...{ shape: '3 x 4 -> 5', flops: product },
      ...{ bytes: 4 * (15 + 20 + 12), narrowBytes: 2 * 15 + 4 * 20 + 2 * 12 },
    });
    expect(cost({ dX }, { accumulate: 1 }).bytes).toBe(4 * (15 + 20 + 2 * 12));
    // dWeight is added to: read and written.
    expect(cost({ dWeight })).toMatchObject({ flops: product, bytes: 4 * (15 + 12 + 2 * 20) });
    expect(cost({ dX, dWeight }).flops).toBe(2 * product);
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
    runOp({ device: cpuDevice, isa, threads: 1, precision: 'fp32' }, 'windowGather', arrays, {
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
