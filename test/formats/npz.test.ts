import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openNpz, readNpz } from '../../lib/formats/numpy/npz.js';
import { writeNpz } from '../../lib/formats/numpy/npz-writer.js';
import type { ObjectArray, PickleValue } from '../../lib/formats/pickle/value.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { errorOf, fixture, steps } from './fixture.js';

const float32 = (...shape: number[]) => ({ data: Float32Array.from(steps(...shape)), shape });

describe('writeNpz', () => {
  it('writes a name of 65,531 bytes, and refuses a longer one', () => {
    const path = join(temporaryFolder(), 'names.npz');
    writeNpz(path, { ['n'.repeat(65_531)]: float32(2) });
    expect([...readNpz(path).keys()]).toEqual(['n'.repeat(65_531)]);
    expect(() => writeNpz(path, { ['é'.repeat(35_000)]: float32(2) })).toThrow(
      expect.objectContaining({
        code: 'ERR_LIMIT',
        message: expect.stringContaining(
          `${path}: expected names of at most 65531 bytes, which a zip archive takes, got 70000`,
        ),
      }),
    );
  });
});

describe('readNpz', () => {
  const numbers = readNpz(fixture('numbers.npz'));
  const arrays = {
    i1: Int8Array,
    i2: Int16Array,
    i4: Int32Array,
    u1: Uint8Array,
    u2: Uint16Array,
    u4: Uint32Array,
    f2: Float32Array,
    f4: Float32Array,
    f8: Float64Array,
  };
  it.each(Object.entries(arrays))('reads %s of both byte orders', (type, TypedArray) => {
    const expected = { data: TypedArray.from(steps(2, 3)), shape: [2, 3] };
    expect(numbers.get(`little-${type}`)).toEqual(expected);
    expect(numbers.get(`big-${type}`)).toEqual(expected);
  });

  it.each(['i8', 'u8'])('reads %s of both byte orders', (type) => {
    const bigints = steps(2, 3).map(BigInt);
    const data = type === 'i8' ? BigInt64Array.from(bigints) : BigUint64Array.from(bigints);
    expect(numbers.get(`little-${type}`)).toEqual({ data, shape: [2, 3] });
    expect(numbers.get(`big-${type}`)).toEqual({ data, shape: [2, 3] });
  });

  it('reads truth values, a scalar and an empty array', () => {
    expect(numbers.get('bool')).toEqual({ data: Uint8Array.of(1, 0, 1), shape: [1, 3] });
    expect(numbers.get('scalar')).toEqual({ data: Float64Array.of(7.5), shape: [] });
    expect(numbers.get('empty')).toEqual({ data: new Float32Array(0), shape: [0, 3] });
  });

  it('turns Fortran order into row-major order', () => {
    const arrays = readNpz(fixture('fortran.npz'));
    expect(arrays.get('little-f4')).toEqual(float32(2, 3, 4));
    expect(arrays.get('big-i4')).toEqual({ data: Int32Array.from(steps(2, 3, 4)), shape: [2, 3, 4] });
  });

  it('reads texts', () => {
    const texts = readNpz(fixture('texts.npz'));
    expect(texts.get('unicode')).toEqual({ strings: ['a', 'bc', '', 'dé😀'], shape: [2, 2] });
    expect(texts.get('big')).toEqual({ strings: ['xy', 'z'], shape: [2] });
    expect(texts.get('bytes')).toEqual({ strings: ['ab', 'c'], shape: [2] });
    expect(texts.get('scalar')).toEqual({ strings: ['coco'], shape: [] });
  });

  it('reads zip64 archives', () => {
    const arrays = readNpz(fixture('zip64.npz'));
    expect(arrays.get('first')).toEqual(float32(2, 3));
    expect(arrays.get('second')).toEqual({ data: Int32Array.of(0, 1, 2, 3), shape: [4] });
  });

  it('reads the nested dicts that Human3.6M comes in', () => {
    const poses = (readNpz(fixture('human36m-3d.npz')).get('positions_3d') as ObjectArray).objects[0];
    expect(poses).toEqual(
      new Map([
        [
          'S1',
          new Map([
            ['Walking 1', float32(4, 32, 3)],
            ['Eating', float32(3, 32, 3)],
          ]),
        ],
        ['S9', new Map([['Posing 1', float32(2, 32, 3)]])],
      ]),
    );
    const keypoints = readNpz(fixture('human36m-2d.npz'));
    const subjects = (keypoints.get('positions_2d') as ObjectArray).objects[0] as Map<string, Map<string, PickleValue>>;
    const long = float32(5, 17, 2);
    expect(subjects.get('S1')?.get('Walking 1')).toEqual([long, long, long, float32(4, 17, 2)]);
    const metadata = (keypoints.get('metadata') as ObjectArray).objects[0];
    expect(metadata).toEqual(
      new Map<string, unknown>([
        ['layout_name', 'h36m'],
        ['num_joints', 17],
        [
          'keypoints_symmetry',
          [
            [4, 5, 6, 11, 12, 13],
            [1, 2, 3, 14, 15, 16],
          ],
        ],
      ]),
    );
  });

  it('reads single arrays from an open file and names what is there', () => {
    const file = openNpz(fixture('texts.npz'));
    expect(file.names).toEqual(['unicode', 'big', 'bytes', 'scalar']);
    expect(errorOf(() => file.read('positions')).message).toContain('only unicode, big, bytes, scalar');
    expect(errorOf(() => file.tensor('big')).message).toContain('an array of numbers');
    file.close();
  });

  it('takes the limit for the sum of all arrays', () => {
    expect(errorOf(() => readNpz(fixture('numbers.npz'), { limitBytes: 3000 })).code).toBe('ERR_LIMIT');
  });

  it('notices damage by the checksum', () => {
    const bytes = readFileSync(fixture('numbers.npz'));
    bytes[bytes.indexOf(Buffer.from(Float32Array.from(steps(2, 3)).buffer)) + 5] ^= 1;
    expect(errorOf(() => readNpz(bytes)).message).toContain('checksum');
  });

  it('refuses members that overlap, so that no small file unpacks to a huge one', () => {
    const bytes = Buffer.from(readFileSync(fixture('zip64.npz')));
    const second = bytes.lastIndexOf(Buffer.from('PK\x01\x02'));
    bytes.writeUInt32LE(0, second + 42);
    bytes.writeUInt32LE(0, bytes.indexOf(Buffer.from('PK\x01\x02')) + 42);
    expect(errorOf(() => readNpz(bytes)).message).toContain('overlap');
  });
});

describe('writeNpz', () => {
  const folder = temporaryFolder();

  it.each([false, true])('is read back as it was (compress: %s)', (compress) => {
    const path = join(folder, 'out.npz');
    const arrays = { poses: float32(20, 3), names: { strings: ['a', 'b'], shape: [2] }, __proto: float32(1) };
    writeNpz(path, arrays, { compress });
    expect(readNpz(path)).toEqual(new Map(Object.entries(arrays)));
    expect(readdirSync(folder)).toEqual(['out.npz']);
  });

  it('writes zip64 where there are too many members for the plain form', () => {
    const path = join(folder, 'many.npz');
    const one = float32(1);
    writeNpz(path, new Map(Array.from({ length: 65_536 }, (_, i) => [`a${i}`, one])));
    const file = openNpz(path);
    expect(file.names.length).toBe(65_536);
    expect(file.read('a65535')).toEqual(one);
    file.close();
  });

  it('leaves the old file when writing fails', () => {
    const path = join(folder, 'kept.npz');
    writeFileSync(path, 'old');
    const bad = { strings: [null as unknown as string], shape: [1] };
    expect(() => writeNpz(path, { bad })).toThrow();
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.includes('tmp'))).toEqual([]);
  });
});
