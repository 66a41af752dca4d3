import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PickleValue } from '../../lib/formats/pickle/value.js';
import { findStateDict, readTorch } from '../../lib/formats/torch/torch.js';
import { itWithData } from '../helpers/data.js';
import { errorOf, fixture, steps } from './fixture.js';

const linear = new Map([
  ['weight', { data: Float32Array.of(1, 2), shape: [1, 2] }],
  ['bias', { data: Float32Array.of(3), shape: [1] }],
]);

describe('readTorch', () => {
  const expected = new Map<string, unknown>([
    ['module.plain', { data: Float32Array.from(steps(3, 4)), shape: [3, 4] }],
    ['module.transposed', { data: Float32Array.of(0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11), shape: [4, 3] }],
    ['module.slice', { data: Float32Array.of(4, 6, 8, 10), shape: [2, 2] }],
    ['module.expanded', { data: Float32Array.of(5, 5, 5, 5, 5, 5), shape: [2, 3] }],
    ['module.half', { data: Float32Array.of(0.5, -2, 65504), shape: [3] }],
    ['module.bfloat16', { data: Float32Array.of(0.5, -2, 1.0002555517425873e30), shape: [3] }],
    ['module.double', { data: Float64Array.of(0.1, 0.2), shape: [2] }],
    ['module.long', { data: BigInt64Array.of(1n, -2n), shape: [1, 2] }],
    ['module.byte', { data: Uint8Array.of(1, 255), shape: [2] }],
    ['module.bool', { data: Uint8Array.of(1, 0), shape: [2] }],
    ['module.scalar', { data: Float32Array.of(3.5), shape: [] }],
    ['module.empty', { data: new Float32Array(0), shape: [0, 2] }],
    ['module.parameter', { data: Float32Array.of(1, 2), shape: [2] }],
  ]);
  it.each(['zip.pth', 'legacy.pth'])('reads every type and stride of %s', (name) => {
    expect(readTorch(fixture(name))).toEqual(expected);
    expect(readTorch(readFileSync(fixture(name)))).toEqual(expected);
  });

  it('reads what a big-endian machine wrote', () => {
    const plain = { data: Float32Array.from(steps(3, 4)), shape: [3, 4] };
    expect(readTorch(fixture('big-endian.pth'))).toEqual(new Map([['plain', plain]]));
  });

  it('keeps nested dicts, numbers and optimizer state', () => {
    const checkpoint = readTorch(fixture('checkpoint.pth')) as Map<string, PickleValue>;
    expect([...checkpoint.keys()]).toEqual(['epoch', 'state_dict', 'optimizer', 'lr']);
    expect(checkpoint.get('epoch')).toBe(3);
    const optimizer = checkpoint.get('optimizer') as Map<string, Map<number, Map<string, unknown>>>;
    expect(optimizer.get('state')?.get(0)?.get('step')).toEqual({ data: Float32Array.of(1), shape: [] });
  });

  it('refuses a module with its code and a pickle that calls the system, by name', () => {
    expect(errorOf(() => readTorch(fixture('whole-module.pth'))).message).toContain('"torch.nn.modules.linear.Linear"');
    expect(errorOf(() => readTorch(fixture('malicious.pth'))).message).toContain('"os.system"');
  });

  it('refuses other files with what it expected', () => {
    expect(errorOf(() => readTorch(fixture('version1.npy'))).message).toContain('expected a PyTorch file');
    expect(errorOf(() => readTorch(fixture('numbers.npz'))).message).toContain('"data.pkl"');
    expect(errorOf(() => readTorch(new Uint8Array(0))).code).toBe('ERR_FORMAT');
  });

  it('refuses a tensor that reaches over its storage', () => {
    const bytes = readFileSync(fixture('legacy.pth'));
    // The first tensor's shape (3, 4), as small integers in the pickle.
    const at = bytes.indexOf(Buffer.from('K\x03K\x04\x86', 'latin1'));
    bytes[at + 1] = 4;
    expect(errorOf(() => readTorch(bytes)).message).toContain('a tensor inside its storage of 12 numbers');
  });
});

describe('findStateDict', () => {
  const find = (name: string, key?: string) => findStateDict(readTorch(fixture(name)), name, key);
  it('takes the whole checkpoint, a customary entry, or the named one', () => {
    expect(find('zip.pth').size).toBe(13);
    expect(find('checkpoint.pth')).toEqual(linear);
    expect(find('two-models.pth')).toEqual(linear);
    expect(find('two-models.pth', 'other')).toEqual(linear);
    expect(find('unclear.pth', 'b')).toEqual(linear);
  });

  it('names the choices when it cannot tell', () => {
    expect(errorOf(() => find('unclear.pth')).message).toContain('"a", "b"');
    expect(errorOf(() => find('two-models.pth', 'third')).message).toContain('under "third"');
    expect(errorOf(() => findStateDict([1, 2], 'list.pth')).message).toContain('none');
  });
});

describe('published checkpoints', () => {
  itWithData('the refining module of P-STMO', 'checkpoints/PSTMO_refine_6_4215_h36m_cpn.pth', (path) => {
    const state = findStateDict(readTorch(path), path);
    expect([...state].map(([name, { shape }]) => [name, shape])).toEqual([
      ['module.post_refine.0.weight', [1024, 102]],
      ['module.post_refine.0.bias', [1024]],
      ['module.post_refine.3.weight', [34, 1024]],
      ['module.post_refine.3.bias', [34]],
    ]);
    for (const { data } of state.values()) expect(Array.from(data as Float32Array).every(Number.isFinite)).toBe(true);
  });

  itWithData('detector noise', 'checkpoints/motionbert-synthetic-noise.pth', (path) => {
    const noise = readTorch(path) as Map<PickleValue, PickleValue>;
    expect([...noise.keys()]).toEqual(['mean', 'std', 'weight']);
    expect(noise.get('mean')).toMatchObject({ shape: [17, 2] });
  });

  itWithData('the older form', 'checkpoints/legacy-format.pth', (path) => {
    const state = findStateDict(readTorch(path), path);
    expect(state.get('linear1.weight')?.data.every((value) => Number.isFinite(value))).toBe(true);
  });
});
