// Makes the mutants that the readers are tried on: seeded, so that reader, seed and index always give the same file.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';

const fixtures = path.join(path.resolve(import.meta.dirname, '../..'), 'test/fixtures/formats');

/** Numbers that programs trip over, as sizes, counts and offsets. */
const hostileNumbers = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xfffffff0n,
  0xffffffffn,
  0x100000000n,
  0x1fffffffffffffn,
  0x7fffffffffffffffn,
  0xffffffffffffffffn,
];
const hostileTexts = [
  '0',
  '-1',
  '1e999',
  'NaN',
  '99999999999',
  '9007199254740993',
  '0.1',
  '',
  '1000000000',
  'null',
  '[]',
];
const tokens = ['{', '}', '[', ']', '"', ',', ':', '\n', '\\', '\0', '  ', 'true', 'End Site', '((', "'", '\u00e9'];

/**
 * Uniform numbers in [0, 1) from a text.
 * @param {string} text
 * @returns {() => number}
 */
export function randomFrom(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.codePointAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Dice {
  constructor(text) {
    this.random = randomFrom(text);
  }

  below(count) {
    return Math.floor(this.random() * count);
  }

  pick(items) {
    return items[this.below(items.length)];
  }
}

function spliced(bytes, at, removed, added = Buffer.alloc(0)) {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}

const byteMutations = [
  (bytes, dice) => bytes.subarray(0, dice.below(bytes.length)),
  function flipBits(bytes, dice) {
    for (let i = dice.below(8); i >= 0; i--) bytes[dice.below(bytes.length)] ^= 1 << dice.below(8);
    return bytes;
  },
  function flipEarlyBits(bytes, dice) {
    for (let i = dice.below(4); i >= 0; i--) bytes[dice.below(Math.min(bytes.length, 200))] ^= 1 << dice.below(8);
    return bytes;
  },
  function overwrite(bytes, dice) {
    for (let i = dice.below(6); i >= 0; i--)
      bytes[dice.below(bytes.length)] = dice.pick([0, 1, 0x7f, 0x80, 0xff, dice.below(256)]);
    return bytes;
  },
  function hostileSize(bytes, dice) {
    const width = dice.pick([2, 4, 8]);
    if (bytes.length < width) return bytes;
    const at = dice.below(bytes.length - width + 1);
    const value = Buffer.alloc(8);
    const number = dice.pick(hostileNumbers);
    if (dice.below(4) > 0) value.writeBigUInt64LE(number);
    else value.writeBigUInt64BE(BigInt.asUintN(64, number << BigInt(64 - 8 * width)));
    value.copy(bytes, at, 0, width);
    return bytes;
  },
  (bytes, dice) => spliced(bytes, dice.below(bytes.length), 1 + dice.below(64)),
  function repeat(bytes, dice) {
    const at = dice.below(bytes.length);
    const piece = bytes.subarray(at, at + 1 + dice.below(64));
    return spliced(bytes, at, 0, Buffer.concat(Array.from({ length: dice.pick([1, 2, 50, 2000]) }, () => piece)));
  },
  (bytes, dice) =>
    spliced(
      bytes,
      dice.below(bytes.length),
      0,
      Buffer.from(Array.from({ length: 1 + dice.below(16) }, () => dice.below(256))),
    ),
];

/** A number in readable text becomes a hostile one, or a token of text formats goes astray. */
function mutateText(bytes, dice) {
  const text = bytes.toString('latin1');
  const numbers = [...text.matchAll(/-?\d+(\.\d+)?/g)];
  if (numbers.length > 0 && dice.below(3) > 0) {
    const { index, 0: digits } = dice.pick(numbers);
    return spliced(bytes, index, digits.length, Buffer.from(dice.pick(hostileTexts)));
  }
  const added = dice.below(10) === 0 ? dice.pick(['[', '{"a":', '(']).repeat(20000) : dice.pick(tokens);
  return spliced(bytes, dice.below(text.length), dice.below(3), Buffer.from(added));
}

const opcodes = Buffer.from(
  '(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu}])\x80\x81\x82\x85\x86\x87\x88\x8a\x8b\x8c\x8e\x8f\x90\x93\x94\x95\x96',
  'latin1',
);
const calls = [
  'cos\nsystem\n',
  'cbuiltins\neval\n',
  'c__builtin__\nexec\n',
  'csubprocess\nPopen\n',
  '\x8c\x02os\x8c\x06system\x93',
];

/** Another opcode, a call of the system, or a whole hostile pickle. `canary` is what the call would make. */
function mutatePickle(bytes, dice, { hostilePickles, canary }) {
  const choice = dice.below(10);
  if (choice === 0) return Buffer.from(dice.pick(hostilePickles));
  const at = dice.below(bytes.length);
  if (choice < 6)
    return spliced(bytes, at, 1, opcodes.subarray(...[dice.below(opcodes.length)].flatMap((i) => [i, i + 1])));
  const call = Buffer.from(`${dice.pick(calls)}(S'touch ${canary}'\ntR`, 'latin1');
  if (choice < 8) return spliced(bytes, at, 0, call);
  const global = bytes.indexOf('c', at);
  const end = bytes.indexOf('\n', bytes.indexOf('\n', global) + 1);
  return global >= 0 && end > global
    ? spliced(bytes, global, end + 1 - global, call.subarray(0, call.indexOf('(')))
    : bytes;
}

/** Unpacks an archive, mutates one member, and packs it again with right sizes and checksum. */
function mutateMember(bytes, dice, tools, kinds) {
  const { ZipReader, ZipWriter, memorySource } = tools;
  const reader = new ZipReader(memorySource(bytes, 'seed'));
  const pieces = [];
  const writer = new ZipWriter((piece) => pieces.push(Buffer.from(piece)));
  const names = [...reader.entries.keys()];
  const chosen = dice.below(3) === 0 ? names.find((name) => name.endsWith('data.pkl')) : undefined;
  const victim = chosen ?? dice.pick(names);
  for (const name of names) {
    const content = Buffer.from(reader.read(name));
    const mutated = name === victim && content.length > 0 ? mutate(content, dice, tools, kinds) : content;
    if (name !== victim || dice.below(20) > 0) writer.add(name, mutated, dice.below(2) === 0);
  }
  writer.finish();
  return Buffer.concat(pieces);
}

/** Mutates one variable of a MATLAB 5 file that is not packed, and packs it. */
function mutatePacked(bytes, dice, tools) {
  const pieces = [bytes.subarray(0, 128)];
  for (let at = 128; at + 8 <= bytes.length; ) {
    const length = 8 + bytes.readUInt32LE(at + 4);
    const variable = Buffer.from(bytes.subarray(at, at + length));
    const packed = deflateSync(dice.below(4) === 0 ? mutate(variable, dice, tools, []) : variable);
    const tag = Buffer.alloc(8);
    tag.writeUInt32LE(15, 0);
    tag.writeUInt32LE(packed.length, 4);
    pieces.push(tag, packed);
    at += length;
  }
  return Buffer.concat(pieces);
}

function mutate(bytes, dice, tools, kinds) {
  let result = Buffer.from(bytes);
  for (let i = dice.pick([1, 1, 1, 2, 3]); i > 0 && result.length > 0; i--) {
    const kind = dice.pick(['bytes', 'bytes', 'text', ...kinds]);
    if (kind === 'bytes') result = Buffer.from(dice.pick(byteMutations)(result, dice));
    if (kind === 'text') result = mutateText(result, dice);
    if (kind === 'pickle') result = mutatePickle(result, dice, tools);
  }
  return result;
}

/**
 * Loads the parts of the package that mutating needs, and the hostile pickles of the fixtures.
 * @param {import('./readers.mjs').LoadModule} load
 * @param {string} canary
 */
export async function fuzzTools(load, canary) {
  const { ZipReader } = await load('formats/zip/zip');
  const { ZipWriter } = await load('formats/zip/zip-writer');
  const { memorySource } = await load('formats/bytes/byte-source');
  const archive = new ZipReader(memorySource(readFileSync(path.join(fixtures, 'malicious.zip')), 'malicious.zip'));
  const hostilePickles = [...archive.entries.keys()].map((name) => archive.read(name));
  return { ZipReader, ZipWriter, memorySource, hostilePickles, canary };
}

/**
 * Mutant number `index` of a reader's seeds.
 * @param {import('./readers.mjs').FuzzReader} reader
 * @param {readonly Uint8Array[]} seeds
 * @param {number} index
 * @param {string} seed
 * @param {{ hostilePickles: Uint8Array[], canary: string }} tools
 * @returns {Buffer}
 */
export function mutantOf(reader, seeds, index, seed, tools) {
  const dice = new Dice(`${seed}/${reader.name}/${index}`);
  if (reader.mutant) return reader.mutant(dice);
  const bytes = Buffer.from(dice.pick(seeds));
  const kinds = reader.kinds ?? [];
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  if (kinds.includes('zip') && isZip && dice.below(4) > 0) return mutateMember(bytes, dice, tools, ['pickle']);
  if (kinds.includes('packed') && dice.below(3) === 0) return mutatePacked(bytes, dice, tools);
  return mutate(
    bytes,
    dice,
    tools,
    kinds.filter((kind) => kind === 'pickle'),
  );
}
