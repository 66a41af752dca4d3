import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { OpTensors } from '../../binding.js';
import { cudaMatmul, runOp } from '../../lib/binding.js';
import { narrowed, narrowings, widened } from '../../tools/emulation/narrow.mjs';
import { chooseCudaDevice, emulatedCublasLt, isEmulated } from '../helpers/cuda-device.js';
import { emulationLog, withEnvironment } from '../helpers/emulation-log.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { errorOf, FORWARD, GRADIENT, type OpCase } from './op-case.js';
import { opCases } from './op-cases.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Folders with the headers of CUDA and of cuBLASLt: PSTMO_CUBLASLT_INCLUDE, what tools/build/install-cublaslt-headers.sh fetched, the
 * toolkit, wheels of a Python environment.
 */
function headerFolders(): string[] {
  const toolkits = [process.env.CUDA_PATH, process.env.CUDA_HOME, '/usr/local/cuda']
    .filter((toolkit) => toolkit !== undefined)
    .flatMap((toolkit) => [join(toolkit, 'include'), join(toolkit, 'targets/x86_64-linux/include')]);
  const wheels = [process.env.VIRTUAL_ENV, process.env.CONDA_PREFIX]
    .filter((environment) => environment !== undefined && existsSync(join(environment, 'lib')))
    .flatMap((environment) =>
      readdirSync(join(`${environment}`, 'lib')).map((name) => join(`${environment}`, 'lib', name)),
    )
    .flatMap((python) =>
      ['cu13', 'cublas', 'cuda_runtime'].map((wheel) => join(python, 'site-packages/nvidia', wheel, 'include')),
    );
  const named = (process.env.PSTMO_CUBLASLT_INCLUDE ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...named, join(root, 'out/cublaslt/include'), ...toolkits, ...wheels].filter((folder) => existsSync(folder));
}

const folders = headerFolders();
const lacks = ['cublasLt.h', 'library_types.h'].filter(
  (name) => !folders.some((folder) => existsSync(join(folder, name))),
);
if (lacks.length > 0) {
  const missing = lacks.join(' and no ');
  console.log(
    `cuBLASLt's declarations are not tested: no ${missing} was found; tools/build/install-cublaslt-headers.sh fetches them`,
  );
}

/** Compiles the test's source, its include of our header replaced by `header`. */
function compile(header: string): { status: number | null; stderr: string } {
  const folder = mkdtempSync(join(tmpdir(), 'pstmo-cublaslt-'));
  try {
    const source = readFileSync(join(root, 'test/native/cublaslt-declarations.cpp'), 'utf8');
    writeFileSync(join(folder, 'ours.h'), header);
    writeFileSync(join(folder, 'test.cpp'), source.replace('../../native/cuda/cublaslt/cublaslt.h', './ours.h'));
    const includes = [...folders, join(root, 'native/cuda')].map((name) => `-I${name}`);
    const compiler = process.env.CXX ?? 'c++';
    return spawnSync(compiler, ['-std=c++20', '-fsyntax-only', ...includes, join(folder, 'test.cpp')], {
      encoding: 'utf8',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(lacks.length > 0)('the declarations of cuBLASLt', () => {
  const header = readFileSync(join(root, 'native/cuda/cublaslt/cublaslt.h'), 'utf8');

  it('are those of the real header', () => {
    expect(compile(header)).toMatchObject({ status: 0, stderr: '' });
  });

  it.each([
    ['kBiasPointer = 8', 'kBiasPointer = 9'],
    ['uint64_t data[8];', 'uint64_t data[7];'],
    ['uint64_t rows, uint64_t columns,', 'uint32_t rows, uint64_t columns,'],
  ])('are told from others: %s', (ours, other) => {
    expect(header).toContain(ours);
    const { status, stderr } = compile(header.replace(ours, other));
    expect(status).toBe(1);
    expect(stderr).toContain('static assertion failed');
  });
});

const reason = chooseCudaDevice() ?? (isEmulated() ? undefined : 'the device is not the emulated one');
if (reason) console.log(`The emulated cuBLASLt is not tested: ${reason}`);

const device = { device: 'cuda:0', isa: 'auto', threads: 1, precision: 'fp32' } as const;
const caseOf = (op: string, about: RegExp) => opCases.find((one) => one.op === op && about.test(one.about)) as OpCase;

function run(opCase: OpCase, matmul: string, repeats = 1): OpTensors {
  const arrays = opCase.arrays();
  runOp({ ...device, matmul }, opCase.op, arrays, opCase.attributes, repeats);
  return arrays;
}

function worstError(opCase: OpCase, arrays: OpTensors): number {
  return Math.max(...Object.entries(opCase.expected()).map(([name, wanted]) => errorOf(arrays[name], wanted)));
}

describe.skipIf(reason !== undefined)('products by cuBLASLt', () => {
  const forward = caseOf('linearForward', /./);
  const backward = caseOf('linearBackward', /./);

  it('are multiplied by the library, with its epilogues, and an algorithm is chosen once a shape', async () => {
    const [, log] = await emulationLog(() => run(forward, emulatedCublasLt, 3));
    expect(log.filter((line) => line.startsWith('multiplied'))).toHaveLength(3);
    expect(log.filter((line) => line.startsWith('chosen'))).toHaveLength(1);
    const [, gradients] = await emulationLog(() => run(backward, emulatedCublasLt));
    // The bias's gradient comes with the weight's, which is added to what is there.
    expect(gradients.filter((line) => /^multiplied .*epilogue 512, adds$/.test(line))).toHaveLength(1);
    const [, none] = await emulationLog(() => run(forward, 'own'));
    expect(none.filter((line) => line.startsWith('multiplied'))).toEqual([]);
  });

  it('multiply arrays in bf16 as they lie, and leave to own kernels what must be multiplied in fp32', async () => {
    const matmul = async (opCase: OpCase) => {
      const narrow = narrowings(opCase)[0];
      const arrays = narrowed(opCase.arrays(), narrow);
      const settings = { ...device, precision: 'bf16', matmul: emulatedCublasLt } as const;
      const [, log] = await emulationLog(() => runOp(settings, opCase.op, arrays, opCase.attributes));
      expect(worstError(opCase, widened(arrays))).toBeLessThan(2e-2);
      return log.filter((line) => line.startsWith('multiplied')).map((line) => line.replace(/^.*compute 68, /, ''));
    };
    const wide = /^150 x 70 -> 96$/;
    expect(await matmul(caseOf('linearForward', wide))).toEqual(['bf16, epilogue 1']);
    expect(await matmul(caseOf('linearForward', /^150 .* ReLU, dropout$/))).toEqual(['bf16, epilogue 6']);
    expect(await matmul(caseOf('stridedConvForward', / 66 -> 64/))).toEqual(['bf16 to fp32, epilogue 4']);
    const gradients = ['bf16, epilogue 1', 'bf16 to fp32, epilogue 512, adds'];
    expect(await matmul(caseOf('linearBackward', wide))).toEqual(gradients);
    expect(await matmul(caseOf('stridedConvBackward', / 66 -> 64/))).toEqual(gradients);
    expect(await matmul(caseOf('linearForward', /^7 x 34 -> 51$/))).toEqual([]);
  });

  it.each(['4', '6', '512', 'all'])('are right where the library has no algorithm for epilogue %s', async (refused) => {
    for (const [opCase, tolerance] of [
      [forward, FORWARD],
      [backward, GRADIENT],
    ] as const) {
      const arrays = await withEnvironment({ PSTMO_EMULATION_REFUSES: refused }, () => run(opCase, emulatedCublasLt));
      expect(worstError(opCase, arrays)).toBeLessThan(tolerance);
    }
  });

  it('are found through the environment, and where they are not it is said why', async () => {
    expect(cudaMatmul(0)).toMatch(/^own kernels, since no cuBLASLt could be opened \(.*libcublasLt\.so\.13: .+\)$/);
    await withEnvironment({ PSTMO_CUBLASLT: emulatedCublasLt }, async () => {
      expect(cudaMatmul(0)).toBe(`cuBLASLt 13.0.0 (${emulatedCublasLt})`);
      const [, log] = await emulationLog(() => run(forward, 'auto'));
      expect(log.filter((line) => line.startsWith('multiplied'))).toHaveLength(1);
    });
    await withEnvironment({ PSTMO_CUBLASLT: '/nowhere/libcublasLt.so' }, () => {
      expect(cudaMatmul(0)).toMatch(/own kernels.*\/nowhere\/libcublasLt\.so: .*No such file/);
      expect(() => run(forward, 'cublaslt')).toThrow(
        expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringMatching(/nowhere.*PSTMO_CUBLASLT/) }),
      );
    });
    await withEnvironment({ PSTMO_CUBLASLT: emulatedCublasLt, PSTMO_EMULATION_REFUSES: 'start' }, () => {
      expect(cudaMatmul(0)).toMatch(/^own kernels.*was not initialized.*while starting/);
      expect(() => run(forward, 'cublaslt')).toThrow(expect.objectContaining({ code: 'ERR_CUDA_DRIVER' }));
    });
  });

  it('are found in a wheel of the Python environment', async () => {
    const environment = temporaryFolder();
    const wheel = join(environment, 'lib/python3.12/site-packages/nvidia/cu13/lib');
    mkdirSync(wheel, { recursive: true });
    symlinkSync(emulatedCublasLt, join(wheel, 'libcublasLt.so.13'));
    await withEnvironment({ VIRTUAL_ENV: environment }, () => {
      expect(cudaMatmul(0)).toBe(`cuBLASLt 13.0.0 (${join(wheel, 'libcublasLt.so.13')})`);
    });
  });

  it('never come from a library for a GPU where the device is emulated', async () => {
    const other = join(`${process.env.PSTMO_PREBUILD}`, 'build/Release/pstmo.node');
    await withEnvironment({ PSTMO_CUBLASLT: other }, () => {
      expect(cudaMatmul(0)).toBe(`own kernels, since no cuBLASLt could be opened (${other}: it is no emulated one)`);
    });
  });

  it('never come from a library that was not asked for by its name', () => {
    expect(() => run(forward, '/nowhere/other.so')).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }));
  });
});
