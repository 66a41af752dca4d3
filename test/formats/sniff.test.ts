import { describe, expect, it } from 'vitest';
import { sniffFormat } from '../../lib/formats/sniff.js';
import { errorOf, fixture } from './fixture.js';

describe('sniffFormat', () => {
  it.each([
    ['version1.npy', 'npy'],
    ['version3.npy', 'npy'],
    ['numbers.npz', 'npz'],
    ['zip64.npz', 'npz'],
    ['zip.pth', 'torch-zip'],
    ['legacy.pth', 'torch-legacy'],
    ['all-types.safetensors', 'safetensors'],
    ['plain.mat', 'mat5'],
    ['big-endian.mat', 'mat5'],
    ['annot_data.mat', 'mat73'],
    ['malicious.zip', 'unknown'],
    ['plain-protocol2.pkl', 'unknown'],
    ['make.py', 'unknown'],
  ])('calls %s %s', (name, format) => {
    expect(sniffFormat(fixture(name))).toBe(format);
  });

  it.each([
    ['{"a": 1}', 'json'],
    ['\ufeff [1]', 'json'],
    ['', 'unknown'],
    ['PK', 'unknown'],
    ['PK\x03\x04 and nothing more', 'unknown'],
  ])('calls the text %j %s', (text, format) => {
    expect(sniffFormat(Buffer.from(text))).toBe(format);
  });

  it('throws when there is no file', () => {
    expect(errorOf(() => sniffFormat('absent.bin')).code).toBe('ERR_FILE');
  });
});
