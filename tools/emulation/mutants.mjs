#!/usr/bin/env node
// Mutation testing of the CUDA kernels on the emulated device: removes every barrier and shifts every bound and index in turn, and runs
// the cases of operations and of the compiled lifter that reach the place. Writes the survivors, and why they survive, to
// bench/results/cuda-mutants.md. Fails below 93% caught, where a survivor has no explanation, or where an explanation has no mutant. Needs `npm run build:emulated`.
//   node tools/emulation/mutants.mjs [--only text] [--seconds 60] [--jobs 2]
//   node tools/emulation/mutants.mjs --report             the report alone, of the last run of all, where explanations have changed
//   node tools/emulation/mutants.mjs --write <folder>     the mutated sources alone, for the build
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { explanationOf, withoutMutant } from './mutants-explained.mjs';
import { AS_THEY_ARE, mutateKernels, writeMutants } from './mutate.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const { values: flags } = parseArgs({
  options: {
    write: { type: 'string' },
    only: { type: 'string', default: '' },
    seconds: { type: 'string', default: '60' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    report: { type: 'boolean', default: false },
  },
});
if (flags.write !== undefined) {
  writeMutants(root, flags.write);
  process.exit();
}

const { compiledCases, writeCases, writeLifterCases } = await import('./cases.mjs');
const { casesReaching, mutantAddon, verdictOf } = await import('./mutant-runs.mjs');
const LEAST_CAUGHT = 0.93;
for (const name of ['seconds', 'jobs']) {
  if (/^[1-9]\d*$/.test(flags[name])) continue;
  console.error(`--${name}: expected a whole number above 0, got "${flags[name]}".`);
  process.exit(2);
}
const seconds = Number(flags.seconds);
const jobs = Number(flags.jobs);

const { mutants, sources } = mutateKernels(root);
const kept = path.join(root, 'build/mutants/results.json');
const results = flags.report ? JSON.parse(readFileSync(kept, 'utf8')) : await runMutants();

const survivors = results.filter(({ verdict }) => verdict === undefined);
const caught = 1 - survivors.length / results.length;
const unexplained = survivors.filter((mutant) => explanationOf(mutant) === undefined);
if (flags.only === '') {
  writeFileSync(kept, JSON.stringify(results));
  writeReport();
}
console.log(
  `${results.length} mutants, ${survivors.length} survive (${(100 * caught).toFixed(1)}% caught), ${unexplained.length} unexplained`,
);
for (const { file, line, column, change, source } of unexplained)
  console.log(`  ${file}:${line}:${column} ${change}: ${source}`);
const idle = withoutMutant(mutants);
for (const [file, part, change] of idle) console.log(`  explains no mutant: ${file}, ${part}, ${change}`);
process.exitCode = caught < LEAST_CAUGHT || unexplained.length > 0 || idle.length > 0 ? 1 : 0;

/** What the cases say of each mutant. */
async function runMutants() {
  const chosen = mutants.filter(({ file, kind, source }) => `${file} ${kind} ${source}`.includes(flags.only));
  if (chosen.length === 0) {
    console.error(`--only: expected a part of a file, kind or line that some mutant has, got "${flags.only}".`);
    process.exit(2);
  }
  const folder = path.join(root, 'build/mutants/cases');
  const compiled = await compiledCases(root);
  const written = [...writeCases(compiled.opCases, folder), ...writeLifterCases(compiled, folder)];
  const cases = written.filter(({ long }) => !long);
  const addon = mutantAddon(root);
  const reaching = casesReaching(addon, cases, 100 * seconds);
  const verdicts = [];
  const left = chosen.entries();
  // Workers take the next mutant each from the one list.
  const work = async () => {
    for (const [i, mutant] of left) {
      const own = reaching.get(mutant.number) ?? [];
      const verdict = own.length > 0 ? await verdictOf(addon, mutant.number, own, seconds) : undefined;
      const said = verdict ?? (own.length > 0 ? `SURVIVES ${own.length} cases` : 'NOT REACHED');
      console.log(`${i + 1}/${chosen.length} ${mutant.file}:${mutant.line}:${mutant.column} ${mutant.change}: ${said}`);
      verdicts[i] = { ...mutant, cases: own.length, verdict };
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return verdicts;
}

function cell(text) {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function writeReport() {
  const kinds = ['barrier', 'bound', 'index'];
  const rows = [...new Set(results.map(({ file }) => file)), 'all'].map((file) => {
    const of = kinds.map((kind) => results.filter((one) => one.kind === kind && (file === 'all' || one.file === file)));
    const counts = of.map((list) =>
      list.length ? `${list.filter(({ verdict }) => verdict).length} of ${list.length}` : '',
    );
    return `| ${file} | ${counts.join(' | ')} |`;
  });
  const lines = survivors.map((mutant) => {
    const { file, line, column, change, source } = mutant;
    return `| ${file}:${line}:${column} | ${cell(source)} | ${cell(change)} | ${explanationOf(mutant) ?? '**unexplained**'} |`;
  });
  const without = [...sources.keys()].filter(
    (file) => /\.cu$/.test(file) && !AS_THEY_ARE.has(file) && !mutants.some((mutant) => mutant.file === file),
  );
  const left = [...AS_THEY_ARE].map(([file, reason]) => `- ${file}: ${reason}.`);
  const text = `# Mutants of the CUDA kernels

Made by \`node tools/emulation/mutants.mjs\` on the emulated device. Of every kernel each barrier is removed, each bound moved by one either
way and each index by one; a mutant is caught where the emulated device stops it or a case of an operation or\nof the compiled lifter gets a wrong result, with own products or with the emulated cuBLASLt.
**${results.length - survivors.length} of ${results.length} are caught (${(100 * caught).toFixed(1)}%).**

| file | barriers | bounds | indices |
| --- | --- | --- | --- |
${rows.join('\n')}

Left out:

- ${without.join(', ')}: no kernel in them; their lines are in [cuda-coverage.md](cuda-coverage.md).
${left.join('\n')}

## Survivors

| place | line | mutant | why it survives |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
  const out = path.join(root, 'bench/results/cuda-mutants.md');
  mkdirSync(path.dirname(out), { recursive: true });
  writeFileSync(out, text);
}
