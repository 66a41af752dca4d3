import { printable } from '../format-error.js';
import type { PickleMachine } from './machine.js';

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
function decodeQuoted(machine: PickleMachine, line: string): string {
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || line.at(-1) !== quote) {
    throw machine.bad('a quoted text', printable(line));
  }
  return line.slice(1, -1).replace(/\\(x[\da-fA-F]{2}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (code.length === 3 && code[0] === 'x') return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return ESCAPES[code] ?? code;
  });
}

function parseFloatLine(machine: PickleMachine, line: string): number {
  const special = SPECIAL_FLOATS.get(line);
  if (special !== undefined) return special;
  if (line.length > 400 || !/^-?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(line)) throw machine.bad('a float', printable(line));
  return Number(line);
}

type Step = (machine: PickleMachine) => void;

/** Every opcode that is understood, by its byte as a character; `.` (stop) ends the loop before this table is asked. */
export const PICKLE_OPCODES: ReadonlyMap<string, Step> = new Map<string, Step>([
  [
    '\x80',
    (machine) => {
      const version = machine.cursor.uint8();
      if (version > 5) throw machine.bad('a pickle protocol from 0 to 5', `${version}`);
    },
  ],
  ['\x95', ({ cursor }) => cursor.checkLength(cursor.uint64())],
  ['(', (machine) => machine.mark()],
  ['0', (machine) => machine.discard()],
  ['1', (machine) => void machine.popMark()],
  ['2', (machine) => machine.push(machine.top())],
  // Constants and numbers.
  ['N', (machine) => machine.push(null)],
  ['\x88', (machine) => machine.push(true)],
  ['\x89', (machine) => machine.push(false)],
  [
    'I',
    (machine) => {
      const line = machine.cursor.line();
      if (line === '00' || line === '01') machine.push(line === '01');
      else machine.pushInteger(line);
    },
  ],
  ['L', (machine) => machine.pushInteger(machine.cursor.line().replace(/L$/, ''))],
  ['J', (machine) => machine.push(machine.cursor.int32())],
  ['K', (machine) => machine.push(machine.cursor.uint8())],
  ['M', (machine) => machine.push(machine.cursor.uint16())],
  ['\x8a', (machine) => machine.pushLong(machine.cursor.uint8())],
  ['\x8b', (machine) => machine.pushLong(machine.cursor.uint32())],
  ['F', (machine) => machine.push(parseFloatLine(machine, machine.cursor.line()))],
  ['G', (machine) => machine.push(machine.cursor.float64BigEndian())],
  // Texts (Python 2's byte strings are read as latin-1) and bytes.
  ['S', (machine) => machine.pushText(decodeQuoted(machine, machine.cursor.line()))],
  ['U', (machine) => machine.pushText(machine.cursor.latin1(machine.cursor.uint8()))],
  ['T', (machine) => machine.pushText(machine.cursor.latin1(machine.cursor.uint32()))],
  ['V', (machine) => machine.pushText(decodeRawUnicode(machine.cursor.line()))],
  ['\x8c', (machine) => machine.pushText(machine.cursor.utf8(machine.cursor.uint8()))],
  ['X', (machine) => machine.pushText(machine.cursor.utf8(machine.cursor.uint32()))],
  ['\x8d', (machine) => machine.pushText(machine.cursor.utf8(machine.cursor.uint64()))],
  ['C', (machine) => machine.push(machine.cursor.bytes(machine.cursor.uint8()))],
  ['B', (machine) => machine.push(machine.cursor.bytes(machine.cursor.uint32()))],
  ['\x8e', (machine) => machine.push(machine.cursor.bytes(machine.cursor.uint64()))],
  ['\x96', (machine) => machine.push(machine.cursor.bytes(machine.cursor.uint64()))],
  // Containers.
  [']', (machine) => machine.push([])],
  [')', (machine) => machine.push([])],
  ['}', (machine) => machine.push(new Map())],
  ['\x8f', (machine) => machine.push(new Set())],
  ['l', (machine) => machine.push(machine.popMark())],
  ['t', (machine) => machine.push(machine.popMark())],
  ['\x85', (machine) => machine.push(machine.popTuple(1))],
  ['\x86', (machine) => machine.push(machine.popTuple(2))],
  ['\x87', (machine) => machine.push(machine.popTuple(3))],
  [
    'd',
    (machine) => {
      const items = machine.popMark();
      machine.push(new Map());
      machine.setInTop(items);
    },
  ],
  [
    '\x91',
    (machine) => {
      const items = machine.popMark();
      machine.push(new Set());
      machine.addToTop(items);
    },
  ],
  ['a', (machine) => machine.extendTop([machine.pop()])],
  ['e', (machine) => machine.extendTop(machine.popMark())],
  ['s', (machine) => machine.setInTop(machine.popTuple(2))],
  ['u', (machine) => machine.setInTop(machine.popMark())],
  ['\x90', (machine) => machine.addToTop(machine.popMark())],
  // Memo.
  ['p', (machine) => machine.remember(machine.memoLine())],
  ['q', (machine) => machine.remember(machine.cursor.uint8())],
  ['r', (machine) => machine.remember(machine.cursor.uint32())],
  ['\x94', (machine) => machine.remember()],
  ['g', (machine) => machine.recall(machine.memoLine())],
  ['h', (machine) => machine.recall(machine.cursor.uint8())],
  ['j', (machine) => machine.recall(machine.cursor.uint32())],
  // Names, calls and what they leave: all through the allow-list.
  ['c', (machine) => machine.push(machine.find(machine.cursor.line(), machine.cursor.line()))],
  [
    '\x93',
    (machine) => {
      const [module, name] = machine.popTuple(2);
      if (typeof module !== 'string' || typeof name !== 'string') throw machine.bad('the name of a class', 'no text');
      machine.push(machine.find(module, name));
    },
  ],
  [
    'R',
    (machine) => {
      const [callee, args] = machine.popTuple(2);
      machine.call(callee, args);
    },
  ],
  [
    '\x81',
    (machine) => {
      const [callee, args] = machine.popTuple(2);
      machine.call(callee, args);
    },
  ],
  ['i', (machine) => machine.call(machine.find(machine.cursor.line(), machine.cursor.line()), machine.popMark())],
  [
    'o',
    (machine) => {
      const [callee, ...args] = machine.popMark();
      machine.call(callee, args);
    },
  ],
  ['b', (machine) => machine.build(machine.pop())],
  ['Q', (machine) => machine.persistent(machine.pop())],
]);
