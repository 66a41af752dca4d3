import { isArrayOf } from '../../base/array-kind.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { formatError } from '../format-error.js';
import { describe, PickleMachine, type PickleOptions } from './machine.js';
import { PICKLE_OPCODES } from './opcodes.js';
import { isObjectArray, isStringArray, isTensor, type PickleValue } from './value.js';

const STOP = '.';
const DEEPEST_NESTING = 200;
const LOOP = -1;

/** The values directly inside a container; undefined for anything else. */
function childrenOf(value: unknown): unknown[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Set) return [...value];
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  return isObjectArray(value) ? value.objects : undefined;
}

/** Refuses a result that contains itself, nests too deep, or holds half-built parts such as a bare dtype. */
function checkResult(machine: PickleMachine, root: unknown): asserts root is PickleValue {
  const heights = new Map<unknown, number>();
  const heightOf = (value: unknown, depth: number): number => {
    const children = childrenOf(value);
    if (!children) {
      const plain = value === null || typeof value !== 'object' || isArrayOf('Uint8Array', value);
      if (!plain && !isTensor(value) && !isStringArray(value)) throw machine.bad('plain data', describe(value));
      return 0;
    }
    let height = heights.get(value);
    if (height === LOOP) throw machine.bad('data without loops', 'a value that contains itself');
    if (height === undefined) {
      height = 1;
      if (depth < DEEPEST_NESTING) {
        machine.budget.spend(64);
        heights.set(value, LOOP);
        for (const child of children) height = Math.max(height, 1 + heightOf(child, depth + 1));
        heights.set(value, height);
      }
    }
    if (depth + height > DEEPEST_NESTING) throw machine.bad(`at most ${DEEPEST_NESTING} levels of nesting`, 'more');
    return height;
  };
  heightOf(root, 0);
}

/**
 * Reads one pickle (protocols 0 to 5) and says where it ended. Only plain data, NumPy arrays and what `options.builders`
 * adds are ever made; any other name throws `ERR_FORMAT` with that name. No code of the file runs.
 */
export function readPickleAt(bytes: Uint8Array, options: PickleOptions): { value: PickleValue; end: number } {
  const machine = new PickleMachine(bytes, options);
  for (;;) {
    const opcode = machine.cursor.latin1(1);
    if (opcode === STOP) break;
    const step = PICKLE_OPCODES.get(opcode);
    if (!step) {
      const hex = opcode.charCodeAt(0).toString(16).padStart(2, '0');
      throw machine.bad('a pickle opcode that is allowed', `0x${hex}`);
    }
    step(machine);
  }
  const value = machine.pop();
  checkResult(machine, value);
  return { value, end: machine.cursor.position };
}

/** Reads bytes that hold exactly one pickle; see {@link readPickleAt}. */
export function readPickle(bytes: Uint8Array, options: PickleOptions): PickleValue {
  checkArguments('readPickle', { bytes, options }, 'Uint8Array', 'object');
  checkOptionKinds('readPickle', options, {
    where: 'text',
    startOffset: 'number',
    builders: 'object',
    persistentLoad: 'function',
  });
  const { value, end } = readPickleAt(bytes, options);
  if (end !== bytes.length) {
    const offset = (options.startOffset ?? 0) + end;
    throw formatError(options.where, offset, 'the end of the pickle', `${bytes.length - end} more bytes`);
  }
  return value;
}
