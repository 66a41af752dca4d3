#!/usr/bin/env node
// Which lines of the CUDA sources the tests run on the emulated device: builds it with gcov's counters, runs every case of operations and
// of the compiled lifter in every precision and the tests of models, goldens and trainings on it, and writes
// bench/results/cuda-coverage.md. Fails below 95% of the lines, or where a line that nothing runs has no reason.
//   node tools/emulation/coverage.mjs
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compiledCases, writeCases, writeLifterCases } from './cases.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const folder = path.join(root, 'build/coverage');
const objects = path.join(root, 'build/native/emulation/CMakeFiles/pstmo-coverage.dir');
const native = path.join(root, 'native');
const ROOMS = ['cuda/', 'inference/cuda/'];
const LEAST = 0.95;
const TESTS = [
  ...['test/models/goldens.test.ts', 'test/models/cuda', 'test/training/cuda'],
  ...['test/native/cublaslt', 'test/native/cuda-lifter', 'test/native/cuda-ops', 'test/native/profile'],
  // Not what has run already: the operation cases, and the steps of the goldens' gradients over and over.
  ...['-t', '^(?!.*(gives what plain double|gives what the opByOp|gives the same bits|follows the oracle through))'],
];

const WIDER_HEADS = 'wider heads are refused before, where a network or an operation is described';
const WINDOWS = 'the folders of a Python environment on Windows';
const NOT_CHOSEN = 'a GPU that is counted and then cannot be chosen; the emulated one fails at counting';
const STOPPED = 'reached where the emulated device stops a kernel, as mutants do (cuda-mutants.md)';
const UNWOUND = 'the end of a scope, which gcov counts only where an exception leaves it';
const KEPT = 'a check that no caller fails: each gives the step that runs';
const RECORDING = 'an operation that refuses does so the first time, when its step is not recorded yet';

/** Why nothing runs a line: file under native/, part of the line (a bracket: the whole), reason. */
const EXPLAINED = [
  ['cuda/kernels/attention-tile.h', 'throw Error("ERR_UNSUPPORTED"', WIDER_HEADS],
  ['cuda/kernels/attention-tile.h', '"Attention heads are at most 128 wide', WIDER_HEADS],
  ['cuda/cublaslt/library.cu', 'found.push_back(environment / folder)', WINDOWS],
  ['cuda/cublaslt/library.cu', 'continue;', WINDOWS],
  ['cuda/cublaslt/library.cu', '}', UNWOUND],
  ['cuda/cuda-backend.cu', '} catch (...) {', STOPPED],
  ['cuda/cuda-backend.cu', 'throw;', STOPPED],
  ['cuda/cuda-backend.cu', '}', STOPPED],
  ['cuda/cuda-backend.cu', 'return refused(status,', NOT_CHOSEN],
  ['cuda/cuda-backend.cu', 'The GPU cannot be used', NOT_CHOSEN],
  ['cuda/cublaslt/matmul.cu', '}', UNWOUND],
  ['cuda/step-graph.cu', 'A dropout of another step', KEPT],
  ['cuda/step-graph.cu', "An optimizer's step other", KEPT],
  ['cuda/step-graph.cu', '} catch (...) {', RECORDING],
  ['cuda/step-graph.cu', '(void)cudaStreamEndCapture', RECORDING],
  ['cuda/step-graph.cu', '(void)cudaGetLastError', RECORDING],
  ['cuda/step-graph.cu', 'throw;', RECORDING],
  ['cuda/step-graph.cu', '}', RECORDING],
];

function run(command, args, env = {}) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed.`);
}

const countFiles = () => readdirSync(objects, { recursive: true }).filter((name) => name.endsWith('.gcda'));

/** Times each line ran, by file and line: a line of a template in several objects ran where one of them did. */
function countLines() {
  const counts = new Map();
  const counted = countFiles().map((name) => path.join(objects, name));
  const output = execFileSync('gcov', ['--json-format', '--stdout', ...counted], {
    cwd: folder,
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  });
  for (const report of output.trim().split('\n')) {
    const { current_working_directory: compiledIn, files } = JSON.parse(report);
    for (const { file, lines } of files) {
      const name = path.relative(native, path.resolve(compiledIn, file));
      if (!ROOMS.some((room) => name.startsWith(room)) || name.includes('/probes/')) continue;
      if (!counts.has(name)) counts.set(name, new Map());
      const own = counts.get(name);
      for (const { line_number: line, count } of lines) own.set(line, (own.get(line) ?? 0) + count);
    }
  }
  return counts;
}

run(process.execPath, ['tools/build/build-native.mjs', 'coverage', 'emulated']);
for (const name of countFiles()) rmSync(path.join(objects, name));
const compiled = await compiledCases(root);
const caseFolder = path.join(folder, 'cases');
const cases = [...writeCases(compiled.opCases, caseFolder), ...writeLifterCases(compiled, caseFolder)];
const addon = path.join(folder, 'build/Release/pstmo.node');
run(process.execPath, ['tools/emulation/case-child.mjs', addon, ...cases.map(({ argument }) => argument)]);
run('node_modules/.bin/vitest', ['run', ...TESTS], { PSTMO_PREBUILD: folder, PSTMO_TEST_DEVICE: 'cuda:0' });

const counts = [...countLines()].sort(([a], [b]) => (a < b ? -1 : 1));
let ran = 0;
let all = 0;
const rows = [];
const gaps = [];
for (const [file, lines] of counts) {
  const source = readFileSync(path.join(native, file), 'utf8').split('\n');
  const missed = [...lines].filter(([, count]) => count === 0).map(([line]) => line);
  ran += lines.size - missed.length;
  all += lines.size;
  rows.push(`| ${file} | ${lines.size} | ${(100 * (1 - missed.length / lines.size)).toFixed(1)} |`);
  for (const line of missed.sort((a, b) => a - b)) {
    const text = source[line - 1].trim();
    const reason = EXPLAINED.find(
      ([name, part]) => name === file && (part === '}' ? text === part : text.includes(part)),
    )?.[2];
    gaps.push({
      reason,
      row: `| ${file}:${line} | \`${text.replaceAll('|', '\\|')}\` | ${reason ?? '**unexplained**'} |`,
    });
  }
}
const share = ran / all;
const gapTable = `| line | | why |\n| --- | --- | --- |\n${gaps.map(({ row }) => row).join('\n')}\n`;
writeFileSync(
  path.join(root, 'bench/results/cuda-coverage.md'),
  `# Lines of the CUDA sources that the tests run

By gcov on the emulated device: \`node tools/emulation/coverage.mjs\`. **${ran} of ${all} lines (${(100 * share).toFixed(1)}%).**

| file | lines | run, % |
| --- | --- | --- |
${rows.join('\n')}

## Not run

${gaps.length > 0 ? gapTable : 'Nothing.\n'}`,
);
const unexplained = gaps.filter(({ reason }) => reason === undefined);
console.log(
  `${(100 * share).toFixed(1)}% of ${all} lines; ${gaps.length} not run, ${unexplained.length} of them unexplained`,
);
for (const { row } of unexplained) console.log(row);
process.exitCode = !(share >= LEAST) || unexplained.length > 0 ? 1 : 0;
