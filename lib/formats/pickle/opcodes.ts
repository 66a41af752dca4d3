import type { ByteCursor } from '../bytes/byte-cursor.js';
import { printable } from '../format-error.js';
import type { PickleMachine } from './machine.js';

const LONGEST_INTEGER = 1000;
const SPECIAL_FLOATS = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
]);

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** Protocol 0's unicode lines: latin-1, other characters as backslash-u and four hexadecimal digits or backslash-U and eight. */
function decodeRawUnicode(line: string): string {
  return line.replace(/\\u([\da-fA-F]{4})|\\U(00[01][\da-fA-F]{5})/g, (whole, short, long) => {
    const point = Number.parseInt(short ?? long, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

/** Protocol 0's quoted byte strings with Python's escapes. */
function decodeQuoted(cursor: ByteCursor): string {
  const line = cursor.line();
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || line.at(-1) !== quote) {
    throw cursor.error('a quoted text', printable(line));
  }
  return line.slice(1, -1).replace(/\\(x[\da-fA-F]{2}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (code.length === 3 && code[0] === 'x') return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return ESCAPES[code] ?? code;
  });
}

function floatLine(cursor: ByteCursor): number {
  const line = cursor.line();
  const special = SPECIAL_FLOATS.get(line);
  if (special !== undefined) return special;
  if (line.length > 400 || !/^-?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(line)) throw cursor.error('a float', printable(line));
  return Number(line);
}

function memoLine(cursor: ByteCursor): number {
  const text = cursor.line();
  if (!/^\d{1,15}$/.test(text)) throw cursor.error('a memo number', printable(text));
  return Number(text);
}

/** The bytes of an integer whose length was read. */
function longBytes(cursor: ByteCursor, byteCount: number): Uint8Array {
  if (byteCount > LONGEST_INTEGER) throw cursor.error(`an integer under ${LONGEST_INTEGER} bytes`, `${byteCount}`);
  return cursor.bytes(byteCount);
}

/** What an opcode does. */
export interface PickleOpcode {
  /** Passes over its operand, which it returns. */
  read: (cursor: ByteCursor) => unknown;
  /** Reads its operand and changes the machine. */
  step: (machine: PickleMachine) => void;
  /** Whether the operand is a number under which the memo is asked. */
  recalls: boolean;
  /** Whether it only says how the pickle is written: its protocol, or how long a part is. */
  frames: boolean;
}

type Row = readonly [code: string, opcode: PickleOpcode];

function withOperand<Operand>(
  code: string,
  read: (cursor: ByteCursor) => Operand,
  run: (machine: PickleMachine, operand: Operand) => void,
): Row {
  const frames = code === '\x80' || code === '\x95';
  return [code, { read, step: (machine) => run(machine, read(machine.cursor)), recalls: false, frames }];
}

function alone(code: string, step: (machine: PickleMachine) => void): Row {
  return [code, { read: () => undefined, step, recalls: false, frames: false }];
}

function recalling(code: string, read: (cursor: ByteCursor) => number): Row {
  return [code, { read, step: (machine) => machine.recall(read(machine.cursor)), recalls: true, frames: false }];
}

const line = (cursor: ByteCursor) => cursor.line();
const uint8 = (cursor: ByteCursor) => cursor.uint8();
const uint32 = (cursor: ByteCursor) => cursor.uint32();
const twoLines = (cursor: ByteCursor): [module: string, name: string] => [cursor.line(), cursor.line()];
const push = (machine: PickleMachine, value: unknown) => machine.push(value);
const pushText = (machine: PickleMachine, text: string) => machine.pushText(text);
const remember = (machine: PickleMachine, key: number) => machine.remember(key);
const call = (machine: PickleMachine) => {
  const [callee, args] = machine.popTuple(2);
  machine.call(callee, args);
};

/** Every opcode that is understood, by its byte; `.` (stop) ends the loop before this table is asked. */
export const PICKLE_OPCODES: readonly (PickleOpcode | undefined)[] = byCode([
  withOperand('\x80', uint8, (machine, version) => {
    if (version > 5) throw machine.bad('a pickle protocol from 0 to 5', `${version}`);
  }),
  withOperand(
    '\x95',
    (cursor) => cursor.checkLength(cursor.uint64()),
    () => undefined,
  ),
  alone('(', (machine) => machine.mark()),
  alone('0', (machine) => machine.discard()),
  alone('1', (machine) => void machine.popMark()),
  alone('2', (machine) => machine.push(machine.top())),
  // Constants and numbers.
  alone('N', (machine) => machine.push(null)),
  alone('\x88', (machine) => machine.push(true)),
  alone('\x89', (machine) => machine.push(false)),
  withOperand('I', line, (machine, text) => {
    if (text === '00' || text === '01') machine.push(text === '01');
    else machine.pushInteger(text);
  }),
  withOperand('L', line, (machine, text) => machine.pushInteger(text.replace(/L$/, ''))),
  withOperand('J', (cursor) => cursor.int32(), push),
  withOperand('K', uint8, push),
  withOperand('M', (cursor) => cursor.uint16(), push),
  withOperand(
    '\x8a',
    (cursor) => longBytes(cursor, cursor.uint8()),
    (machine, bytes) => machine.pushLong(bytes),
  ),
  withOperand(
    '\x8b',
    (cursor) => longBytes(cursor, cursor.uint32()),
    (machine, bytes) => machine.pushLong(bytes),
  ),
  withOperand('F', floatLine, push),
  withOperand('G', (cursor) => cursor.float64BigEndian(), push),
  // Texts (Python 2's byte strings are read as latin-1) and bytes.
  withOperand('S', decodeQuoted, pushText),
  withOperand('U', (cursor) => cursor.latin1(cursor.uint8()), pushText),
  withOperand('T', (cursor) => cursor.latin1(cursor.uint32()), pushText),
  withOperand('V', (cursor) => decodeRawUnicode(cursor.line()), pushText),
  withOperand('\x8c', (cursor) => cursor.utf8(cursor.uint8()), pushText),
  withOperand('X', (cursor) => cursor.utf8(cursor.uint32()), pushText),
  withOperand('\x8d', (cursor) => cursor.utf8(cursor.uint64()), pushText),
  withOperand('C', (cursor) => cursor.bytes(cursor.uint8()), push),
  withOperand('B', (cursor) => cursor.bytes(cursor.uint32()), push),
  withOperand('\x8e', (cursor) => cursor.bytes(cursor.uint64()), push),
  withOperand('\x96', (cursor) => cursor.bytes(cursor.uint64()), push),
  // Containers.
  alone(']', (machine) => machine.push([])),
  alone(')', (machine) => machine.push([])),
  alone('}', (machine) => machine.push(new Map())),
  alone('\x8f', (machine) => machine.push(new Set())),
  alone('l', (machine) => machine.push(machine.popMark())),
  alone('t', (machine) => machine.push(machine.popMark())),
  alone('\x85', (machine) => machine.push(machine.popTuple(1))),
  alone('\x86', (machine) => machine.push(machine.popTuple(2))),
  alone('\x87', (machine) => machine.push(machine.popTuple(3))),
  alone('d', (machine) => {
    const items = machine.popMark();
    machine.push(new Map());
    machine.setInTop(items);
  }),
  alone('\x91', (machine) => {
    const items = machine.popMark();
    machine.push(new Set());
    machine.addToTop(items);
  }),
  alone('a', (machine) => machine.extendTop([machine.pop()])),
  alone('e', (machine) => machine.extendTop(machine.popMark())),
  alone('s', (machine) => machine.setInTop(machine.popTuple(2))),
  alone('u', (machine) => machine.setInTop(machine.popMark())),
  alone('\x90', (machine) => machine.addToTop(machine.popMark())),
  // Memo.
  withOperand('p', memoLine, remember),
  withOperand('q', uint8, remember),
  withOperand('r', uint32, remember),
  alone('\x94', (machine) => machine.remember()),
  recalling('g', memoLine),
  recalling('h', uint8),
  recalling('j', uint32),
  // Names, calls and what they leave: all through the allow-list.
  withOperand('c', twoLines, (machine, [module, name]) => machine.push(machine.find(module, name))),
  alone('\x93', (machine) => {
    const [module, name] = machine.popTuple(2);
    if (typeof module !== 'string' || typeof name !== 'string') throw machine.bad('the name of a class', 'no text');
    machine.push(machine.find(module, name));
  }),
  alone('R', call),
  alone('\x81', call),
  withOperand('i', twoLines, (machine, [module, name]) => machine.call(machine.find(module, name), machine.popMark())),
  alone('o', (machine) => {
    const [callee, ...args] = machine.popMark();
    machine.call(callee, args);
  }),
  alone('b', (machine) => machine.build(machine.pop())),
  alone('Q', (machine) => machine.persistent(machine.pop())),
]);

function byCode(rows: readonly Row[]): (PickleOpcode | undefined)[] {
  const table = new Array<PickleOpcode | undefined>(256).fill(undefined);
  for (const [code, opcode] of rows) table[code.charCodeAt(0)] = opcode;
  return table;
}
