// What each CUDA kernel takes of an sm_90a multiprocessor, and what it spills on the others that were compiled for, from what
// tools/build/compile-cuda.sh collected, against native/cuda/ptxas.txt.
//   node tools/build/cuda-resources.mjs <folder of .ptxas and .classes files> <version of nvcc> [--update]
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const [folder, version, option] = process.argv.slice(2);
if (!version || (option !== undefined && option !== '--update')) {
  console.error(`compile-cuda: expected no option or --update, got "${option}".`);
  process.exit(2);
}
const native = path.join(import.meta.dirname, '../../native');
const tablePath = path.join(native, 'cuda/ptxas.txt');
/** Rooms that hold kernels, and the namespace of each. */
const ROOMS = { cuda: 'pstmo::cuda', 'inference/cuda': 'pstmo::inference::cuda' };
/** The architecture of the table's rows; of others it has the kernels that spill. */
const MAIN = 'sm_90a';
const COLUMNS = ['registers', 'shared', 'stack', 'spilled'];

/** Kernels of a room with the struct that each takes as its shared memory, where it takes one. */
function structsOf(room) {
  const text = readdirSync(path.join(native, room), { recursive: true })
    .filter((file) => /\.(?:cu|h)$/.test(file) && !file.startsWith('probes/'))
    .map((file) => readFileSync(path.join(native, room, file), 'utf8'))
    .join('\n');
  const kernels = text.matchAll(/__global__[^{;]*?\b(?!__launch_bounds__)(\w+)\([^{;]*\)\s*\{([\s\S]*?)^\}/gm);
  return new Map([...kernels].map(([, kernel, body]) => [kernel, /sharedMemory<(\w+)/.exec(body)?.[1]]));
}
const structs = new Map(Object.keys(ROOMS).map((room) => [room, structsOf(room)]));

const plain = (name) =>
  name.replace(/\(anonymous namespace\)::|\{anonymous\}::|pstmo::(?:inference::)?cuda::|pstmo::/g, '');
/** The room whose namespace a demangled function is in. */
const roomOf = (demangled) => (demangled.includes(`${ROOMS['inference/cuda']}::`) ? 'inference/cuda' : 'cuda');

/** The name of a kernel with its template's arguments, of a demangled function. */
function kernelName(demangled) {
  let depth = 0;
  const name = plain(demangled).replace(/^void /, '');
  const end = [...name].findIndex((letter) => {
    depth += letter === '<' ? 1 : letter === '>' ? -1 : 0;
    return letter === '(' && depth === 0;
  });
  return name.slice(0, end);
}

function measure(file) {
  const classes = readFileSync(path.join(folder, `${file}.classes`), 'utf8');
  const bytes = new Map(
    [...classes.matchAll(/^Class (.*Smem.*)\n {3}size=(\d+)/gm)].map(([, name, size]) => [plain(name), Number(size)]),
  );
  const log = execFileSync('c++filt', { input: readFileSync(path.join(folder, `${file}.ptxas`)), encoding: 'utf8' });
  return log
    .split(/Compiling entry function '/)
    .slice(1)
    .map((text) => {
      const demangled = text.slice(0, text.indexOf("' for "));
      const arch = /' for '(sm_\w+)'/.exec(text)[1];
      const kernel = kernelName(demangled);
      const number = (pattern) => Number(pattern.exec(text)?.[1] ?? 0);
      const struct = structs.get(roomOf(demangled)).get(/^\w+/.exec(kernel)[0]);
      const asked =
        struct === undefined ? 0 : (bytes.get(struct) ?? bytes.get(`${struct}<${/<(\d+)/.exec(kernel)?.[1]}>`));
      if (asked === undefined) throw new Error(`${file}: the size of ${struct} in ${kernel} is not known.`);
      const spilled = number(/(\d+) bytes spill stores/) + number(/(\d+) bytes spill loads/);
      const shared = asked + number(/(\d+) bytes smem/);
      return {
        name: `${file} ${kernel}`,
        arch,
        registers: number(/Used (\d+) registers/),
        shared,
        stack: number(/(\d+) bytes stack frame/),
        spilled,
      };
    });
}

const all = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.ptxas'))
  .flatMap((file) => measure(file.slice(0, -'.ptxas'.length)))
  .sort((a, b) => (a.name < b.name ? -1 : 1));
const found = all.filter(({ arch }) => arch === MAIN);
/** Kernels of other architectures by "sm_80 file kernel", with what they spill. */
const others = new Map(
  all.filter(({ arch }) => arch !== MAIN).map(({ arch, name, spilled }) => [`${arch} ${name}`, spilled]),
);
const otherArchs = [...new Set([...others.keys()].map((key) => key.slice(0, key.indexOf(' '))))];
const spillLine = (bytes, key) => `spills ${String(bytes).padStart(6)} ${key}`;
/** The same of the table's lines. */
const spillsOf = (lines) =>
  new Map(
    lines.map((line) => /^spills +(\d+) (.*)$/.exec(line)).flatMap((found) => (found ? [[found[2], +found[1]]] : [])),
  );
const rowOf = (row) => [...COLUMNS.map((column) => String(row[column]).padStart(10)), row.name].join(' ');
if (option === '--update') {
  const head = `# sm_90a, nvcc ${version}: a thread's registers, a block's shared memory in bytes, a thread's stack and what it spills in bytes.\n# Blocks of the compiled lifter take shared memory by the network's width, which is not counted here: largestBlockBytes and launchFeedForward\n# of inference/cuda have it.\n`;
  // Architectures that were not compiled for keep their lines.
  const kept = [...spillsOf(readFileSync(tablePath, 'utf8').split('\n'))].filter(
    ([key]) => !otherArchs.includes(key.slice(0, key.indexOf(' '))),
  );
  const spills = [...kept, ...[...others].filter(([, bytes]) => bytes > 0)]
    .map(([key, bytes]) => spillLine(bytes, key))
    .sort((a, b) => (a.slice(14) < b.slice(14) ? -1 : 1));
  writeFileSync(
    tablePath,
    `${head}#${[...COLUMNS.map((column) => column.padStart(10)), 'kernel'].join(' ').slice(1)}\n${[...found.map(rowOf), ...spills].join('\n')}\n`,
  );
  console.log(`${tablePath}: ${found.length} kernels`);
}
const lines = readFileSync(tablePath, 'utf8').trim().split('\n');
const sameCompiler = lines[0].includes(`nvcc ${version}:`);
const table = new Map(
  lines
    .filter((line) => !/^(?:#|spills )/.test(line))
    .map((line) => {
      const [registers, shared, stack, spilled, ...name] = line.trim().split(' ').filter(Boolean);
      return [name.join(' '), { registers: +registers, shared: +shared, stack: +stack, spilled: +spilled }];
    }),
);

const failures = [];
const notes = [];
for (const row of found) {
  const known = table.get(row.name);
  if (row.spilled > 0) failures.push(`${row.name} spills ${row.spilled} bytes of registers to memory`);
  if (!known) {
    failures.push(`${row.name} is not in the table: ${rowOf(row)}`);
    continue;
  }
  for (const column of COLUMNS.slice(0, 3)) {
    if (row[column] === known[column]) continue;
    const change = `${row.name}: ${column} ${known[column]} -> ${row[column]}`;
    // Another compiler allots registers in another way: only shared memory is the source's own.
    (row[column] > known[column] && (sameCompiler || column === 'shared') ? failures : notes).push(change);
  }
  table.delete(row.name);
}
const knownSpills = spillsOf(lines);
for (const [key, bytes] of others) {
  const known = knownSpills.get(key) ?? 0;
  const change = `${key} spills ${bytes} bytes of registers to memory, ${known} in the table`;
  if (bytes !== known) (bytes > known && sameCompiler ? failures : notes).push(change);
  knownSpills.delete(key);
}
for (const key of knownSpills.keys()) {
  if (otherArchs.includes(key.slice(0, key.indexOf(' ')))) notes.push(`${key} spills in the table, but is no more`);
}
notes.push(...[...table.keys()].map((name) => `${name} is in the table, but is no more`));
if (!sameCompiler) notes.unshift(`the table was not made by nvcc ${version}: ${lines[0].slice(2)}`);
for (const note of notes) console.log(`note: ${note}`);
for (const failure of failures) console.log(`FAILS: ${failure}`);
console.log(
  failures.length > 0
    ? `${failures.length} of ${found.length} kernels take more than native/cuda/ptxas.txt says; where that is meant: tools/build/compile-cuda.sh --update`
    : `${found.length} kernels for ${[MAIN, ...otherArchs].join(', ')}: none takes more than native/cuda/ptxas.txt says${notes.length > 0 ? ' (--update takes the notes up)' : ''}`,
);
process.exitCode = failures.length > 0 ? 1 : 0;
