import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../lib/formats/bytes/byte-source.js';
import { readNpy } from '../../lib/formats/numpy/npy.js';
import { pickledList, pickledObjects, readPickle } from '../../lib/formats/pickle/pickle.js';
import type { ObjectArray } from '../../lib/formats/pickle/value.js';
import { ZipReader } from '../../lib/formats/zip/zip.js';
import { errorOf, fixture, steps } from './fixture.js';

const read = (bytes: Uint8Array) => readPickle(bytes, { where: 'test.pkl' });

describe('readPickle', () => {
  const tuples = [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4]];
  const plain = new Map<unknown, unknown>([
    ['none', null],
    ['truths', [true, false]],
    ['integers', [0, 255, 256, 65535, 65536, -1, -(2 ** 31), 2 ** 31, 2n ** 53n, -(2n ** 63n), 2n ** 200n]],
    ['floats', [0.5, -1e300, Number.POSITIVE_INFINITY]],
    ['texts', ['', 'plain', 'café 😀', "line\nbreak \\ quote'", 'x'.repeat(300)]],
    ['bytes', [new Uint8Array(0), Uint8Array.of(0, 255), new Uint8Array(300).fill(121)]],
    ['tuples', tuples],
    ['sets', [new Set([1, 2]), new Set(['a'])]],
    [
      'ordered',
      new Map([
        ['b', 1],
        ['a', 2],
      ]),
    ],
    [3, new Map([['nested', new Map([['deep', [[[1]]]]])]])],
    ['again', tuples],
  ]);
  it.each([0, 1, 2, 3, 4, 5])('reads plain data of protocol %i', (protocol) => {
    const value = read(readFileSync(fixture(`plain-protocol${protocol}.pkl`))) as Map<unknown, unknown>;
    expect(normalise(value)).toEqual(normalise(plain));
    expect(value.get('again')).toBe(value.get('tuples'));
  });

  it('reads bytearrays, and what Python 2 wrote', () => {
    expect(Array.from(read(readFileSync(fixture('bytearray.pkl'))) as Uint8Array)).toEqual([97, 98, 99]);
    expect(read(readFileSync(fixture('python2.pkl')))).toEqual(
      new Map<unknown, unknown>([
        ['key\nA', 12345678901234567890n],
        ['raw', -7],
      ]),
    );
  });

  const nested = new Map<string, unknown>([
    ['fortran', { data: Float32Array.from(steps(2, 3)), shape: [2, 3] }],
    ['big', { data: Float64Array.of(0, 1), shape: [2] }],
    ['texts', { strings: ['a', 'bc'], shape: [2] }],
    ['objects', { objects: [1, 'two', null, { data: Float32Array.of(0, 1), shape: [2] }], shape: [2, 2] }],
    ['scalar', 1.5],
    ['truth', true],
    ['whole', -3],
  ]);
  it.each(['protocol0', 'protocol1', 'protocol2', 'protocol3', 'protocol4', 'protocol5', 'numpy1'])(
    'reads arrays, nested ones too, of %s',
    (name) => {
      const array = readNpy(fixture(`objects-${name}.npy`)) as ObjectArray;
      expect(array.shape).toEqual([]);
      expect(array.objects).toEqual([nested]);
    },
  );

  it('refuses bytes behind the pickle', () => {
    const bytes = Buffer.concat([readFileSync(fixture('bytearray.pkl')), Buffer.alloc(3)]);
    expect(errorOf(() => read(bytes)).message).toBe(
      'test.pkl: at byte 25: expected the end of the pickle, got 3 more bytes.',
    );
  });
});

describe('the objects of an array', () => {
  /** A pickled array of `count` objects; `items` is the opcodes of its list's items, `top` what comes behind the list. */
  const objects = (count: number, items: string, list = ']', top = 'tb.') =>
    Buffer.from(
      'cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01' +
        `K${String.fromCharCode(count)}\x85cnumpy\ndtype\nU\x02O8\x89\x88\x87R(K\x03U\x01|NNNK\x00K\x00K\x3ftb\x89${list}(${items}e${top}`,
      'latin1',
    );
  const given = (bytes: Uint8Array, count: number) => [...pickledObjects(bytes, [count], { where: 'test.pkl' })];

  it('are given as they are made, the same ones where the pickle asks for them again', () => {
    const list = given(objects(4, ']q\x05(K\x07eNh\x05]q\x06K\x08a'), 4);
    expect(list).toEqual([[7], null, [7], [8]]);
    expect(list[2]).toBe(list[0]);
  });

  it('count what was put aside, though nothing asks for it again', () => {
    expect(given(objects(3, ']\x94](K\x05e\x94h\x01'), 3)).toEqual([[], [5], [5]]);
    expect(given(objects(4, ']q\x05]q\x04]K\x06a\x94h\x02'), 4)).toEqual([[], [], [6], [6]]);
    expect(given(objects(4, ']q\x01]q\x02]K\x06a\x94h\x02'), 4)).toEqual([[], [], [6], [6]]);
  });

  it('are refused before they reach the reader where one contains itself', () => {
    expect(() => given(objects(2, 'Nh\x09', ']q\x09'), 2)).toThrow(/a value that contains itself/);
    expect(() => given(objects(2, 'N]q\x09h\x09a'), 2)).toThrow(/a value that contains itself/);
  });

  it('are refused behind the last where the array is another', () => {
    const stream = pickledObjects(objects(2, 'K\x01K\x02'), [3], { where: 'test.pkl' });
    expect([stream.next().value, stream.next().value]).toEqual([1, 2]);
    expect(() => stream.next()).toThrow(/expected a pickled object array of shape \(3\), got something else/);
    expect(() => given(objects(3, 'K\x01K\x02'), 3)).toThrow(/as many objects as the array has places/);
    expect(() => given(objects(2, 'K\x01K\x02', ']', 'tbN.'), 2)).toThrow(/pickled object array/);
    expect(() => given(objects(2, 'K\x01K\x02', ']', 'tb.N'), 2)).toThrow(/end of the pickle, got 1 more/);
  });

  it('may be many small ones: a list of small integers takes some times its bytes', () => {
    const ints = Buffer.alloc(10_000_000, 'K\x01', 'latin1');
    const bytes = Buffer.concat([Buffer.from('](', 'latin1'), ints, Buffer.from('e.', 'latin1')]);
    expect((read(bytes) as number[]).length).toBe(5_000_000);
  });
});

describe('the items of a list', () => {
  const listed = (text: string) => pickledList(Buffer.from(text, 'latin1'), { where: 'test.pkl' });

  it('are those of the list, as often as somebody asks', () => {
    const list = listed('\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00]\x94(K\x05]\x94h\x01Ne.')!;
    const whole = read(Buffer.from('\x80\x04]\x94(K\x05]\x94h\x01Ne.', 'latin1'));
    for (let time = 0; time < 2; time++) expect([...list]).toEqual(whole);
    expect([...listed(']K\x01aK\x02a.')!]).toEqual([1, 2]);
  });

  it('take the memory of those that are in hand, or that an older list holds', () => {
    const times = (batch: string) => listed(`](]q\x01e${batch.repeat(20)}.`)!;
    const lists = `(${']'.repeat(100_000)}e`;
    let count = 0;
    for (const _ of times(`(]${lists}e`)) count++;
    expect(count).toBe(21);
    for (const growing of [`(h\x01${lists}e`, `(]q\x01${lists}h\x01e`]) {
      expect(errorOf(() => [...times(growing)]).code).toBe('ERR_LIMIT');
    }
  });

  it('are none where the whole is something else', () => {
    for (const text of [').', ']\x85.', '](K\x01e\x85.', '}(K\x01K\x02u.', '](K\x01e0N.']) {
      expect(listed(text), text).toBeUndefined();
    }
    expect(() => [...listed('](K\x01e](K\x02e.')!]).toThrow(/the list that the pickle begins with/);
    expect(() => [...listed(']q\x01(h\x01e.')!]).toThrow(/a value that contains itself/);
  });
});

/** Buffers and plain byte arrays compare alike. */
function normalise(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(normalise);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, normalise(item)]));
  return value;
}

describe('a malicious pickle', () => {
  const zip = new ZipReader(memorySource(readFileSync(fixture('malicious.zip')), 'malicious.zip'));
  const refused: Record<string, [code: string, message: string]> = {
    'os-system': ['ERR_FORMAT', '"os.system"'],
    'posix-system': ['ERR_FORMAT', '"posix.system"'],
    eval: ['ERR_FORMAT', '"builtins.eval"'],
    'exec-python2': ['ERR_FORMAT', '"__builtin__.exec"'],
    'stack-global': ['ERR_FORMAT', '"os.system"'],
    inst: ['ERR_FORMAT', '"os.system"'],
    obj: ['ERR_FORMAT', '"os.system"'],
    newobj: ['ERR_FORMAT', '"subprocess.Popen"'],
    extension: ['ERR_FORMAT', 'opcode'],
    getattr: ['ERR_FORMAT', '"builtins.getattr"'],
    prototype: ['ERR_FORMAT', '"__proto__.constructor"'],
    inherited: ['ERR_FORMAT', '"constructor."'],
    nested: ['ERR_FORMAT', '"os.system"'],
    build: ['ERR_FORMAT', '"os.system"'],
    'function-as-value': ['ERR_FORMAT', '"collections.OrderedDict"'],
    persistent: ['ERR_FORMAT', 'persistent id'],
    loop: ['ERR_FORMAT', 'contains itself'],
    deep: ['ERR_FORMAT', 'levels of nesting'],
    laughs: ['ERR_FORMAT', 'levels of nesting'],
    'long-integer': ['ERR_FORMAT', 'an integer'],
    'huge-text': ['ERR_FORMAT', '4294967295 more bytes'],
    'huge-bytes8': ['ERR_FORMAT', 'more bytes'],
    'huge-frame': ['ERR_FORMAT', 'more bytes'],
    'many-lists': ['ERR_LIMIT', 'memory'],
    unbalanced: ['ERR_FORMAT', 'mark'],
    'no-stop': ['ERR_FORMAT', 'more bytes'],
  };

  it('has a case for every file', () => {
    expect([...zip.entries.keys()].sort()).toEqual(Object.keys(refused).sort());
  });

  it.each(Object.entries(refused))('%s is refused by %j', (name, [code, message]) => {
    const error = errorOf(() => read(zip.read(name)));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(existsSync('/tmp/pstmo-pwned')).toBe(false);
  });

  it('is refused inside a .npy, with the offset in the file', () => {
    const error = errorOf(() => readNpy(fixture('malicious.npy')));
    expect(error.message).toMatch(/malicious\.npy: at byte 139: expected plain data.*"os\.system"/);
  });
});
