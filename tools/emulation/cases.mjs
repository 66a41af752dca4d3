// The cases of test/native/op-cases.ts and lifter-cases.ts as files, so that a child process runs one of them without the test runner.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';
import { addon } from './addon.mjs';
import { narrowings } from './narrow.mjs';

/** @typedef {import('../../test/native/op-case.js').OpCase} OpCase */
/**
 * The compiled lifter's cases, their networks described in full.
 * @typedef {{
 *   lifterCases: readonly (import('../../test/native/lifter-cases.js').LifterCase & { config: import('../../binding.js').NativeConfig })[],
 *   lifterTolerance: Record<import('../../binding.js').PrecisionName, number>,
 * }} CompiledCases
 */
/**
 * An operation case in a file, in one precision, with own products or with the emulated cuBLASLt: `argument` is what case-child.mjs takes,
 * `reached` the file that gets the numbers of the mutants that it reaches; a `long` one takes too long for each of a thousand mutants.
 * @typedef {{ op: string, name: string, argument: string, reached: string, cost: number, long?: true }} WrittenCase
 */

const PRECISIONS = ['fp32', 'tf32', 'bf16'];
/** As in test/native/cuda-ops.test.ts. */
const TF32 = 2e-3;
/** With arrays in bf16, as test/native/op-case.ts has it. */
const NARROW = 4e-3;
const PRODUCTS = /^(?:linear|spatialBlock|stridedConv)/;

/** The cuBLASLt of the emulated device, which `npm run build:emulated` makes. */
export const emulatedCublasLt = path.join(path.resolve(import.meta.dirname, '../..'), 'build/emulated/libcublasLt.so');

/**
 * The tables of cases of operations and of the compiled lifter, compiled into build/op-cases.
 * @param {string} root
 * @returns {Promise<CompiledCases & { opCases: OpCase[] }>}
 */
export async function compiledCases(root) {
  const out = path.join(root, 'build/op-cases');
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const flags =
    '--strict --target ES2022 --lib ES2023,ESNext.Disposable,DOM --module NodeNext --moduleResolution NodeNext --skipLibCheck --types node';
  const names = ['native/op-cases', 'native/lifter-cases', 'helpers/native-model'];
  const files = names.map((name) => path.join(root, `test/${name}.ts`));
  execFileSync(process.execPath, [tsc, ...flags.split(' '), '--rootDir', root, '--outDir', out, ...files], {
    stdio: 'inherit',
  });
  const [{ opCases }, { lifterCases, lifterTolerance }, { nativeConfig }] = await Promise.all(
    names.map((name) => import(pathToFileURL(path.join(out, `test/${name}.js`)).href)),
  );
  return {
    opCases,
    lifterCases: lifterCases.map((one) => ({ ...one, config: nativeConfig(one.config) })),
    lifterTolerance,
  };
}

/**
 * Writes each case to `folder`, fp32 and, where products take part, tf32 and bf16, and with arrays in bf16 where some may be
 * ("narrow"), with own products and with the emulated cuBLASLt, and returns what tools/emulation/case-child.mjs takes of them and their
 * names, the cheapest first. One array under two names stays one array.
 * @param {readonly OpCase[]} opCases
 * @param {string} folder
 * @returns {WrittenCase[]}
 */
export function writeCases(opCases, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const written = opCases.flatMap((opCase, i) => {
    const { op, about, attributes, tolerance, bf16Tolerance } = opCase;
    const tensors = opCase.arrays();
    const file = path.join(folder, `${i}.bin`);
    const tolerances = { fp32: tolerance, tf32: TF32, bf16: bf16Tolerance, narrow: bf16Tolerance ?? NARROW };
    const [narrow] = narrowings(opCase);
    writeFileSync(file, v8.serialize({ op, attributes, tensors, narrow, expected: opCase.expected(), tolerances }));
    const elements = Object.values(tensors).reduce((sum, { length }) => sum + length, 0);
    const cost = Math.max(addon().opCost(op, tensors, attributes).flops, elements);
    const precisions = [...(bf16Tolerance === undefined ? ['fp32'] : PRECISIONS), ...(narrow ? ['narrow'] : [])];
    const ways = PRODUCTS.test(op) ? ['own', emulatedCublasLt] : ['own'];
    return ways.flatMap((matmul) =>
      precisions.map((precision) => {
        const name = `${op}: ${about}, ${precision}${matmul === 'own' ? '' : ', cuBLASLt'}`;
        const reached = `${file}.${precision}.${path.basename(matmul)}.reached`;
        return { op, name, argument: `${file}:${precision}:${matmul}`, reached, cost };
      }),
    );
  });
  return written.sort((a, b) => a.cost - b.cost);
}

/**
 * The same for the compiled lifter's cases, which tools/emulation/case-child.mjs compares with the op-by-op network; the folder must be
 * there.
 * @param {CompiledCases} compiled
 * @param {string} folder
 * @returns {WrittenCase[]}
 */
export function writeLifterCases({ lifterCases, lifterTolerance }, folder) {
  return lifterCases.flatMap((lifterCase, i) =>
    lifterCase.precisions.map((precision) => {
      const file = path.join(folder, `lifter-${i}-${precision}.bin`);
      writeFileSync(file, v8.serialize({ lifterCase, tolerance: lifterTolerance[precision] }));
      const { frames, width } = lifterCase.config;
      return {
        op: 'lifter',
        name: `lifter: ${lifterCase.about}, ${precision}`,
        argument: `${file}:${precision}:own`,
        reached: `${file}.reached`,
        cost: 1e6 * frames * width,
        long: lifterCase.long,
      };
    }),
  );
}
