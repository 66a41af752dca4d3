// Runs operation cases on the emulated device, one after another, up to the first that is wrong. A process of its own, since a mutated
// kernel may end it.
//   node scripts/cuda-case-child.mjs <addon> <file>:<precision>:<products>[:<file for what was reached>] ...
// Exit status 0: all right; 1: one is wrong or was stopped, and why stands on standard output.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import v8 from 'node:v8';

const [addon, ...cases] = process.argv.slice(2);
const { runOp } = createRequire(import.meta.url)(addon);

/** ||out - expected|| / ||expected||, as test/native/op-case.ts has it. */
function errorOf(output, { at, values }) {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < values.length; i++) {
    difference += (output[at ? at[i] : i] - values[i]) ** 2;
    norm += values[i] ** 2;
  }
  return Math.sqrt(difference / (norm || 1));
}

function complaint([file, precision, products, reached]) {
  process.env.PSTMO_EMULATION_REACHED = reached ?? '';
  const { op, tensors, attributes, expected, tolerances } = v8.deserialize(readFileSync(file));
  try {
    runOp({ device: 'cuda:0', isa: 'auto', threads: 1, precision, products }, op, tensors, attributes);
  } catch (error) {
    return `${op}: ${error.message}`;
  }
  for (const [name, wanted] of Object.entries(expected)) {
    const error = errorOf(tensors[name], wanted);
    if (!(error < tolerances[precision])) return `${op}: ${name} is wrong by ${error}`;
  }
  return undefined;
}

for (const text of cases) {
  const found = complaint(text.split(':'));
  if (found !== undefined) {
    console.log(found);
    process.exitCode = 1;
    break;
  }
}
