import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TensorData } from '../../lib/base/tensor.js';
import { readNpy } from '../../lib/formats/numpy/npy.js';
import { writeNpy } from '../../lib/formats/numpy/npy-writer.js';
import { errorOf, fixture, steps } from './fixture.js';

describe('readNpy', () => {
  it.each([1, 2, 3])('reads version %i', (version) => {
    expect(readNpy(fixture(`version${version}.npy`))).toEqual({ data: Float32Array.from(steps(2, 3)), shape: [2, 3] });
  });

  it('gives bytes and path alike, without holding on to the bytes', () => {
    const bytes = readFileSync(fixture('version1.npy'));
    const value = readNpy(bytes);
    bytes.fill(0);
    expect(value).toEqual(readNpy(fixture('version1.npy')));
  });

  it.each(['structured.npy', 'complex.npy'])('says that %s is not supported', (name) => {
    expect(errorOf(() => readNpy(fixture(name)))).toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });

  it('names file, offset, expectation and what came when the data are cut', () => {
    const bytes = readFileSync(fixture('version1.npy'));
    const error = errorOf(() => readNpy(bytes.subarray(0, 140), { where: 'cut.npy' }));
    expect(error.code).toBe('ERR_FORMAT');
    expect(error.message).toBe('cut.npy: at byte 128: expected 24 bytes of data, got 12.');
  });

  it('refuses bytes behind the data', () => {
    const bytes = Buffer.concat([readFileSync(fixture('version1.npy')), Buffer.alloc(1)]);
    expect(errorOf(() => readNpy(bytes)).message).toContain('expected 24 bytes of data, got 25');
  });

  it.each([
    ["'shape': (2, 3)", "'shape': (2, X)"],
    ["'shape': (2, 3)", "'shape': (1 1, )"],
    ["'shape': (2, 3)", "'shape': 'ab', "],
    ["'descr'", "'dascr'"],
    ['False', 'Maybe'],
    ["'<f4'", "'<q4'"],
    ['\x93NUMPY', '\x93NUMPX'],
  ])('refuses a header with %s turned into %s', (from, to) => {
    const text = readFileSync(fixture('version1.npy')).toString('latin1');
    const changed = Buffer.from(text.replace(from, to.padEnd(from.length)), 'latin1');
    expect(['ERR_FORMAT', 'ERR_UNSUPPORTED']).toContain(errorOf(() => readNpy(changed)).code);
  });

  it.each([
    ['(9999999999999, 9999999999999)', 'ERR_FORMAT'],
    ['(2000000000,)', 'ERR_LIMIT'],
    ['(20000000,)', 'ERR_FORMAT'],
  ])('refuses shape %s before it takes memory', (shape, code) => {
    const dict = `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117);
    const bytes = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${dict}\n`)]);
    expect(errorOf(() => readNpy(bytes)).code).toBe(code);
  });

  it('refuses a billion empty texts', () => {
    const dict = `{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000,), }`.padEnd(117);
    const bytes = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00\x76\x00', 'latin1'), Buffer.from(`${dict}\n`)]);
    expect(errorOf(() => readNpy(bytes)).code).toBe('ERR_LIMIT');
  });

  it('holds to limitBytes', () => {
    expect(errorOf(() => readNpy(fixture('version1.npy'), { limitBytes: 23 })).code).toBe('ERR_LIMIT');
    expect(readNpy(fixture('version1.npy'), { limitBytes: 24 })).toMatchObject({ shape: [2, 3] });
  });

  it('says which file is missing', () => {
    const error = errorOf(() => readNpy('no-such-file.npy'));
    expect(error.code).toBe('ERR_FILE');
    expect(error.message).toContain('no-such-file.npy');
  });
});

describe('writeNpy', () => {
  const arrays: TensorData[] = [
    Float32Array.of(1.5, -0),
    Float64Array.of(Math.PI, Number.NaN),
    Int8Array.of(-128, 127),
    Int16Array.of(-5, 5),
    Int32Array.of(-(2 ** 31), 7),
    BigInt64Array.of(-(2n ** 63n), 1n),
    Uint8Array.of(0, 255),
    Uint16Array.of(0, 65535),
    Uint32Array.of(0, 2 ** 32 - 1),
    BigUint64Array.of(0n, 2n ** 64n - 1n),
  ];
  it.each(arrays.map((data) => ({ name: data.constructor.name, data })))('keeps $name', ({ data }) => {
    expect(readNpy(writeNpy({ data, shape: [2, 1] }))).toEqual({ data, shape: [2, 1] });
    expect(readNpy(writeNpy({ data, shape: [2] }))).toEqual({ data, shape: [2] });
  });

  it('writes the bytes that NumPy writes', () => {
    const bytes = writeNpy({ data: Float32Array.from(steps(2, 3)), shape: [2, 3] });
    expect(Buffer.from(bytes).equals(readFileSync(fixture('version1.npy')))).toBe(true);
  });

  it('keeps texts, the empty and the astral ones too', () => {
    const value = { strings: ['', 'dé😀', 'x'], shape: [3] };
    expect(readNpy(writeNpy(value))).toEqual(value);
    expect(readNpy(writeNpy({ strings: ['one'], shape: [] }))).toEqual({ strings: ['one'], shape: [] });
  });
});
