import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSafetensors, readSafetensors, writeSafetensors } from '../../lib/formats/safetensors.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { errorOf, fixture, steps } from './fixture.js';

/** A file with this header and as many data bytes. */
function file(header: unknown, dataBytes = 0, declared?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(declared ?? BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

const entry = (begin: number, end: number, shape = [end - begin], dtype = 'U8') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('readSafetensors', () => {
  it('reads every type', () => {
    const { tensors, metadata } = readSafetensors(fixture('all-types.safetensors'));
    const shape = [2, 3];
    expect(tensors).toEqual(
      new Map<string, unknown>([
        ['f64', { data: Float64Array.from(steps(2, 3)), shape }],
        ['f32', { data: Float32Array.from(steps(2, 3)), shape }],
        ['f16', { data: Float32Array.from(steps(2, 3)), shape }],
        ['bf16', { data: Float32Array.from(steps(2, 3)), shape }],
        ['i64', { data: BigInt64Array.from(steps(2, 3), BigInt), shape }],
        ['u8', { data: Uint8Array.from(steps(2, 3)), shape }],
        ['bool', { data: Uint8Array.of(1, 0), shape: [2] }],
        ['scalar', { data: Float32Array.of(2.5), shape: [] }],
        ['empty', { data: new Float32Array(0), shape: [0, 4] }],
      ]),
    );
    expect(metadata).toEqual({ config: '{"N": 27}', format: 'pt' });
  });

  it('reads one tensor, or its stored bytes, from an open file', () => {
    const open = openSafetensors(fixture('all-types.safetensors'));
    expect(open.entries.get('f16')).toMatchObject({ dtype: 'F16', shape: [2, 3], bytes: 12 });
    expect(open.read('f16').data).toEqual(Float32Array.from(steps(2, 3)));
    expect(Array.from(open.readRaw('f16').subarray(2, 4))).toEqual([0x00, 0x3c]);
    expect(errorOf(() => open.read('weights')).message).toContain('a tensor "weights"');
    open.close();
  });

  it.each<[string, Uint8Array, string]>([
    ['an overlap', file({ a: entry(0, 4), b: entry(2, 6) }, 6), 'without gap or overlap'],
    ['a hole', file({ a: entry(0, 4), b: entry(5, 6) }, 6), 'without gap or overlap'],
    ['a hole at the start', file({ a: entry(1, 4) }, 4), 'without gap or overlap'],
    ['bytes behind the data', file({ a: entry(0, 4) }, 5), 'the end of the file'],
    ['data that are cut', file({ a: entry(0, 4) }, 3), 'the end of the file'],
    ['a shape that disagrees', file({ a: entry(0, 4, [5]) }, 4), '5 bytes of data'],
    ['a negative shape', file({ a: entry(0, 4, [-4, -1]) }, 4), 'whole numbers'],
    ['a shape that overflows', file({ a: entry(0, 0, [2 ** 40, 2 ** 40]) }), 'a shape that fits'],
    ['offsets that run back', file({ a: entry(4, 0, [0]) }, 4), 'data_offsets'],
    ['another key', file({ a: { ...entry(0, 4), extra: 1 } }, 4), 'other keys'],
    ['a list as header', file('[1, 2]', 0), 'starts with "{"'],
    ['no JSON', file('{"a": ', 0), 'a JSON header'],
    ['bytes that are no UTF-8', file('{"a": ', 0).with(10, 0xff), 'a JSON header'],
    ['a header longer than the file', file('{}', 0, 1000n), 'a header of 2 to'],
    ['a header over 100 MB', file('{}', 0, 2n ** 60n), 'a header of 2 to'],
    ['metadata that are no texts', file({ __metadata__: { n: 27 } }), 'texts in __metadata__'],
    ['nothing', new Uint8Array(0), 'an empty file'],
  ])('refuses %s', (_, bytes, message) => {
    const error = errorOf(() => readSafetensors(bytes));
    expect(error.code).toBe('ERR_FORMAT');
    expect(error.message).toContain(message);
  });

  it('names a dtype that it does not know, and a tensor over the limit', () => {
    expect(errorOf(() => readSafetensors(file({ a: entry(0, 4, [4], 'F8') }, 4))).code).toBe('ERR_UNSUPPORTED');
    expect(errorOf(() => readSafetensors(fixture('all-types.safetensors'), { limitBytes: 47 })).code).toBe('ERR_LIMIT');
  });

  it('refuses a header that grows into far more memory than it takes', () => {
    const header = `{"a":${'['.repeat(3_000_000)}`;
    expect(errorOf(() => readSafetensors(file(header))).code).toBe('ERR_LIMIT');
  });
});

describe('writeSafetensors', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'model.safetensors');

  it('is read back as it was, odd names and types included', () => {
    const tensors = new Map<
      string,
      { data: Float32Array | Uint8Array | BigInt64Array | Float64Array; shape: number[] }
    >([
      ['mask', { data: Uint8Array.of(1, 0, 1), shape: [3] }],
      ['a.weight', { data: Float32Array.of(1.5, -2), shape: [2, 1] }],
      ['__proto__', { data: Float64Array.of(Math.PI), shape: [] }],
      ['größe "x"', { data: BigInt64Array.of(-1n), shape: [1] }],
      ['empty', { data: new Float32Array(0), shape: [0] }],
    ]);
    writeSafetensors(path, tensors, { note: 'ä\n"' });
    const back = readSafetensors(path);
    expect(new Map([...back.tensors].sort())).toEqual(new Map([...tensors].sort()));
    expect(back.metadata).toEqual({ note: 'ä\n"' });
    const open = openSafetensors(path);
    for (const { dtype, offset } of open.entries.values()) {
      expect(offset % (Number(dtype.replace(/\D/g, '')) / 8)).toBe(0);
    }
    open.close();
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
  });

  it('stores halves when asked to, float32 ones only', () => {
    writeSafetensors(
      path,
      { w: { data: Float32Array.of(1, 1 / 3), shape: [2] }, n: { data: Float64Array.of(1 / 3), shape: [1] } },
      {},
      { half: true },
    );
    const { tensors } = readSafetensors(path);
    expect(tensors.get('w')?.data).toEqual(Float32Array.of(1, 0.333251953125));
    expect(tensors.get('n')?.data).toEqual(Float64Array.of(1 / 3));
  });

  it('refuses a value that a half cannot hold, and keeps the old file', () => {
    writeFileSync(path, 'old');
    const big = { data: Float32Array.of(70000), shape: [1] };
    expect(errorOf(() => writeSafetensors(path, { big }, {}, { half: true })).message).toContain('"big" holds 70000');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['model.safetensors']);
    writeSafetensors(path, { big });
    expect(readSafetensors(path).tensors.get('big')).toEqual(big);
  });

  it('says so when the folder is missing or a shape disagrees', () => {
    expect(errorOf(() => writeSafetensors(join(folder, 'no', 'x.safetensors'), {})).code).toBe('ERR_FILE');
    const bad = { data: Float32Array.of(1), shape: [2] };
    expect(errorOf(() => writeSafetensors(path, { bad })).code).toBe('ERR_ARGUMENT');
  });
});
