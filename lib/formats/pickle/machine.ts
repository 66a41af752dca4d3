import { ByteCursor } from '../bytes/byte-cursor.js';
import { MemoryBudget } from '../bytes/memory-budget.js';
import { printable } from '../format-error.js';
import { type Builders, builtinBuilders, NumpyDtypeRecord, PickledArrays } from './builders.js';

const LONGEST_INTEGER = 1000;

/**
 * Estimated bytes that one entry of the stack takes, or of the list or tuple into which it goes from there, and one container
 * or boxed value.
 */
const SLOT_BYTES = 16;
const OBJECT_BYTES = 160;
/** How many times the pickle's bytes its values may take by the estimate: a small integer has 2 bytes there and 16 here. */
const ALLOWED_TIMES = 8;

/** A class or function that the pickle names and the allow-list knows. */
export class PickleGlobal {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export interface PickleOptions {
  /** How messages name the bytes. */
  where: string;
  /** Where in its file the first byte lies, for offsets in messages. */
  startOffset?: number;
  /** More names that may be called, beside NumPy's arrays and the plain containers. */
  builders?: Builders;
  /** Resolves a persistent id (PyTorch's storages); without it such ids are refused. */
  persistentLoad?: (id: unknown) => unknown;
  /** Numbers under which the pickle asks its memo: what lies under others is not held. All are held by default. */
  recalled?: ReadonlySet<number>;
}

/** A value as a message may call it. */
export function describe(value: unknown): string {
  if (value instanceof PickleGlobal) return `the name ${printable(value.name)}`;
  if (value instanceof NumpyDtypeRecord) return 'a NumPy dtype';
  if (value === null) return 'None';
  if (value instanceof Map) return 'a dict';
  if (Array.isArray(value)) return 'a list or tuple';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Values that a pickle put aside under numbers, as far as it asks for them again. */
class Memo {
  readonly #values = new Map<number, unknown>();
  readonly #recalled: ReadonlySet<number> | undefined;
  /** The numbers that were given: all from `first` up to `next`, and those out of turn. */
  #first = 0;
  #next = 0;
  readonly #others = new Set<number>();

  constructor(recalled: ReadonlySet<number> | undefined) {
    this.#recalled = recalled;
  }

  /** How many numbers were given. */
  get size(): number {
    return this.#next - this.#first + this.#others.size;
  }

  holds(key: number): boolean {
    return this.#recalled?.has(key) ?? true;
  }

  set(key: number, value: unknown): void {
    if (this.holds(key)) this.#values.set(key, value);
    if (this.size === 0) [this.#first, this.#next] = [key, key];
    if (key === this.#next) this.#next++;
    else if (key < this.#first || key > this.#next) this.#others.add(key);
  }

  has(key: number): boolean {
    return this.#values.has(key);
  }

  get(key: number): unknown {
    return this.#values.get(key);
  }
}

/**
 * The state of a pickle's stack machine: stack, marks, memo, and what its opcodes do to them. It calls nothing but the
 * builders of its allow-list, which make arrays, numbers, texts and containers only.
 */
export class PickleMachine {
  readonly cursor: ByteCursor;
  readonly budget: MemoryBudget;
  private readonly options: PickleOptions;
  private readonly builders: Builders;
  private readonly arrays: PickledArrays;
  private readonly memo: Memo;
  private readonly marks: number[] = [];
  private readonly stack: unknown[] = [];
  /** Since the last call of {@link release}: the containers out of the memo, and whether memo or one of these got content. */
  private readonly reached = new Set<unknown>();
  private held = false;
  private spentBefore = 0;

  constructor(bytes: Uint8Array, options: PickleOptions) {
    this.options = options;
    this.cursor = new ByteCursor(bytes, options.where, options.startOffset);
    this.budget = new MemoryBudget(options.where, bytes.length, ALLOWED_TIMES);
    this.memo = new Memo(options.recalled);
    this.arrays = new PickledArrays(this.cursor, this.budget);
    this.builders = { ...builtinBuilders(this.arrays), ...options.builders };
  }

  bad(expected: string, got: string): Error {
    return this.cursor.error(expected, got);
  }

  push(value: unknown): void {
    this.budget.spend(SLOT_BYTES + (typeof value === 'object' || typeof value === 'bigint' ? OBJECT_BYTES : 0));
    this.stack.push(value);
  }

  /** Counts the memory of all since the last call no more, where neither memo nor an older container holds some of it. */
  release(): void {
    if (!this.held) this.budget.giveBack(this.budget.spent - this.spentBefore);
    this.spentBefore = this.budget.spent;
    this.held = false;
    this.reached.clear();
  }

  /** Notes that a container gets content. */
  private fill(target: unknown): void {
    if (this.reached.has(target)) this.held = true;
  }

  pushText(text: string): void {
    this.budget.spend(SLOT_BYTES + 2 * text.length);
    this.push(text);
  }

  /** The list of an array's objects while the array, all that the pickle holds, is being filled with them. */
  get objectsOfArray(): unknown[] | undefined {
    const list = this.stack[5];
    const filled = this.stack.length === 6 && this.marks.length === 1 && this.marks[0] === 1;
    return filled && Array.isArray(list) && this.arrays.isUnfilled(this.stack[0]) ? list : undefined;
  }

  /** The list that is all that the pickle holds so far. */
  get itemsOfList(): unknown[] | undefined {
    const [list] = this.stack;
    return this.stack.length === 1 && this.marks.length === 0 && Array.isArray(list) ? list : undefined;
  }

  /** The lowest stack position that the running mark lets go. */
  private get floor(): number {
    return this.marks.at(-1) ?? 0;
  }

  top(): unknown {
    if (this.stack.length <= this.floor) throw this.bad('a value on the stack', 'none');
    return this.stack.at(-1);
  }

  pop(): unknown {
    const value = this.top();
    this.stack.pop();
    return value;
  }

  popTuple(count: number): unknown[] {
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) items.unshift(this.pop());
    return items;
  }

  mark(): void {
    this.budget.spend(SLOT_BYTES);
    this.marks.push(this.stack.length);
  }

  popMark(): unknown[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.bad('a mark on the stack', 'none');
    return this.stack.splice(mark);
  }

  /** Drops the top value, or the mark that lies on top. */
  discard(): void {
    if (this.marks.length > 0 && this.stack.length === this.floor) this.marks.pop();
    else this.pop();
  }

  pushBigint(value: bigint): void {
    const small = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    this.push(small ? Number(value) : value);
  }

  pushInteger(text: string): void {
    if (text.length > LONGEST_INTEGER || !/^-?\d+$/.test(text)) throw this.bad('an integer', printable(text));
    this.pushBigint(BigInt(text));
  }

  /** An integer in two's complement, little endian. */
  pushLong(bytes: Uint8Array): void {
    const digits = Array.from(bytes.toReversed(), (byte) => byte.toString(16).padStart(2, '0')).join('');
    this.pushBigint(digits === '' ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${digits}`)));
  }

  /** Keeps the top value under `key`, or under the next number. */
  remember(key = this.memo.size): void {
    if (this.memo.holds(key)) {
      this.budget.spend(3 * SLOT_BYTES);
      this.held = true;
    }
    this.memo.set(key, this.top());
  }

  recall(key: number): void {
    if (!this.memo.has(key)) throw this.bad(`memo ${key} to be set`, 'nothing');
    this.budget.spend(SLOT_BYTES);
    const value = this.memo.get(key);
    if (this.options.recalled && typeof value === 'object' && !(value instanceof PickleGlobal)) this.reached.add(value);
    this.stack.push(value);
  }

  /** Adds items to the list on top of the stack. */
  extendTop(items: unknown[]): void {
    const target = this.top();
    if (!Array.isArray(target)) throw this.bad('a list to append to', describe(target));
    this.fill(target);
    for (const item of items) target.push(item);
  }

  /** Adds items to the set on top of the stack. */
  addToTop(items: unknown[]): void {
    const target = this.top();
    if (!(target instanceof Set)) throw this.bad('a set to add to', describe(target));
    this.budget.spend(2 * SLOT_BYTES * items.length);
    this.fill(target);
    for (const item of items) target.add(item);
  }

  /** Sets keys and values, one after the other in `items`, in the dict on top of the stack. */
  setInTop(items: unknown[]): void {
    const target = this.top();
    if (!(target instanceof Map)) throw this.bad('a dict to fill', describe(target));
    if (items.length % 2 !== 0) throw this.bad('keys and values in pairs', `${items.length} items`);
    this.budget.spend(2 * SLOT_BYTES * items.length);
    this.fill(target);
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  }

  find(module: unknown, name: unknown): PickleGlobal {
    const full = `${module}.${name}`;
    if (!Object.hasOwn(this.builders, full)) {
      throw this.bad('plain data, arrays and tensors only', `the refused name ${printable(full)}`);
    }
    return new PickleGlobal(full);
  }

  call(callee: unknown, args: unknown): void {
    if (!(callee instanceof PickleGlobal)) throw this.bad('an allowed name to call', describe(callee));
    if (!Array.isArray(args)) throw this.bad(`arguments for ${callee.name}`, describe(args));
    const bad = (expected: string) => this.bad(`${callee.name}: ${expected}`, 'something else');
    this.push(this.builders[callee.name](args, bad));
  }

  build(state: unknown): void {
    const target = this.top();
    // An OrderedDict's attributes (PyTorch keeps version numbers there) are not data.
    if (target instanceof Map) return;
    this.fill(target);
    this.arrays.setState(target, state);
  }

  persistent(id: unknown): void {
    if (!this.options.persistentLoad) throw this.bad('a pickle that stands alone', 'a persistent id');
    this.push(this.options.persistentLoad(id));
  }
}
