import { isArrayOf } from '../../base/array-kind.js';
import { checkArguments, checkOptionKinds } from '../../base/check-arguments.js';
import { ByteCursor } from '../bytes/byte-cursor.js';
import { formatError } from '../format-error.js';
import { describe, PickleMachine, type PickleOptions } from './machine.js';
import { PICKLE_OPCODES, type PickleOpcode } from './opcodes.js';
import { isObjectArray, isStringArray, isTensor, type PickleValue } from './value.js';

/** The byte of the opcode that ends a pickle: a dot. */
const STOP = 0x2e;
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
        // Each child is looked at again wherever the container stands.
        machine.budget.spend(64 + children.length);
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

/** The opcode whose byte comes next; undefined for the one that ends the pickle. */
function nextOpcode(cursor: ByteCursor): PickleOpcode | undefined {
  const code = cursor.uint8();
  if (code === STOP) return undefined;
  const opcode = PICKLE_OPCODES[code];
  if (!opcode) throw cursor.error('a pickle opcode that is allowed', `0x${code.toString(16).padStart(2, '0')}`);
  return opcode;
}

/**
 * Reads one pickle (protocols 0 to 5) and says where it ended. Only plain data, NumPy arrays and what `options.builders`
 * adds are ever made; any other name throws `ERR_FORMAT` with that name. No code of the file runs.
 */
export function readPickleAt(bytes: Uint8Array, options: PickleOptions): { value: PickleValue; end: number } {
  const machine = new PickleMachine(bytes, options);
  for (let opcode = nextOpcode(machine.cursor); opcode; opcode = nextOpcode(machine.cursor)) opcode.step(machine);
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
  checkEnd(bytes, end, options);
  return value;
}

function checkEnd(bytes: Uint8Array, end: number, options: PickleOptions): void {
  if (end === bytes.length) return;
  const offset = (options.startOffset ?? 0) + end;
  throw formatError(options.where, offset, 'the end of the pickle', `${bytes.length - end} more bytes`);
}

/**
 * The objects of the array that bytes hold as one pickle, each as soon as it is made: none is held, so that an hour of frames
 * takes no more memory than one. Throws as {@link readPickle} does, when it comes to the fault.
 */
export function* pickledObjects(
  bytes: Uint8Array,
  shape: readonly number[],
  options: PickleOptions,
): Generator<PickleValue> {
  const machine = new PickleMachine(bytes, { ...options, recalled: outlineOf(bytes, options).recalled });
  const { value, given } = yield* oneByOne(machine, () => machine.objectsOfArray);
  checkEnd(bytes, machine.cursor.position, options);
  if (!isObjectArray(value) || value.shape.join() !== shape.join()) {
    throw machine.bad(`a pickled object array of shape (${shape.join(', ')})`, 'something else');
  }
  yield* value.objects.slice(given);
}

/**
 * The items of the list that bytes hold as one pickle, made anew each time somebody goes through them: none is held. undefined
 * where the pickle is no list. Throws as {@link readPickle} does, when it comes to the fault.
 */
export function pickledList(bytes: Uint8Array, options: PickleOptions): Iterable<PickleValue> | undefined {
  const { recalled, isList } = outlineOf(bytes, options);
  if (!isList) return undefined;
  return {
    *[Symbol.iterator]() {
      const machine = new PickleMachine(bytes, { ...options, recalled });
      const { value, list } = yield* oneByOne(machine, () => machine.itemsOfList);
      checkEnd(bytes, machine.cursor.position, options);
      if (value !== list) throw machine.bad('the list that the pickle begins with', describe(value));
    },
  };
}

/** Gives the items of a list as they are appended and drops them; returns the whole at the end, and which were given. */
function* oneByOne(
  machine: PickleMachine,
  listOf: () => unknown[] | undefined,
): Generator<PickleValue, { value: PickleValue; list: unknown[] | undefined; given: number }> {
  let filling: unknown[] | undefined;
  let given = 0;
  for (let opcode = nextOpcode(machine.cursor); opcode; opcode = nextOpcode(machine.cursor)) {
    opcode.step(machine);
    const list = listOf();
    filling ??= list;
    const before = given;
    for (; list && given < list.length; given++) {
      const item = list[given];
      checkResult(machine, item);
      list[given] = null;
      yield item;
    }
    if (list && given > before) machine.release();
  }
  const value = machine.pop();
  checkResult(machine, value);
  return { value, list: filling, given };
}

/** What a pickle's opcodes tell before they run. */
interface Outline {
  /** The numbers under which the memo is asked. */
  recalled: Set<number>;
  /** Whether the whole is a list: it begins with one and ends with what is appended to it. */
  isList: boolean;
}

function outlineOf(bytes: Uint8Array, { where, startOffset }: PickleOptions): Outline {
  const cursor = new ByteCursor(bytes, where, startOffset);
  const recalled = new Set<number>();
  let first: PickleOpcode | undefined;
  let last: PickleOpcode | undefined;
  for (let opcode = nextOpcode(cursor); opcode; opcode = nextOpcode(cursor)) {
    const operand = opcode.read(cursor);
    if (opcode.recalls) recalled.add(operand as number);
    if (opcode.frames) continue;
    first ??= opcode;
    last = opcode;
  }
  return { recalled, isList: first !== undefined && first === emptyList && (last === append || last === appendAll) };
}

const [emptyList, append, appendAll] = [...']ae'].map((code) => PICKLE_OPCODES[code.charCodeAt(0)]);
