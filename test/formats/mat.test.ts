import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PoseError } from '../../lib/base/pose-error.js';
import { readMat5 } from '../../lib/formats/matlab/mat5.js';
import { readMat73 } from '../../lib/formats/matlab/mat73.js';
import { errorOf, fixture, steps } from './fixture.js';

const doubles = (...shape: number[]) => ({ data: Float64Array.from(steps(...shape)), shape });

describe('readMat5', () => {
  const shape = [2, 3];
  const expected = new Map<string, unknown>([
    ['annot2', { cells: [doubles(2, 3), { data: Float32Array.from(steps(3, 2)), shape: [3, 2] }], shape: [2, 1] }],
    ['cube', doubles(2, 3, 4)],
    ['single', { data: Float32Array.from(steps(2, 3)), shape }],
    ['text', 'hello'],
    ['rows', { strings: ['ab', 'cd', 'ef'], shape: [3] }],
    ['truth', { data: Uint8Array.of(1, 0), shape: [1, 2] }],
    [
      'record',
      {
        structs: [
          new Map<string, unknown>([
            ['a', { data: Float64Array.of(1.5), shape: [1, 1] }],
            ['b', 'text'],
          ]),
        ],
        shape: [1, 1],
      },
    ],
    ['whole_i1', { data: Int8Array.from(steps(2, 3)), shape }],
    ['whole_i2', { data: Int16Array.from(steps(2, 3)), shape }],
    ['whole_i4', { data: Int32Array.from(steps(2, 3)), shape }],
    ['whole_i8', { data: BigInt64Array.from(steps(2, 3), BigInt), shape }],
    ['whole_u1', { data: Uint8Array.from(steps(2, 3)), shape }],
    ['whole_u2', { data: Uint16Array.from(steps(2, 3)), shape }],
    ['whole_u4', { data: Uint32Array.from(steps(2, 3)), shape }],
    ['whole_u8', { data: BigUint64Array.from(steps(2, 3), BigInt), shape }],
  ]);
  it.each(['plain.mat', 'packed.mat'])('reads every class of %s, row-major', (name) => {
    expect(readMat5(fixture(name))).toEqual(expected);
  });

  it('reads a big-endian file with doubles kept as narrower numbers', () => {
    expect(readMat5(readFileSync(fixture('big-endian.mat')))).toEqual(new Map([['steps', doubles(2, 3)]]));
  });

  it('reads the named variables and passes over the rest, what it cannot read included', () => {
    expect([...readMat5(fixture('plain.mat'), { variables: ['single', 'text', 'absent'] }).keys()]).toEqual([
      'single',
      'text',
    ]);
    expect([...readMat5(fixture('sparse.mat'), { variables: ['good'] }).keys()]).toEqual(['good']);
  });

  it('names what it does not read', () => {
    expect(errorOf(() => readMat5(fixture('sparse.mat')))).toMatchObject({ code: 'ERR_UNSUPPORTED' });
    expect(errorOf(() => readMat5(fixture('sparse.mat'))).message).toContain('"thin" is a sparse matrix');
    expect(errorOf(() => readMat5(fixture('complex.mat'))).message).toContain('"both" is complex');
    expect(errorOf(() => readMat5(fixture('annot_data.mat'))).message).toContain('MATLAB 7.3');
  });

  it('refuses cut and foreign files', () => {
    const bytes = readFileSync(fixture('plain.mat'));
    expect(errorOf(() => readMat5(bytes.subarray(0, 300))).message).toMatch(/at byte \d+: expected \d+ more bytes/);
    expect(errorOf(() => readMat5(new Uint8Array(200))).message).toContain('its mark "IM" or "MI"');
  });

  it('refuses a packed element that claims more than it can hold', () => {
    const bytes = Buffer.from(readFileSync(fixture('packed.mat')));
    bytes.writeUInt32LE(0xfffffff0, 132);
    expect(errorOf(() => readMat5(bytes)).code).toBe('ERR_LIMIT');
    bytes.writeUInt32LE(40, 132);
    expect(errorOf(() => readMat5(bytes)).code).toBe('ERR_FORMAT');
  });
});

describe('readMat73', () => {
  const path = fixture('annot_data.mat');
  const refusal = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error) => (error instanceof PoseError ? error : undefined),
    );

  it("reads 3DHP's test annotations under MATLAB's shapes", async () => {
    const variables = ['annot2', 'univ_annot3', 'valid_frame', 'activity_annotation', 'title', 'cells', 'absent'];
    const values = await readMat73(path, { variables });
    // HDF5 holds (frames, 1, joints, 2): element (c, j, 0, t) here is the file's number (t * joints + j) * 2 + c.
    const annot2 = values.get('annot2') as { data: Float64Array; shape: number[] };
    expect(annot2.shape).toEqual([2, 3, 1, 4]);
    for (let c = 0; c < 2; c++) {
      for (let j = 0; j < 3; j++) {
        for (let t = 0; t < 4; t++) expect(annot2.data[(c * 3 + j) * 4 + t]).toBe((t * 3 + j) * 2 + c);
      }
    }
    expect(values.get('univ_annot3')).toMatchObject({ shape: [3, 3, 1, 4] });
    expect(values.get('valid_frame')).toEqual({ data: Uint8Array.of(1, 0, 1, 1), shape: [1, 4] });
    expect(values.get('activity_annotation')).toEqual({ data: Float64Array.of(1, 1, 2, 7), shape: [1, 4] });
    expect(values.get('title')).toBe('test');
    expect(values.get('cells')).toEqual({
      cells: [
        { data: Float64Array.of(0, 2, 4, 1, 3, 5), shape: [2, 3] },
        { data: Float64Array.of(0, 1), shape: [1, 2] },
      ],
      shape: [1, 2],
    });
    expect(values.has('absent')).toBe(false);
  });

  it('refuses structs, other files, and what is over the limit', async () => {
    expect((await refusal(readMat73(path)))?.message).toContain('"record" is a struct');
    expect((await refusal(readMat73(fixture('plain.mat'))))?.code).toBe('ERR_FORMAT');
    expect((await refusal(readMat73('absent.mat')))?.code).toBe('ERR_FILE');
    const small = await refusal(readMat73(path, { variables: ['annot2'], limitBytes: 100 }));
    expect(small?.code).toBe('ERR_LIMIT');
  });
});
