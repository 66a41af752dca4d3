import { describe, expect, it } from 'vitest';
import type { OpTensors, PrecisionName } from '../../binding.js';
import { cudaMatmul, machine, runOp } from '../../lib/binding.js';
import { narrowed, narrowings, widened } from '../../tools/emulation/narrow.mjs';
import { chooseCudaDevice, emulatedCublasLt, isEmulated, testDevice } from '../helpers/cuda-device.js';
import { errorOf, NARROW, type OpCase } from './op-case.js';
import { opCases } from './op-cases.js';

const reason = chooseCudaDevice();
if (reason) console.log(`CUDA operations are not tested: ${reason}`);
else console.log(`CUDA operations are tested on: ${machine().cuda.reason}`);

/** tf32 keeps 11 bits: half a unit is 0.05%. Where a case has no tolerance for bf16, it multiplies nothing. */
const TF32 = 2e-3;

const toleranceOf: Record<PrecisionName, (opCase: OpCase) => number> = {
  fp32: ({ tolerance }) => tolerance,
  tf32: ({ tolerance, bf16Tolerance }) => (bf16Tolerance === undefined ? tolerance : TF32),
  bf16: ({ tolerance, bf16Tolerance }) => bf16Tolerance ?? tolerance,
};

/** What multiplies: own kernels, and cuBLASLt where there is one; operations without products need one alone. */
const library = reason ? undefined : isEmulated() ? emulatedCublasLt : /^cuBLASLt/.test(cudaMatmul(0)) && 'cublaslt';
if (library === false) console.log(`Products by cuBLASLt are not tested: ${cudaMatmul(0)}`);

function waysOf({ op }: OpCase): string[] {
  return library && /^(linear|spatialBlock|stridedConv)/.test(op) ? ['own', library] : ['own'];
}

function run(opCase: OpCase, precision: PrecisionName, matmul: string, narrow: string[] = []): OpTensors {
  const arrays = narrowed(opCase.arrays(), narrow);
  runOp({ device: testDevice(), isa: 'auto', threads: 1, precision, matmul }, opCase.op, arrays, opCase.attributes);
  return widened(arrays);
}

const cases = opCases.map((opCase) => [`${opCase.op}: ${opCase.about}`, opCase] as const);

describe.skipIf(reason !== undefined).each(cases)('%s', (_, opCase) => {
  it('gives what plain double precision gives, in every precision', () => {
    const expected = opCase.expected();
    for (const matmul of waysOf(opCase)) {
      for (const precision of ['fp32', 'tf32', 'bf16'] as const) {
        const arrays = run(opCase, precision, matmul);
        for (const [name, wanted] of Object.entries(expected)) {
          const error = errorOf(arrays[name], wanted);
          expect(error, `${name} in ${precision}, matmul ${matmul}`).toBeLessThan(toleranceOf[precision](opCase));
        }
      }
    }
  });

  const lists = narrowings(opCase);
  if (lists.length > 0) {
    it('gives it with arrays in bf16, all that may be and all but each one', () => {
      const expected = opCase.expected();
      const tolerance = opCase.bf16Tolerance ?? NARROW;
      for (const matmul of waysOf(opCase)) {
        for (const narrow of lists) {
          const arrays = run(opCase, 'bf16', matmul, narrow);
          for (const [name, wanted] of Object.entries(expected)) {
            const error = errorOf(arrays[name], wanted);
            expect(error, `${name}, matmul ${matmul}, in bf16: ${narrow}`).toBeLessThan(tolerance);
          }
        }
      }
    });
  }

  it('gives the same bits every time', () => {
    for (const matmul of waysOf(opCase)) expect(run(opCase, 'fp32', matmul)).toEqual(run(opCase, 'fp32', matmul));
  });
});

describe.skipIf(reason !== undefined)('the GPU', () => {
  it('shuffles windows of at most 4096 frames, and says so of longer ones', () => {
    const frames = 4097;
    const arrays = {
      ...{ start: Int32Array.of(0), length: Int32Array.of(1), samples: Int32Array.of(0, 0, 0) },
      ...{ source: new Float32Array(2), mirror: Int32Array.of(0), y: new Float32Array(2 * frames) },
    };
    const shape = { batch: 1, frames, stride: 1, joints: 1, coordinates: 2, sequences: 1, sourceFrames: 1 };
    const settings = { device: testDevice(), isa: 'auto', threads: 1, precision: 'fp32' } as const;
    const attributes = { ...shape, rootJoint: -1, shuffle: 1, seed: 1, step: 0 };
    expect(() => runOp(settings, 'windowGather', arrays, attributes)).toThrow(/at most 4096 frames.*these have 4097/);
  });

  it('is one that this machine has', () => {
    const settings = { device: 'cuda:63', isa: 'auto', threads: 1, precision: 'fp32' } as const;
    const arrays = { x: new Float32Array(1), y: new Float32Array(1) };
    expect(() => runOp(settings, 'addForward', arrays, { count: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_NO_CUDA', message: expect.stringMatching(/no CUDA device 63.* has \d+/) }),
    );
  });
});
