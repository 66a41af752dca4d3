// The cases of test/native/op-cases.ts as files, so that a child process runs one of them without the test runner.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';

const PRECISIONS = ['fp32', 'tf32', 'bf16'];
/** As in test/native/cuda-ops.test.ts. */
const TF32 = 2e-3;
const PRODUCTS = /^(?:linear|spatialBlock|stridedConv)/;

/** The cuBLASLt of the emulated device, which `npm run build:emulated` makes. */
export const emulatedCublasLt = path.join(path.dirname(import.meta.dirname), 'build/emulated/libcublasLt.so');

/** The table of operation cases, compiled into a folder of its own. */
export async function compiledCases(root) {
  const out = path.join(root, 'build/op-cases');
  const tsc = path.join(root, 'node_modules/typescript/bin/tsc');
  const flags =
    '--target ES2022 --lib ES2023,ESNext.Disposable,DOM --module NodeNext --moduleResolution NodeNext --skipLibCheck --types node';
  execFileSync(
    process.execPath,
    [tsc, ...flags.split(' '), '--rootDir', root, '--outDir', out, path.join(root, 'test/native/op-cases.ts')],
    {
      stdio: 'inherit',
    },
  );
  const { opCases } = await import(pathToFileURL(path.join(out, 'test/native/op-cases.js')).href);
  return opCases;
}

/**
 * Writes each case to `folder`, fp32 and, where products take part, tf32 and bf16, with own products and with the emulated cuBLASLt,
 * and returns what scripts/cuda-case-child.mjs takes of them and their names, the cheapest first. One array under two names stays
 * one array.
 */
export function writeCases(opCases, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const written = opCases.flatMap((opCase, i) => {
    const { op, about, attributes, tolerance, bf16Tolerance } = opCase;
    const tensors = opCase.arrays();
    const file = path.join(folder, `${i}.bin`);
    const tolerances = { fp32: tolerance, tf32: TF32, bf16: bf16Tolerance };
    writeFileSync(file, v8.serialize({ op, attributes, tensors, expected: opCase.expected(), tolerances }));
    const elements = Object.values(tensors).reduce((sum, { length }) => sum + length, 0);
    const cost = Math.max(opCase.flops, elements);
    const precisions = bf16Tolerance === undefined ? ['fp32'] : PRECISIONS;
    const ways = PRODUCTS.test(op) ? ['own', emulatedCublasLt] : ['own'];
    return ways.flatMap((products) =>
      precisions.map((precision) => {
        const name = `${op}: ${about}, ${precision}${products === 'own' ? '' : ', cuBLASLt'}`;
        const reached = `${file}.${precision}.${path.basename(products)}.reached`;
        return { op, name, argument: `${file}:${precision}:${products}`, reached, cost };
      }),
    );
  });
  return written.sort((a, b) => a.cost - b.cost);
}
